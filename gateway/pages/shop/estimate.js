/* What the frame means for one place: how many are ahead, how long that takes, when to look again.
   Pure: times and chance come in as arguments. */

const HIDDEN_MS = 10_000;
const WORSE = 1.25;
const WORSE_FOR_MS = 30_000;
const AWAY_MS = 90_000;  // longer than between any two looks of a page that is seen
const ROSE_SHOWN_MS = 120_000;
const OLD_MS = 10_000;
const ASK_TURN_MAX_MS = 20_000;
const TURNS_ASKED_PER_S = 2_000;

const NO_LANE = { serving: 0, tail: 0, drawn: 0, rate_per_s: 0, low_per_s: 0, high_per_s: 0, likely: -1, possible: -1 };

/** The lane of a place; one in which nobody was called where the room does not know it (any more). */
export const laneOf = (place, frame) => frame.lanes[place.lane] ?? NO_LANE;

/** Whether nothing can have been drawn: a lobby that drains, or whose store is away, says so and is still one. */
const isBeforeOpening = (frame) => !frame.seed && frame.at_ms < frame.opens_at_ms;

/** Whether the order of a place is not known yet: it waits for the draw, or for its own turn to be asked for. */
export function isInDraw(place, frame) {
  if (place.drop !== frame.drop || place.epoch !== frame.epoch) return false;
  const { drawn } = laneOf(place, frame);
  if ((frame.state === "lobby" && frame.reason !== "draw") || isBeforeOpening(frame)) return true;
  return place.number <= drawn && !place.turn;
}

/** Whether it stands between opening and draw, because its store is away: nobody could tell a turn. */
const isUndrawn = (frame) => frame.state === "paused" && frame.reason === "store" && !frame.seed;

/** Whether the draw is made and the turn of a place is to be asked for. */
export const needsTurn = (place, frame) => frame.state !== "lobby" && frame.state !== "closed"
  && !isBeforeOpening(frame) && !isUndrawn(frame) && isInDraw(place, frame);

/** When to ask for it: all who were drawn ask at once else. */
export const turnDelay = (place, frame, chance = Math.random()) =>
  chance * Math.min(ASK_TURN_MAX_MS, (laneOf(place, frame).drawn / TURNS_ASKED_PER_S) * 1000);

/** When its lane calls a place. */
export const turnOf = (place) => place.turn || place.number;

/** How many turns are still to be called up to and with this place; 0: it has been called. */
export function ahead(place, frame) {
  if (isInDraw(place, frame)) return 1;  // nobody is ahead, and nobody has been called
  return Math.max(0, turnOf(place) - laneOf(place, frame).serving);
}

/** Whether what is left will reach a place: "likely", "possible", "unlikely", or null: not known. */
export function chanceOf(place, frame) {
  const { likely, possible } = laneOf(place, frame);
  const people = isInDraw(place, frame) ? laneOf(place, frame).tail : ahead(place, frame);
  if (likely >= 0 && people <= likely) return "likely";
  if (possible >= 0 && people <= possible) return "possible";
  return likely < 0 || possible < 0 ? null : "unlikely";
}

/** Whether a frame is older than the one that is known: told late, or by a process that looked earlier. */
export const isOlder = (frame, known) => known !== null && frame.drop === known.drop && frame.epoch === known.epoch
  && frame.at_ms < known.at_ms && known.at_ms - frame.at_ms < OLD_MS;

/** How many stand in line, in all lanes. */
export const waiting = (frame) => frame.lanes.reduce((all, lane) => all + Math.max(0, lane.tail - lane.serving), 0);

/** Until the doors open, by the frame's own clock plus the time that passed since it was read. */
export const untilOpening = (frame, nowMs) => Math.max(0, frame.opens_at_ms - nowMs);

/**
 * How long it takes, as {lowMs, highMs}, from how fast the lane is called and how far that has swung; null
 * while nobody moves and nobody can say.
 */
