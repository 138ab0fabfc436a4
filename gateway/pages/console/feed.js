/* What happens, once a second: the sale as it stands and the fleet's metrics, with the last minutes. */

import { call, learnClock } from "../common/api.js";
import { Meter, SHOWN } from "./meter.js";
import { Ring } from "./ring.js";

const EVERY_MS = 1000;
const GAP_S = 5;
const COLUMNS = ["waiting", "active", "admitted", "rate", "available", "held", "sold", "redeemed", "taken", "lag"];
const METERED = [...SHOWN, "other", "all", "p50", "p99", "purchases"];

const moment = ({ room, total, lag }) => ({
  waiting: room.waiting, active: room.active, admitted: room.admitted, rate: room.rate_per_s, lag,
  available: total.available, held: total.held, sold: total.sold, redeemed: total.redeemed,
  taken: total.sold + total.redeemed,
});

/** Follows one sale. `onChange` is called after each look; what it shows is in the fields. */
export class Feed {
  constructor(session, sale, onChange) {
    this.session = session;
    this.path = `/v1/operator/sales/${sale}`;
    this.onChange = onChange;
    this.ring = new Ring(COLUMNS);
    this.metered = new Ring(METERED);
    this.meters = new Meter(sale);
    this.board = null;
    this.mine = new Map(); // revisions of the room that changes from here led from and to
    this.meter = null;
    this.audit = null;
    this.lost = null;
    this.answeredMs = Date.now();
    this.ended = false;
  }

  /** Look again and again until `end()`. */
  async run() {
    while (!this.ended) {
      const begun = performance.now();
      await this.look().catch(reportError); // what one look did wrong must not end the looking
      const left = EVERY_MS - (performance.now() - begun);
      await new Promise((resolve) => { this.wake = resolve; setTimeout(resolve, Math.max(50, left)); });
    }
  }

  end() {
    this.ended = true;
  }

  /** Look at once, for instance after an act. */
  soon() {
    this.wake?.();
  }

  /** One look at the sale and at the metrics. */
  async look() {
    const [board, page] = await Promise.all([
      this.session.ask(this.path), call("GET", "/metrics", { timeoutMs: 5000 })]);
    if (this.ended) return;
    if (board.ok) await this.took(board.body);
    else this.lost = board.problem;
    if (page.ok) this.tookMetrics(page.text);
    if (!this.ended) this.onChange();
  }

  async took(board) {
    this.board = board;
    this.lost = null;
    this.answeredMs = Date.now();
    learnClock(board.server_time_ms);
    if (!board.room || !board.total) return;
    const at = board.room.at_ms / 1000;
    if (this.ring.times.length === 0 || at - this.ring.times.at(-1) > GAP_S) await this.catchUp();
    this.ring.push(at, moment(board));
  }

  /** After a late start or a sleep, fetch the minutes that were missed. */
  async catchUp() {
    const answer = await this.session.ask(`${this.path}/history`);
    if (!answer.ok) return;
    const past = answer.body;
    const rate = past.rate_milli.map((one) => one / 1000);
    const taken = past.sold.map((one, at) => one + past.redeemed[at]);
    this.ring.replace(past.at_ms.map((ms) => ms / 1000), { ...past, rate, taken });
  }

  tookMetrics(page) {
    const meter = this.meters.note(page, Date.now() / 1000);
    this.meter = meter;
    this.metered.push(meter.at, {
      ...meter.refused, purchases: meter.purchasesPerS,
      p50: meter.p50 === null ? null : meter.p50 * 1000, p99: meter.p99 === null ? null : meter.p99 * 1000,
    });
  }
}
