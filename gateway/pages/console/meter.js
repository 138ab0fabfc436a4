/* The fleet's metrics from one reading to the next: refusals, latency, what is broken. No DOM. */

import { buckets, parse, sum, sumBy } from "./metrics.js";
import { gained, quantile, rise } from "./rates.js";

/** Refusals that are the client's doing alone say nothing about the drop; they are summed up. */
export const SHOWN = ["sold_out", "all_held", "limit_reached", "too_few", "seat_taken"];
const BUYING = ["shopper_hold", "shopper_confirm", "partner_order", "partner_batch"];
const SECONDS = "dropgate_http_request_duration_seconds";
const WINDOW_S = 10;
const MINUTE_S = 60;
/* A busy process may miss one asking; who is silent for so long is gone. */
const GONE_S = 5;

function reading(page, at, sale) {
  const samples = parse(page);
  return {
    at,
    missing: sum(samples, "dropgate_missing_processes") ?? 0,
    processes: sum(samples, "dropgate_build_info"),
    gateways: sum(samples, "dropgate_build_info", { process: "gateway" }),
    serving: (sum(samples, "dropgate_ready") ?? 0) + (sum(samples, "dropgate_draining") ?? 0),
    refusals: sumBy(samples, "dropgate_refusals_total", "code"),
    purchases: sum(samples, "dropgate_http_requests_total", { route: BUYING }) ?? 0,
    latency: buckets(samples, SECONDS, { route: BUYING }),
    broken: [...sumBy(samples, "dropgate_invariant_broken", "check", { sale })].filter(([, is]) => is > 0).map(([check]) => check),
    fenced: sum(samples, "dropgate_slot_fenced", { sale }) ?? 0,
    roomFenced: sum(samples, "dropgate_room_fenced", { sale }) ?? 0,
    withheld: sum(samples, "dropgate_units_withheld", { sale }) ?? 0,
    lagSeconds: sum(samples, "dropgate_settlement_lag_seconds", { sale }),
    guesses: sum(samples, "dropgate_code_misses_total") ?? 0,
    storeErrors: sum(samples, "dropgate_store_errors_total") ?? 0,
  };
}

/** Keeps the readings of the last minute. `note(page, at)` tells what the fleet did just now. */
export class Meter {
  constructor(sale = "") {
    this.sale = sale;
    this.readings = [];
  }

  /** A page of metrics read at `at` seconds → speeds a second and latencies, null where not known. */
  note(page, at) {
    const now = reading(page, at, this.sale);
    this.readings = this.readings.filter((one) => at - one.at <= MINUTE_S && sameFleet(one, now));
    this.readings.push(now);
    const before = this.readings.find((one) => at - one.at <= WINDOW_S);
    const minute = this.readings[0];
    const seconds = at - before.at;
    const perS = (rose) => (rose === null || seconds <= 0 ? null : rose / seconds);
    const refused = new Map([...now.refusals].map(([code, count]) => [code, perS(rise(before.refusals.get(code) ?? 0, count, false))]));
    const spread = seconds > 0 ? gained(before.latency, now.latency) : null;
    return {
      at,
      gone: at - minute.at >= GONE_S ? now.missing : 0,
      gateways: now.gateways,
      serving: now.serving,
      broken: now.broken,
      fenced: now.fenced,
      roomFenced: now.roomFenced,
      withheld: now.withheld,
      lagSeconds: now.lagSeconds,
      refused: grouped(refused, seconds > 0),
      purchasesPerS: perS(rise(before.purchases, now.purchases, false)),
      p50: spread && quantile(0.5, spread),
      p99: spread && quantile(0.99, spread),
      bugs: rise(minute.refusals.get("internal") ?? 0, now.refusals.get("internal") ?? 0, false) ?? 0,
      storeErrors: rise(minute.storeErrors, now.storeErrors, false) ?? 0,
      guessesPerS: at > minute.at ? (rise(minute.guesses, now.guesses, false) ?? 0) / Math.max(10, at - minute.at) : 0,
    };
  }
}

/** Sums of another number of processes cannot be compared: a process came or went in between. */
const sameFleet = (one, other) => one.missing === other.missing && one.processes === other.processes;

/** The shown reasons, `other`, and `all`; null where nothing can be said. */
function grouped(byCode, known) {
  const values = Object.fromEntries(SHOWN.map((code) => [code, known ? byCode.get(code) ?? 0 : null]));
  const all = known ? [...byCode.values()].reduce((total, one) => total + (one ?? 0), 0) : null;
  const other = known ? all - SHOWN.reduce((total, code) => total + values[code], 0) : null;
  return { ...values, other: known ? Math.max(0, other) : null, all };
}