export function estimate(place, frame, nowMs) {
  const lane = laneOf(place, frame);
  const people = isInDraw(place, frame) ? lane.tail : ahead(place, frame);
  if (frame.state !== "open" && frame.state !== "lobby") return null;
  if (people > 0 && !(lane.rate_per_s > 0)) return null;
  const speeds = [lane.rate_per_s, lane.low_per_s, lane.high_per_s].filter((one) => one > 0);
  const [slowest, fastest] = [Math.min(...speeds), Math.max(...speeds)];
  const doorsMs = untilOpening(frame, nowMs);
  const seconds = (rate) => (people === 0 ? 0 : people / rate);
  return {
    lowMs: doorsMs + (isInDraw(place, frame) ? 0 : seconds(fastest) * 1000),
    // Those who hurry are never alone: where nothing has swung yet, a third more is honest.
    highMs: doorsMs + seconds(slowest < fastest ? slowest : slowest / 1.33) * 1000,
  };
}

/**
 * The estimate as it is shown: it goes down as time goes by and rises only when it has been a quarter worse
 * for half a minute, or at once where there was none to be seen meanwhile: the line stood, or nobody looked.
 * `shown` is what the last call returned, of a page before a reload too, or null. `isKnown` is false while
 * `found` is null: what was said before is kept, to be measured by. `why` is the key of the sentence that
 * says why it takes longer; from `roseAtMs` on it is to be read for a while (`roseFor`).
 */
export function steady(shown, found, nowMs, why = "eta.slower") {
  if (found === null) return shown && { ...shown, isKnown: false };
  if (shown === null) return { ...found, atMs: nowMs, isKnown: true, worseSinceMs: null, roseAtMs: null, why: null };
  const passedMs = Math.max(0, nowMs - shown.atMs);
  const high = Math.max(0, shown.highMs - passedMs);
  const worse = found.highMs > high * WORSE + 5_000;
  const since = worse ? shown.worseSinceMs ?? nowMs : null;
  const unseen = !shown.isKnown || passedMs >= AWAY_MS;
  if (worse && (unseen || nowMs - since >= WORSE_FOR_MS)) {
    return { ...found, atMs: nowMs, isKnown: true, worseSinceMs: null, roseAtMs: nowMs, why };
  }
  return {
    ...shown, lowMs: Math.min(found.lowMs, high), highMs: Math.min(found.highMs, high),
    atMs: nowMs, isKnown: true, worseSinceMs: since,
  };
}

/** Why it takes longer than was said, while that is news; else null. */
export const roseFor = (shown, nowMs) => (shown?.roseAtMs && nowMs - shown.roseAtMs < ROSE_SHOWN_MS ? shown.why : null);

/**
 * When to look again, by the frame's own rule: a share of the wait that is left, bounded and drawn out
 * by chance. Nobody looks at a hidden page: it looks when the turn may have come, or, `alert`, when its
 * person asked to be told, by the rule but not so often. `dueMs`: something is to happen then.
 */
export function pollDelay({ place, frame, nowMs, hidden = false, alert = false, chance = Math.random(), dueMs = null }) {
  const doorsMs = frame.drop === 0 ? Math.max(0, frame.lobby_at_ms - nowMs) : untilOpening(frame, nowMs);
  const waitMs = doorsMs + (ahead(place, frame) * 1000) / (laneOf(place, frame).rate_per_s || 1);
  let base = Math.min(frame.poll_max_ms, Math.max(frame.poll_ms, waitMs / frame.poll_share));
  if (dueMs !== null && dueMs > nowMs) base = Math.min(base, Math.max(frame.poll_ms, dueMs - nowMs));
  if (hidden) base = Math.max(HIDDEN_MS, alert ? base : waitMs);
  return base * (1 + frame.poll_spread * chance);
}

/** How much of the way is done, 0 to 1, from how many were ahead at first. */
export const progress = (atFirst, now) => (atFirst > 0 ? Math.min(1, Math.max(0, 1 - now / atFirst)) : 1);
