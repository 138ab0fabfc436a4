/* What the frame means for one place: how many are ahead, how long that takes, when to look again.
   Pure: times and chance come in as arguments. */

const WINDOW_MS = 60_000;
const SHORT_MS = 10_000;
const SPAN_MIN_S = 3;
const TURNS_MIN = 5;
const HIDDEN_MS = 10_000;
const HIDDEN_NEAR_MS = 3_000;
const NEAR_MS = 60_000;
const WORSE = 1.25;
const WORSE_FOR_MS = 30_000;

const NO_LANE = { serving: 0, tail: 0, drawn: 0, rate_per_s: 0, low_per_s: 0, high_per_s: 0, likely: -1, possible: -1 };

/** The lane of a place; one in which nobody was called where the room does not know it (any more). */
export const laneOf = (place, frame) => frame.lanes[place.lane] ?? NO_LANE;

/** When its lane calls a place. */
export const turnOf = (place) => place.number;

/** How many turns are still to be called up to and with this place; 0: it has been called. */
export const ahead = (place, frame) => Math.max(0, turnOf(place) - laneOf(place, frame).serving);

/** How many stand in line, in all lanes. */
export const waiting = (frame) => frame.lanes.reduce((all, lane) => all + Math.max(0, lane.tail - lane.serving), 0);

/** Until the doors open, by the frame's own clock plus the time that passed since it was read. */
export const untilOpening = (frame, nowMs) => Math.max(0, frame.opens_at_ms - nowMs);

/** Remember how far a lane had come; only the last minute of one line counts, and no pause in it. */
export function remembered(samples, frame, lane = 0) {
  if (frame.state !== "open") return [];
  const last = samples.at(-1);
  if (last && (last.line !== lineName(frame, lane) || frame.at_ms < last.atMs)) return [sample(frame, lane)];
  if (last && frame.at_ms === last.atMs) return samples;
  return [...samples.filter((one) => frame.at_ms - one.atMs <= WINDOW_MS), sample(frame, lane)];
}

const lineName = (frame, lane) => `${frame.drop}.${frame.epoch}.${lane}`;
const sample = (frame, lane) => ({ line: lineName(frame, lane), atMs: frame.at_ms, serving: laneOf({ lane }, frame).serving });

/**
 * How many turns a second were called in the last `windowMs`; null when that is not known yet: too short
 * a time says nothing of a line in which a turn comes seldom.
 */
export function speed(samples, windowMs, ratePerS) {
  const last = samples.at(-1);
  const first = samples.find((one) => last.atMs - one.atMs <= windowMs);
  const seconds = last && first ? (last.atMs - first.atMs) / 1000 : 0;
  return seconds < SPAN_MIN_S || seconds * ratePerS < TURNS_MIN ? null : (last.serving - first.serving) / seconds;
}

/**
 * How long it takes, as {lowMs, highMs}, from the rate that is set and what the line really did; null
 * while nobody moves and nobody can say.
 */
export function estimate(place, frame, samples, nowMs) {
  const people = ahead(place, frame);
  const ratePerS = laneOf(place, frame).rate_per_s;
  if (frame.state !== "open" && frame.state !== "lobby") return null;
  if (people > 0 && !(ratePerS > 0)) return null;
  const measured = [SHORT_MS, WINDOW_MS].map((windowMs) => speed(samples, windowMs, ratePerS));
  const speeds = [ratePerS, ...measured.filter((one) => one !== null)];
  const slowest = Math.min(...speeds);
  if (people > 0 && !(slowest > 0)) return null;
  const doorsMs = untilOpening(frame, nowMs);
  const seconds = (rate) => (people === 0 ? 0 : people / rate);
  return {
    lowMs: doorsMs + seconds(Math.max(...speeds)) * 1000,
    // Those who hurry are never alone: where nothing was measured yet, a third more is honest.
    highMs: doorsMs + seconds(speeds.length > 1 ? slowest : slowest / 1.33) * 1000,
  };
}

/**
 * The estimate as it is shown: it goes down as time goes by and rises only when it has been a quarter
 * worse for half a minute. `shown` is what the last call returned, or null.
 */
export function steady(shown, found, nowMs) {
  if (found === null) return null;
  if (shown === null) return { ...found, atMs: nowMs, worseSinceMs: null, rose: false };
  const passedMs = nowMs - shown.atMs;
  const high = Math.max(0, shown.highMs - passedMs);
  const worse = found.highMs > high * WORSE + 5_000;
  const since = worse ? shown.worseSinceMs ?? nowMs : null;
  if (worse && nowMs - since >= WORSE_FOR_MS) return { ...found, atMs: nowMs, worseSinceMs: null, rose: true };
  return {
    lowMs: Math.min(found.lowMs, high), highMs: Math.min(found.highMs, high),
    atMs: nowMs, worseSinceMs: since, rose: worse && shown.rose,
  };
}

/**
 * When to look again, by the frame's own rule: a share of the wait that is left, bounded and drawn out
 * by chance. Slower while nobody looks at the page; never later than `soonestMs` when something is due.
 */
export function pollDelay({ place, frame, nowMs, hidden = false, chance = Math.random(), dueMs = null }) {
  const doorsMs = frame.drop === 0 ? Math.max(0, frame.lobby_at_ms - nowMs) : untilOpening(frame, nowMs);
  const waitMs = doorsMs + (ahead(place, frame) * 1000) / (laneOf(place, frame).rate_per_s || 1);
  let base = Math.min(frame.poll_max_ms, Math.max(frame.poll_ms, waitMs / frame.poll_share));
  if (dueMs !== null && dueMs > nowMs) base = Math.min(base, Math.max(frame.poll_ms, dueMs - nowMs));
  if (hidden) base = Math.max(base, waitMs < NEAR_MS ? HIDDEN_NEAR_MS : HIDDEN_MS);
  return base * (1 + frame.poll_spread * chance);
}

/** How much of the way is done, 0 to 1, from how many were ahead at first. */
export const progress = (atFirst, now) => (atFirst > 0 ? Math.min(1, Math.max(0, 1 - now / atFirst)) : 1);
