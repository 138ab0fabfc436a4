/* An order from held to codes: what was kept, until when, what it costs, and what became of it. */

import { serverNow } from "../common/api.js";
import { announce, confirmDialog, h, toast } from "../common/dom.js";
import { countdown, date, money, number, t, time } from "../common/i18n.js";
import { problemText } from "../common/problems.js";
import { calendar } from "./calendar.js";
import { moneyOf } from "./till.js";
import { ticket } from "./ticket.js";
import { signIn } from "./view-line.js";

const SOLD = new Set(["sold", "redeemed"]);
const WARN_MS = [60_000, 20_000];

const heading = (key, facts) => h("h2", { tabindex: "-1" }, t(key, facts));
const leaveIt = (app) => h("button", { class: "button quiet no-print", type: "button", onclick: app.closeOrder }, t("order.close"));

/** The units by offer, with what is known about each offer. */
export function linesOf(app, order) {
  const byOffer = Map.groupBy ? Map.groupBy(order.units, (one) => one.offer) : grouped(order.units);
  return [...byOffer].map(([id, units]) => ({ id, units, offer: app.offerOf(id) }));
}

function grouped(units) {
  const found = new Map();
  for (const unit of units) found.set(unit.offer, [...(found.get(unit.offer) ?? []), unit]);
  return found;
}

/** When and where an offer is, as texts. */
export function whenAndWhere(app, offer) {
  if (!offer) return { title: "…", when: "", where: "" };
  const zone = app.venues.get(offer.venue)?.timezone ?? app.sale.timezone;
  return {
    title: offer.title,
    when: `${date(offer.starts_at_ms, zone)} · ${time(offer.starts_at_ms, zone)}–${time(offer.ends_at_ms, zone)}`,
    where: `${offer.venue_title} · ${offer.city}`,
  };
}

function summary(app, order) {
  return h("div", { class: "stack" }, linesOf(app, order).map(({ units, offer }) => {
    const { title, when, where } = whenAndWhere(app, offer);
    const seats = units.map((one) => one.seat).filter(Boolean);
    return h("div", { class: "line" }, h("strong", {}, title), h("span", {}, when), h("span", { class: "muted" }, where),
      h("span", {}, t(units.length === 1 ? "order.one" : "order.many", { n: number(units.length) }), seats.length > 0 ? ` · ${t("order.seats", { seats: seats.join(", ") })}` : ""));
  }), h("div", { class: "row spread total-line" }, h("span", {}, t("order.total")), h("strong", { class: "total" }, money(order.amount_minor, order.currency))));
}

/** Kept for a while: pay, or give it back. */
export function heldView(app) {
  const { order } = app;
  const digits = h("div", { class: "big clock", role: "timer", "aria-live": "off" });
  let warned = WARN_MS.length;
  const root = h("section", { class: "card stack" }, heading("held.title"),
    h("div", { class: "stack tight" }, h("span", { class: "label" }, t("held.left")), digits), summary(app, order),
    app.sale.payment ? (app.till.owner() ? h("button", { class: "button primary block", type: "button", onclick: app.till.pay }, t("held.pay", { amount: money(order.amount_minor, order.currency) })) : signIn(app))
      : h("p", { class: "notice warn" }, h("span", {}, t("held.no_page"))),
    h("p", { class: "muted small" }, t("held.note")),
    h("button", { class: "button quiet", type: "button", onclick: () => giveBack(app) }, t("held.release")));
  const update = () => {
    const leftMs = order.expires_at_ms - serverNow();
    digits.textContent = countdown(leftMs);
    root.classList.toggle("urgent", leftMs < WARN_MS[0]);
    while (warned > 0 && leftMs < WARN_MS[WARN_MS.length - warned]) {
      warned -= 1;
      if (leftMs > 0) announce(t("held.soon", { time: countdown(leftMs) }), true);
    }
  };
  return { root, update };
}

