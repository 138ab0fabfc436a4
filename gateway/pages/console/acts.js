/* What an operator can do to a sale, and when: the same rules as the store's, told beforehand. */

/** Each act's states that it goes from, the state it leads to, and how carefully it is asked for. */
export const ACTS = {
  open: { from: ["announced"], to: "open", ask: "confirm" },
  pause: { from: ["open"], to: "paused", ask: "none" },
  resume: { from: ["paused", "draining"], to: "open", ask: "none" },
  drain: { from: ["open", "paused"], to: "draining", ask: "confirm" },
  close: { from: ["announced", "open", "paused", "draining"], to: "closed", ask: "typed", danger: true },
};

/** Why an act cannot be done now, as a key of words with facts; null when it can. */
export function barred(act, { state, mayAct }) {
  if (!mayAct) return { key: "act.auditor" };
  const { from, to } = ACTS[act];
  if (state === to) return { key: "act.already", state };
  if (!from.includes(state)) return { key: "act.wrong", state, from };
  return null;
}

/** Whole rates to choose from, around what the sale has: slower, the same, faster. */
export function presets(rate) {
  const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000];
  if (!(rate > 0)) return steps.slice(3, 8);
  const wanted = [rate / 4, rate / 2, rate * 2, rate * 4];
  const near = wanted.map((one) => steps.reduce((best, step) => (Math.abs(Math.log(step / one)) < Math.abs(Math.log(best / one)) ? step : best)));
  return [...new Set(near)].filter((step) => step !== rate).sort((one, other) => one - other);
}
