/* The last minutes of some numbers, in columns, bounded. No DOM, no clock: times are arguments. */

/** Columns of numbers by time (in seconds, rising); what is older than `keepS` is forgotten. */
export class Ring {
  constructor(names, keepS = 900) {
    this.names = names;
    this.keepS = keepS;
    this.clear();
  }

  clear() {
    this.times = [];
    this.columns = Object.fromEntries(this.names.map((name) => [name, []]));
  }

  /** Note a moment; one that is not later than the newest is left out. */
  push(time, values) {
    if (this.times.length > 0 && time <= this.times.at(-1)) return false;
    this.times.push(time);
    for (const name of this.names) this.columns[name].push(values[name] ?? null);
    const old = this.times.findIndex((one) => one >= time - this.keepS);
    if (old > 0) {
      this.times.splice(0, old);
      for (const name of this.names) this.columns[name].splice(0, old);
    }
    return true;
  }

  /** Put whole columns in place of all, then those moments of before that are newer. */
  replace(times, columns) {
    const newer = this.times
      .map((time, at) => [time, Object.fromEntries(this.names.map((name) => [name, this.columns[name][at]]))])
      .filter(([time]) => times.length === 0 || time > times.at(-1));
    this.clear();
    times.forEach((time, at) => this.push(time, Object.fromEntries(this.names.map((name) => [name, columns[name]?.[at]]))));
    for (const [time, values] of newer) this.push(time, values);
  }

  /** The newest value of a column, or null. */
  last(name) {
    return this.columns[name].at(-1) ?? null;
  }

  /**
   * How much a column rose within the last seconds; null if it is not known for so long. A counter
   * that falls was begun anew (`restarts`); what else falls has just not risen.
   */
  rose(name, seconds, restarts = true) {
    const values = this.columns[name];
    const first = this.times.findIndex((time) => time >= this.times.at(-1) - seconds);
    if (first < 0 || this.times.at(-1) - this.times[first] < seconds * 0.8) return null;
    let total = 0;
    for (let at = first + 1; at < values.length; at += 1) {
      const step = values[at] - values[at - 1];
      total += step >= 0 ? step : restarts ? values[at] : 0;
    }
    return total;
  }

  /** Times and values for a plot; where the clock jumped, a moment without values parts the lines. */
  plotted(lines, gapS = 5) {
    const data = [[], ...lines.map(() => [])];
    this.times.forEach((time, at) => {
      if (at > 0 && time - this.times[at - 1] > gapS) {
        data[0].push(this.times[at - 1] + 1);
        lines.forEach((_, line) => data[line + 1].push(null));
      }
      data[0].push(time);
      lines.forEach((line, number) => data[number + 1].push(line[at] ?? null));
    });
    return data;
  }
}
