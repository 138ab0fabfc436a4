/* What is wrong, told from numbers alone: an ordered list, the worst first. No DOM, no clock. */

const PARTS = ["available", "held", "allotted", "sold", "redeemed", "voided", "returned"];
export const STALE_MS = 5000;
export const STALL_S = 60;
const STALL_ADMITTED = 10;
const LAG_FACTS = 200;
const LAG_S = 30;
const GUESSES_PER_S = 1;

/** What the first invariant misses in counters of units; 0 when they add up. */
export const missing = (units) => units.released - PARTS.reduce((sum, part) => sum + (units[part] ?? 0), 0);

const alarm = (level, name, facts = {}) => ({ level, name, facts });

/**
 * The alarms of a sale. `facts`:
 * - board: the sale's last answer or null; answeredMs: when it came; nowMs; lost: why the last look
 *   failed (a problem), or null
 * - ring: the sale's ring; meter: what the last page of metrics says (see meter.js), or null
 * - audit: the last audit that was run here, or null
 */
export function alarmsOf({ board, answeredMs, nowMs, lost, ring, meter, audit }) {
  const found = [];
  if (lost !== null && isAway(lost) && nowMs - answeredMs > STALE_MS) {
    found.push(alarm("bad", "no_answer", { code: lost.code, since_ms: answeredMs }));
  }
  if (board !== null) found.push(...ofBoard(board, ring));
  if (audit !== null && !audit.ok) {
    const wrong = audit.checks.filter((check) => !check.ok);
    found.push(alarm("bad", "audit", { checks: wrong.map((check) => check.name) }));
  }
  if (meter !== null) found.push(...ofFleet(meter));
  return found.sort((one, other) => (one.level === other.level ? 0 : one.level === "bad" ? -1 : 1));
}

/** Whether nobody answered, or could not; a refusal is an answer. */
const isAway = ({ status }) => !status || status >= 500;

function ofBoard(board, ring) {
  const found = [];
  const { room, total } = board;
  if (room && board.server_time_ms - room.at_ms > STALE_MS) {
    found.push(alarm("bad", "store_away", { since_ms: room.at_ms }));
  }
  if (total && missing(total) !== 0) found.push(alarm("bad", "invariant", { n: missing(total) }));
  if (stalls(board, ring)) found.push(alarm("bad", "stalled", { admitted: ring.rose("admitted", STALL_S), available: total.available }));
  const lag = lagOf(board, ring);
  if (lag !== null) found.push(alarm(...lag));
  return found;
}

/** Whether people are let in and stock is there, and yet nothing was held or sold for a while. */
function stalls({ state, room, total }, ring) {
  if (state !== "open" || room?.state !== "open" || !(total?.available > 0)) return false;
  const admitted = ring.rose("admitted", STALL_S);
  if (admitted === null || admitted < STALL_ADMITTED) return false;
  return ring.rose("held", STALL_S, false) === 0 && ring.rose("taken", STALL_S, false) === 0;
}

/** The books are behind: for good when they stand still or fall further back, else as a warning. */
function lagOf(board, ring) {
  if (board.lag < LAG_FACTS) return null;
  const since = ring.times.at(-1) - LAG_S;
  const recent = ring.columns.lag.filter((_, at) => ring.times[at] >= since);
  const first = ring.times.findIndex((time) => time >= since);
  if (first < 0 || ring.times.at(-1) - ring.times[first] < LAG_S * 0.8) return null;
  if (Math.min(...recent) < LAG_FACTS) return null;
  return [board.lag >= recent[0] ? "bad" : "warn", "lag", { n: board.lag }];
}

function ofFleet(meter) {
  const found = [];
  if (meter.broken.length > 0) found.push(alarm("bad", "broken", { checks: meter.broken }));
  if (meter.fenced > 0) found.push(alarm("bad", "fenced", { n: meter.fenced }));
  if (meter.roomFenced > 0) found.push(alarm("bad", "room_fenced"));
  if (meter.gone > 0) found.push(alarm("bad", "process_missing", { n: meter.gone }));
  if (meter.serving < meter.gateways) {
    found.push(alarm("bad", "not_ready", { n: meter.gateways - meter.serving, of: meter.gateways }));
  }
  if (meter.bugs > 0) found.push(alarm("bad", "bug", { n: meter.bugs }));
  if (meter.withheld > 0) found.push(alarm("warn", "withheld", { n: meter.withheld }));
  if (meter.storeErrors > 0) found.push(alarm("warn", "store_errors", { n: meter.storeErrors }));
  if (meter.guessesPerS > GUESSES_PER_S) found.push(alarm("warn", "guessing", { n: Math.round(meter.guessesPerS * 60) }));
  return found;
}
