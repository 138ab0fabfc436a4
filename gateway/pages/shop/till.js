/* The till as a machine: one purchase from choosing to codes, and what each refusal leads to. Pure. */

import { isPassGood } from "./line.js";

/** The phases of a purchase, in their order, and which step of the page's three each is. */
export const STEPS = {
  choosing: "choose",   // a pass, and nothing chosen yet
  holding: "choose",    // asked for; no answer yet, so it may have happened
  loading: "pay",       // an order is known by its id alone
  held: "pay",          // kept for a while; to be paid or given back
  confirming: "pay",    // the proof of payment was sent; no answer yet
  paid: "codes",        // codes
  ended: "codes",       // released, expired, refunded, unfulfilled
};

/** The phase. `order` is the answer about `kept.order`, or null while it is not read. */
export function tillOf({ kept, order, nowMs }) {
  if (kept.wish) return "holding";
  if (!kept.order) return isPassGood(kept.pass, nowMs) ? "choosing" : null;
  if (kept.payment?.proof && kept.payment.order === kept.order) return "confirming";
  if (order === null || order.id !== kept.order) return "loading";
  if (order.state === "held") return order.expires_at_ms > nowMs ? "held" : "ended";
  return order.state === "confirmed" || order.state === "partly_refunded" ? "paid" : "ended";
}

const GO_BACK = "list";
/* Where each refusal of a hold leads: `stay` with what was chosen, back to the `list`, or `line`. */
const WAYS = {
  seat_taken: "stay", too_few: "stay", not_together: "stay", limit_reached: "stay", unknown_seat: "stay",
  all_held: "stay", sold_out: "stay", paused: "wait", not_open: "wait",
  pass_expired: "line", pass_spent: "line", pass_of_another_drop: "line",
  bad_credential: "line", expired_credential: "line", no_credential: "line",
};

/** What a refused hold leads to: {way, take, single, again, others}. */
export function wayOut(problem, { quantity, seated }) {
  const code = problem.code;
  const has = problem.has ?? 0;
  return {
    way: WAYS[code] ?? GO_BACK,
    // so many may still be had here; where all is held, one may yet be free
    take: { too_few: problem.left, limit_reached: Math.max(0, problem.limit - has), all_held: quantity > 1 ? 1 : 0 }[code] ?? 0,
    // seats that are not side by side
    single: code === "not_together" && seated ? quantity : 0,
    // the same may be had a little later
    again: code === "all_held",
    // other offers should be shown
    others: ["all_held", "sold_out", "too_few", "not_together", "offer_closed", "offer_not_open"].includes(code),
  };
}

/** What happens to the money, as the key of a sentence, for an order that has ended. */
export const moneyOf = (order) => `money.${order.state === "held" ? "expired" : order.state}`;
