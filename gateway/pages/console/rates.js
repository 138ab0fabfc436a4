/* From counters to speeds, from histograms to quantiles. No DOM, no clock: times are arguments. */

/**
 * How much a counter rose from one reading to the next. A counter that fell was begun anew, by a
 * process or a drop: then it is what was counted since, when `restarts`, else not known (null).
 */
export function rise(before, now, restarts = true) {
  if (before === null || now === null || before === undefined || now === undefined) return null;
  if (now >= before) return now - before;
  return restarts ? now : null;
}

/** A counter's rises added up from 0, so that a restart is no fall: [5, 7, 1, 2] → [0, 2, 3, 4]. */
export function unwound(counts) {
  let total = 0;
  return counts.map((count, at) => {
    if (at > 0) total += rise(counts[at - 1], count) ?? 0;
    return total;
  });
}

/**
 * A counter's speed a second at each moment, over the window before it. Null where no moment lies
 * in the window, or where a gap of more than `gapS` seconds does.
 */
export function speeds(times, counts, windowS = 5, gapS = 5) {
  const total = unwound(counts);
  let from = 0;
  return times.map((now, at) => {
    if (at > 0 && now - times[at - 1] > gapS) from = at;
    while (from < at && now - times[from] > windowS) from += 1;
    const seconds = now - times[from];
    return seconds > 0 ? (total[at] - total[from]) / seconds : null;
  });
}

/** What each bucket of a histogram gained between two readings, or null when that is not known. */
export function gained(before, now) {
  const known = new Map(before);
  const rises = now.map(([bound, count]) => [bound, rise(known.get(bound) ?? 0, count, false)]);
  return rises.some(([, count]) => count === null) ? null : rises;
}

/** The quantile of cumulative buckets, straight between their bounds; null when they are empty. */
export function quantile(share, cumulative) {
  const all = cumulative.at(-1)?.[1] ?? 0;
  if (all <= 0) return null;
  const rank = share * all;
  let [low, below] = [0, 0];
  for (const [bound, count] of cumulative) {
    if (count >= rank) {
      if (bound === Infinity) return low;
      return count === below ? bound : low + (bound - low) * ((rank - below) / (count - below));
    }
    [low, below] = [bound, count];
  }
  return low;
}
