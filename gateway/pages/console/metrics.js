/* The text that Prometheus reads, as numbers: samples by name, and sums over labels. No DOM here. */

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;
const ESCAPED = { "\\n": "\n", '\\"': '"', "\\\\": "\\" };

function labelsOf(text) {
  const labels = {};
  for (const [, name, value] of (text ?? "").matchAll(LABEL)) {
    labels[name] = value.replace(/\\[n"\\]/g, (one) => ESCAPED[one]);
  }
  return labels;
}

function valueOf(text) {
  if (text === "+Inf") return Infinity;
  return text === "-Inf" ? -Infinity : Number(text);
}

/** A page of metrics → Map of sample name → [{labels, value}]. Lines that are none are left out. */
export function parse(page) {
  const samples = new Map();
  for (const line of page.split("\n")) {
    if (line === "" || line[0] === "#") continue;
    const found = LINE.exec(line);
    if (found === null) continue;
    const [, name, labels, value] = found;
    if (!samples.has(name)) samples.set(name, []);
    samples.get(name).push({ labels: labelsOf(labels), value: valueOf(value) });
  }
  return samples;
}

const fits = (labels, wanted) => Object.entries(wanted).every(([name, value]) => (
  Array.isArray(value) ? value.includes(labels[name]) : labels[name] === value));

/** The sum of a name's samples that have the wanted labels; null when there is none. */
export function sum(samples, name, wanted = {}) {
  const found = (samples.get(name) ?? []).filter((one) => fits(one.labels, wanted));
  return found.length === 0 ? null : found.reduce((total, one) => total + one.value, 0);
}

/** The sums of a name's samples by one label: Map of its value → sum. */
export function sumBy(samples, name, label, wanted = {}) {
  const sums = new Map();
  for (const one of samples.get(name) ?? []) {
    if (!fits(one.labels, wanted)) continue;
    const key = one.labels[label] ?? "";
    sums.set(key, (sums.get(key) ?? 0) + one.value);
  }
  return sums;
}

/** The upper bounds and cumulative counts of a histogram, added up: [[bound, count], …]. */
export function buckets(samples, name, wanted = {}) {
  return [...sumBy(samples, `${name}_bucket`, "le", wanted)]
    .map(([bound, count]) => [valueOf(bound), count])
    .sort((one, other) => one[0] - other[0]);
}
