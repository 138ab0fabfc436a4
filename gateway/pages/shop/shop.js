/* The page of a sale: brings line, till and views together. What is known is in `app`; what is shown
   follows from it in `viewOf`, so that a reload, another tab and a sleep all end in the same view. */

import { call, learnClock, serverNow } from "../common/api.js";
import { $, announce, fill, h } from "../common/dom.js";
import { mountHeader } from "../common/header.js";
import { countdown, number, onLanguage, t, time } from "../common/i18n.js";
import { problemText } from "../common/problems.js";
import "../common/problems-more.js";
import { alertTurn, keepAlerts } from "./alerts.js";
import { runTill } from "./buying.js";
import { ahead, isInDraw, untilOpening } from "./estimate.js";
import { isPassGood } from "./line.js";
import { FRESH, memory, withOrder } from "./memory.js";
import { ordersPanel } from "./my-orders.js";
import { cameBack, keepLogin, leaveToSignIn, login } from "./signin.js";
import { STEPS, tillOf } from "./till.js";
import { choiceView } from "./view-choice.js";
import { doorsView, goneView, restView } from "./view-line.js";
import { offersView } from "./view-offers.js";
import { endedView, heldView, paidView, workingView } from "./view-order.js";
import { placeView } from "./view-place.js";
import { runLine } from "./waiting.js";
import "./words-line.js";
import "./words-line-more.js";
import "./words-till.js";
import "./words-till-more.js";

const SALE_AGAIN_MS = 3_000;
const WAITED_MS = 3_000;
const STALE_MS = 10_000;
const STEP_NAMES = ["line", "choose", "pay", "codes"];

const saleId = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const offers = new Map();

const app = {
  saleId, sale: null, venues: new Map(), memory: memory(saleId),
  frame: null, frameAgeMs: 0, eta: null, wait: null, works: false, lostSinceMs: null, unknown: false, unsureOf: null,
  order: null, orderProblem: null, choice: null, refusal: null,
  search: { text: "", city: "", venue: "", drop: "", left: true },
  login: () => login(saleId, serverNow()),
  changed: render,
  redraw: () => { current.key = null; render(); },
  tick,
  saleIsOld: () => readSale(),
  notice(problem) { app.memory.set({ notice: problem }); },
  unsure(tries, problem) { app.unsureOf = problem; render(); },
  sure() { app.unsureOf = null; },
  signIn: () => leaveToSignIn(app.sale.login) || app.notice({ code: "no_storage" }),
  signOut() { keepLogin(saleId, null); app.redraw(); },
  offerOf,
  choose(offer) {
    app.choice = offer === null ? null : { offer, quantity: Math.min(2, app.sale.limit_per_buyer), mode: "best", seats: [] };
    app.refusal = null;
    render();
  },
  others(offer) {
    app.search = { ...app.search, text: "", city: offer.city, venue: offer.venue, left: true };
    app.choose(null);
  },
  openOrder(id) {
    app.orderProblem = null;
    app.memory.set({ order: id, payment: null, notice: null });
    render();
    app.till.readOrder().then((found) => found && !(app.memory.get().orders ?? []).some((one) => one.id === id) && noteOrder());
  },
  closeOrder() {
    app.order = null;
    app.choice = null;
    app.memory.set({ order: null, payment: null, notice: null });
    render();
  },
};

const stage = h("div", { id: "stage" });
const current = { key: null, view: null };
const title = h("bdi", {});  // a name has a direction of its own
const badge = h("span", { class: "badge", hidden: true });
const steps = h("ol", { class: "steps no-print" });
const turn = h("div", { class: "turn no-print", hidden: true });
const notices = h("div", { class: "stack no-print" });
let hadCome = false;
let unsaid = false;

/** An offer by its id, or null until it has been read. */
function offerOf(id) {
  if (!offers.has(id)) {
    offers.set(id, null);
    call("GET", `/v1/sales/${saleId}/offers/${encodeURIComponent(id)}`).then((answer) => {
      if (!answer.ok) return offers.delete(id);
      offers.set(id, answer.body);
      return app.redraw();
    });
  }
  return offers.get(id);
}

async function noteOrder() {
  const [unit] = app.order.units;
  const answer = await call("GET", `/v1/sales/${saleId}/offers/${encodeURIComponent(unit.offer)}`);
  const { id, held_at_ms: atMs } = app.order;
  app.memory.set({ orders: withOrder(app.memory.get().orders, { id, title: answer.body?.title ?? unit.offer, atMs }) });
}

async function readSale() {
  const begun = performance.now();
  const [sale, venues] = await Promise.all([call("GET", `/v1/sales/${saleId}`), app.venues.size > 0 ? null : call("GET", `/v1/sales/${saleId}/venues`)]);
  if (venues?.ok) app.venues = new Map(venues.body.venues.map((one) => [one.venue, one]));
  if (sale.ok) {
    learnClock(sale.body.server_time_ms, (performance.now() - begun) / 2);
    app.sale = sale.body;
  } else if (sale.problem.code === "unknown_sale") app.unknown = true;
  else setTimeout(readSale, SALE_AGAIN_MS);
  render();
}

