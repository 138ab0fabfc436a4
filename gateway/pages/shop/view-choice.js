/* One offer: how many, and which seats: the best side by side, or those that are picked on the plan. */

import { call } from "../common/api.js";
import { announce, fill, h } from "../common/dom.js";
import { date, money, number, t, time } from "../common/i18n.js";
import { problemText } from "../common/problems.js";
import { hallOf, lost, seatsOf, singles } from "./seats.js";
import { seatMap } from "./seat-map.js";

const FRESH_MS = 2_500;
const QUANTITY_MAX = 20;

const byPlace = (a, b) => a.localeCompare(b, "en", { numeric: true });

/** The view of `app.choice`: {offer, quantity, mode: "best" | "plan", seats: [label]}. */
export function choiceView(app) {
  const { choice } = app;
  const { offer } = choice;
  const seated = offer.kind === "seated";
  const most = Math.min(app.sale.limit_per_buyer, QUANTITY_MAX);
  const zone = app.venues.get(offer.venue)?.timezone ?? app.sale.timezone;
  let map = null;
  let hall = null;

  const amount = h("output", { class: "amount", "aria-live": "polite" });
  const fewer = h("button", { class: "button", type: "button", "aria-label": t("choice.fewer"), onclick: () => count(-1) }, "−");
  const more = h("button", { class: "button", type: "button", "aria-label": t("choice.more"), onclick: () => count(1) }, "+");
  const stepper = h("div", { class: "row", role: "group", "aria-label": t("choice.how_many") }, fewer, amount, more);
  const picked = h("p", { class: "picked", role: "status" });
  const plan = h("div", { class: "stack" });
  const refusal = h("div", { class: "stack" });
  const keep = h("button", { class: "button primary", type: "button", onclick: ask });
  const total = h("strong", { class: "total" });
  const modes = seated ? h("div", { class: "segments", role: "group", "aria-label": t("choice.seats") }, ["best", "plan"].map(modeButton)) : null;

  function modeButton(mode) {
    return h("button", { class: "button", type: "button", "data-mode": mode, "aria-pressed": String(choice.mode === mode), onclick: () => pressed(mode) }, t(`choice.${mode}`));
  }

  const root = h("section", { class: "card stack" },
    h("button", { class: "button quiet back", type: "button", onclick: () => app.choose(null) }, `‹ ${t("choice.back")}`),
    h("div", { class: "stack tight" }, h("h2", { tabindex: "-1" }, offer.title),
      h("p", {}, `${date(offer.starts_at_ms, zone)} · ${time(offer.starts_at_ms, zone)}–${time(offer.ends_at_ms, zone)}`),
      h("p", { class: "muted" }, `${offer.venue_title} · ${offer.city}`)),
    modes, h("div", { class: "row spread quantity" }, h("span", { class: "label" }, t("choice.how_many")), stepper), plan, picked, refusal,
    h("div", { class: "buybar" }, h("div", { class: "stack tight" }, h("span", { class: "muted small" }, t("choice.limit", { n: number(app.sale.limit_per_buyer) })), total), keep));

  const wanted = () => (choice.mode === "plan" ? choice.seats.length : choice.quantity);

  function paint() {
    amount.textContent = number(choice.quantity);
    fewer.disabled = choice.quantity <= 1;
    more.disabled = choice.quantity >= most;
    total.textContent = money(offer.price_minor * wanted(), app.sale.currency);
    keep.disabled = wanted() === 0;
    keep.textContent = t(["choice.keep_none", "choice.keep_one"][wanted()] ?? "choice.keep", { n: number(wanted()) });
    stepper.parentElement.hidden = choice.mode === "plan";
    picked.hidden = choice.mode !== "plan";
    picked.textContent = choice.seats.length === 0 ? t("choice.pick", { n: number(most) }) : t("choice.picked", { seats: [...choice.seats].sort(byPlace).join(", ") });
    for (const one of modes?.children ?? []) one.setAttribute("aria-pressed", String(one.dataset.mode === choice.mode));
    map?.paintAll();
  }

  function count(by) {
    choice.quantity = Math.min(most, Math.max(1, choice.quantity + by));
    paint();
  }

  async function setMode(mode) {
    choice.mode = mode;
    plan.hidden = mode !== "plan";
    paint();
    if (mode === "plan") await readSeats();
  }

  /** On a phone the plan begins below what is seen. */
  async function pressed(mode) {
    await setMode(mode);
    if (!plan.hidden) plan.scrollIntoView({ block: "nearest" });
  }

  function toggle(label) {
    if (choice.seats.includes(label)) choice.seats = choice.seats.filter((one) => one !== label);
    else if (choice.seats.length >= most) {
      announce(t("choice.enough", { n: number(most) }));
      picked.textContent = t("choice.enough", { n: number(most) });
      return false;
    } else choice.seats = [...choice.seats, label];
    paint();
    return true;
  }

  async function readSeats() {
    const answer = await call("GET", `/v1/sales/${app.saleId}/offers/${offer.offer}/seats`);
    if (!answer.ok) {
      if (map === null) fill(plan, h("p", { class: "notice warn", role: "status" }, h("span", {}, problemText(answer.problem))));
      return;
    }
    hall = hallOf(answer.body);
    const gone = lost(choice.seats, hall);
    if (gone.length > 0) {
      choice.seats = choice.seats.filter((one) => !gone.includes(one));
      const told = problemText({ code: "seat_taken", seats: gone });
      refuse(told);
      announce(told, true);
    }
    if (map === null) {
      map = seatMap(hall, { chosen: () => new Set(choice.seats), toggle });
      fill(plan, map.root);
      map.fit();
    } else map.update(hall);
    paint();
  }

  /** What was refused, in words, with every way out there is. */
  function refuse(told, ...ways) {
    fill(refusal, h("div", { class: "notice bad", role: "alert" }, h("div", { class: "stack" }, h("p", {}, told), ways.length > 0 ? h("div", { class: "row" }, ways) : null)));
    requestAnimationFrame(() => refusal.scrollIntoView({ block: "nearest" }));
  }

  function showRefusal({ problem, take, single, again, others, wish }) {
    const button = (text, action) => h("button", { class: "button", type: "button", onclick: action }, text);
    const isFull = problem.code === "limit_reached" && take === 0;
    refuse(isFull ? t("out.full", { n: number(problem.limit) }) : problemText(problem, { zone: app.sale.timezone, currency: app.sale.currency }),
      take > 0 ? button(t(take === 1 ? "out.take_one" : "out.take", { n: number(take) }), () => askFor({ quantity: take })) : null,
      single > 0 ? button(t("out.single", { n: number(single) }), () => takeSingles(single)) : null,
      again ? button(t("out.again"), () => app.till.hold(wish)) : null,
      others ? button(t("out.others"), () => app.others(offer)) : null);
    if (problem.code === "seat_taken" || problem.code === "unknown_seat") readSeats();
  }

  async function takeSingles(many) {
    const answer = await call("GET", `/v1/sales/${app.saleId}/offers/${offer.offer}/seats`);
    const seats = answer.ok ? singles(hallOf(answer.body), many) : [];
    if (seats.length > 0) askFor({ seats });
  }

  function askFor({ quantity = null, seats = null }) {
    fill(refusal);
    const line = seats ? { offer: offer.offer, seats } : { offer: offer.offer, quantity };
    if (seats) Object.assign(choice, { mode: "plan", seats });
    else Object.assign(choice, { mode: "best", quantity });
    app.till.hold({ lines: [line], offer, quantity: seats ? seats.length : quantity, seated });
  }

  function ask() {
    if (choice.mode === "plan") askFor({ seats: choice.seats.filter((one) => !hall || seatsOf(hall).has(one)) });
    else askFor({ quantity: choice.quantity });
  }

  setMode(seated ? choice.mode : "best");
  if (app.refusal) {
    showRefusal(app.refusal);
    app.refusal = app.refusal.way === "wait" ? app.refusal : null;
  }
  const timer = setInterval(() => { if (choice.mode === "plan" && !document.hidden) readSeats(); }, FRESH_MS);
  return { root, update: () => {}, end: () => clearInterval(timer) };
}