async function giveBack(app) {
  const sure = await confirmDialog({ title: t("release.title"), text: t("release.text"), action: t("release.go"), danger: true });
  if (sure) app.till.release();
}

/** Something was sent and no answer came yet, or the order is being read. */
export function workingView(app, key) {
  const problem = h("div");
  const root = h("section", { class: "card stack" }, heading(`working.title.${key}`), h("p", { class: "working", role: "status" }, t(`working.text.${key}`)), problem,
    app.till.owner() ? null : h("div", { class: "stack" }, h("p", {}, t("working.signin")), signIn(app)));
  const update = () => {
    if (key !== "loading" || !app.orderProblem || problem.childElementCount > 0) return;
    problem.append(h("div", { class: "notice bad", role: "alert" }, h("div", { class: "stack" }, h("p", {}, problemText(app.orderProblem)),
      h("div", { class: "row" }, h("button", { class: "button", type: "button", onclick: () => { problem.replaceChildren(); app.orderProblem = null; app.till.readOrder(); } }, t("out.again")),
        h("button", { class: "button", type: "button", onclick: app.closeOrder }, t("order.close"))))));
  };
  return { root, update };
}

/** Paid: the codes, each with all that its door wants to see. */
export function paidView(app) {
  const { order } = app;
  const good = order.units.filter((one) => SOLD.has(one.state));
  const tickets = linesOf(app, { units: good }).flatMap(({ units, offer }) => units.map((unit) => ticket(app, unit, whenAndWhere(app, offer), order)));
  const returned = order.refunded_minor > 0 ? h("p", { class: "notice" }, h("span", {}, t("money.partly_refunded", { amount: money(order.refunded_minor, order.currency) }))) : null;
  const root = h("section", { class: "card stack paid" }, heading("paid.title"), h("p", { class: "no-print" }, t("paid.text")), returned,
    h("div", { class: "tickets" }, tickets),
    h("div", { class: "row no-print" },
      h("button", { class: "button", type: "button", onclick: () => saveCalendar(app) }, t("paid.calendar")),
      h("button", { class: "button", type: "button", onclick: () => print() }, t("paid.print")), leaveIt(app)),
    h("p", { class: "muted small" }, t("order.id"), " ", h("code", {}, order.id)));
  return { root, update: () => {} };
}

function saveCalendar(app) {
  const { order } = app;
  const events = linesOf(app, order).filter(({ offer }) => offer).map(({ id, units, offer }) => {
    const { title, where } = whenAndWhere(app, offer);
    const seats = units.map((one) => one.seat).filter(Boolean).join(", ");
    return { id: `${order.id}-${id}`, title, startsMs: offer.starts_at_ms, endsMs: offer.ends_at_ms, place: where.replace(" · ", ", "),
      note: [seats && t("order.seats", { seats }), `${t("order.id")} ${order.id}`, location.href].filter(Boolean).join("\n") };
  });
  if (events.length === 0) return;
  const file = new Blob([calendar(events, serverNow(), location.host)], { type: "text/calendar" });
  const link = h("a", { href: URL.createObjectURL(file), download: `${order.id}.ics` });
  link.click();
  URL.revokeObjectURL(link.href);
  toast(t("paid.saved"));
}

/** Over: released, run out, refunded, or paid too late; and where the money is. */
export function endedView(app) {
  const { order } = app;
  const state = order.state === "held" ? "expired" : order.state;
  const root = h("section", { class: "card stack" }, heading(`ended.title.${state}`),
    h("p", {}, t(moneyOf(order), { amount: money(order.refunded_minor || order.amount_minor, order.currency) })), summary(app, order),
    h("div", { class: "row" }, h("button", { class: "button primary", type: "button", onclick: app.closeOrder }, t("ended.on"))),
    h("p", { class: "muted small" }, t("order.id"), " ", h("code", {}, order.id)));
  return { root, update: () => {} };
}