/** What is to be seen now: a key that changes when another view must be built, and how to build it. */
function viewOf() {
  const kept = app.memory.get();
  if (app.unknown) return ["unknown", () => ({ root: h("section", { class: "card stack" }, h("h2", { tabindex: "-1" }, problemText({ code: "unknown_sale" })), h("a", { class: "button", href: "/" }, t("shop.home"))), update: () => {} })];
  if (app.sale === null || app.frame === null) return ["rest:loading", () => restView(app, "loading")];
  const till = tillOf({ kept, order: app.order, nowMs: serverNow() });
  if (till === "holding" || till === "confirming" || till === "loading") return [`working:${till}:${Boolean(app.till.owner())}`, () => workingView(app, till)];
  if (till === "held") return [`held:${app.order.id}:${Boolean(app.till.owner())}`, () => heldView(app)];
  if (till === "paid") return [`paid:${app.order.id}:${JSON.stringify(app.order.units.map((one) => one.state))}`, () => paidView(app)];
  if (till === "ended") return [`ended:${app.order.id}:${app.order.state}`, () => endedView(app)];
  const line = app.line.phase();
  if (line === "inside") return app.choice ? [`choice:${app.choice.offer.offer}`, () => choiceView(app)] : ["offers", () => offersView(app, app.choose)];
  if (line === "waiting" || line === "called") return [`place:${isInDraw(kept.place, app.frame)}:${kept.place.turn}`, () => placeView(app)];
  if (line === "gone") return [`gone:${JSON.stringify(kept.gone)}:${Boolean(app.login())}`, () => goneView(app)];
  if (["closed", "draining", "loading"].includes(line)) return [`rest:${line}`, () => restView(app, line)];
  return [`doors:${line}:${Boolean(app.login())}:${app.works}`, () => doorsView(app, line)];
}

function render() {
  if (!app.line) return;
  turnCame();
  const [key, build] = viewOf();
  if (key !== current.key) {
    const isFirst = current.view === null || current.key === "rest:loading";
    const hadFocus = stage.contains(document.activeElement) || document.activeElement === document.body;
    current.view?.end?.();
    current.key = key;
    current.view = build();
    fill(stage, current.view.root);
    if (!isFirst) {
      const heading = $("h2", stage);
      announce(heading?.textContent ?? "");
      if (hadFocus) heading?.focus({ preventScroll: true });
      if (stage.getBoundingClientRect().top < 0) stage.scrollIntoView();
    }
  }
  tick();
}

/** The turn has come: say so, and begin with what this opening sells. */
function turnCame() {
  const kept = app.memory.get();
  const inside = isPassGood(kept.pass, serverNow());
  if (app.sale && app.frame) {
    const came = inside || app.line.phase() === "called";
    if (came) tellTurn(kept);
    if (came && !hadCome) app.search.drop = app.sale.drops[app.frame.drop - 1]?.id ?? "";
    hadCome = came;
  }
  if (kept.wish && app.choice === null) app.choice = choiceOf(kept.wish);
  if (!inside && !kept.wish) app.choice = null;
}

/** Once a turn, not at each reload; aloud only to who looks, for whoever looks away has the sound. */
function tellTurn({ place, alert, told }) {
  const which = place ? [place.drop, place.epoch, place.lane, place.number].join(".") : told;
  if (told !== which) {
    unsaid = true;
    app.memory.set({ told: which });
    if (alert) alertTurn(app.sale.title);
  }
  if (!unsaid || document.hidden) return;
  unsaid = false;
  announce(t("alert.turn"), true);
}

function choiceOf({ offer, quantity, lines }) {
  const seats = lines[0].seats ?? [];
  return { offer, quantity: Math.min(quantity, app.sale?.limit_per_buyer ?? quantity), mode: seats.length > 0 ? "plan" : "best", seats };
}

/** Every second, and after every change: what runs with the clock. */
function tick() {
  if (!app.line) return;
  if (current.key !== null && viewOf()[0] !== current.key) {
    render();
    return;
  }
  current.view?.update();
  showHead();
  showTurn();
  showNotices();
  document.title = documentTitle();
  panel.update();
  goOn();
}

function showHead() {
  title.textContent = app.sale?.title ?? t("shop.loading");
  badge.hidden = app.sale === null;
  if (app.sale) {
    // Open for the operator, but its first doors are still to open: not what a shopper calls open.
    const early = app.sale.state === "open" && app.frame?.drop <= 1 && untilOpening(app.frame, serverNow()) > 0;
    const state = early ? "announced" : app.sale.state;
    badge.textContent = t(`sale.${state}`);
    badge.className = `badge ${{ open: "good", paused: "warn", draining: "warn", announced: "accent", closed: "" }[state]}`;
  }
  const till = tillOf({ kept: app.memory.get(), order: app.order, nowMs: serverNow() });
  const at = till === null ? "line" : STEPS[till];
  if (steps.dataset.at === at + t("step.line")) return;
  steps.dataset.at = at + t("step.line");
  fill(steps, STEP_NAMES.map((name, index) => h("li", { "aria-current": name === at ? "step" : null, class: index < STEP_NAMES.indexOf(at) ? "done" : "" }, t(`step.${name}`))));
}

/** How long the turn lasts, wherever one is on the page. */
function showTurn() {
  const { pass, order, wish } = app.memory.get();
  const good = isPassGood(pass, serverNow()) && !wish;
  turn.hidden = !good;
  if (!good) return;
  const leftMs = pass.expiresMs - serverNow();
  turn.classList.toggle("urgent", leftMs < 60_000);
  const text = t("turn.left", { time: countdown(leftMs) });
  if (!turn.firstChild || turn.dataset.order !== String(Boolean(order))) {
    turn.dataset.order = String(Boolean(order));
    fill(turn, h("strong", { role: "timer", "aria-live": "off" }), order ? h("button", { class: "button", type: "button", onclick: app.closeOrder }, t("turn.choose")) : null);
  }
  turn.firstChild.textContent = text;
}

function showNotices() {
  const { notice } = app.memory.get();
  const told = [];
  if (notice) told.push(["warn", problemText(notice, { zone: app.sale?.timezone, currency: app.sale?.currency })]);
  if (app.unsureOf) told.push(["warn", app.unsureOf.code === "may_have_happened" || app.unsureOf.code === "unreachable" ? t("net.again") : problemText(app.unsureOf)]);
  if (app.lostSinceMs) told.push(["warn", t("net.lost", { time: time(app.lostSinceMs, undefined, true) })]);
  else if (app.frameAgeMs > STALE_MS) told.push(["warn", t("net.stale")]);
  if (app.frame?.state === "paused" && isPassGood(app.memory.get().pass, serverNow())) told.push(["warn", t("rule.paused")]);
  const key = JSON.stringify(told);
  if (notices.dataset.told === key) return;
  notices.dataset.told = key;
  fill(notices, told.map(([kind, text]) => h("p", { class: `notice ${kind}`, role: "status" }, h("span", {}, text))));
}

function documentTitle() {
  const { place, pass, order } = app.memory.get();
  const name = app.sale?.title ?? "Dropgate";
  if (isPassGood(pass, serverNow()) && !order) return `${t("title.turn")} · ${name}`;
  const phase = app.line.phase();
  if (phase === "called") return `${t("title.turn")} · ${name}`;
  if (phase === "waiting" && place && app.frame && !isInDraw(place, app.frame)) return `${t("title.ahead", { n: number(Math.max(0, ahead(place, app.frame) - 1)) })} · ${name}`;
  return name;
}

/** What is under way goes on; what waited for the sale is asked for again; a hold that ran out is read. */
function goOn() {
  const { refusal } = app;
  const { wish, payment } = app.memory.get();
  if (wish || payment?.proof) app.till.act();  // another tab may have begun it and been closed
  if (refusal?.way === "wait" && app.frame?.state === "open") {
    refusal.sinceMs ??= serverNow();
    if (serverNow() - refusal.sinceMs > WAITED_MS && isPassGood(app.memory.get().pass, serverNow())) {
      app.refusal = null;
      app.till.hold(refusal.wish);
    }
  }
  const late = app.order?.state === "held" && app.memory.get().order === app.order.id && app.order.expires_at_ms <= serverNow();
  if (late && app.readLate !== app.order.id) {
    app.readLate = app.order.id;
    app.till.readOrder();
  }
}

let panel = ordersPanel(app);
mountHeader({ title: "shop.brand" });
fill($("main"), h("div", { class: "row spread head" }, h("h1", {}, title), badge), steps, turn, notices, stage, panel.root);

const told = cameBack(app.memory.get().payment);
if (told?.login) {
  keepLogin(saleId, told.login);
  const { who } = app.memory.get();
  const now = app.login()?.name;
  // Another person at the same browser: the place and what was under way are not theirs.
  if (who && now && who !== now) app.memory.set({ ...FRESH, orders: [], who: now });
  else app.memory.set({ who: now ?? null, notice: null });
} else if (told?.order) {
  const { order, payment: proof } = told;
  app.memory.set({ order, payment: proof ? { order, proof } : null, notice: proof ? null : { code: "not_paid" } });
} else if (told?.forged) app.memory.set({ notice: { code: "forged_return" } });

app.till = runTill(app);
app.line = runLine(app);
app.memory.onChange(render);
keepAlerts(() => app.memory.get().alert, render);
onLanguage(() => {
  const newer = ordersPanel(app);
  panel.root.replaceWith(newer.root);
  panel = newer;
  turn.replaceChildren();
  app.redraw();
});
document.addEventListener("visibilitychange", () => { if (!document.hidden && app.memory.get().order && app.till.owner()) app.till.readOrder(); });
readSale();
app.till.act();
render();
