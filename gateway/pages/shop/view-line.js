/* The line as it is seen: doors, place, turn, and what went wrong. Each view is built once and then kept fresh. */

import { serverNow } from "../common/api.js";
import { announce, confirmDialog, fill, h } from "../common/dom.js";
import { countdown, date, number, t, time } from "../common/i18n.js";
import { problemText } from "../common/problems.js";
import { allowAlerts, canAlert } from "./alerts.js";
import { ahead, laneOf, progress, speed, untilOpening, waiting } from "./estimate.js";
import { againFromMs, goneReason, ruling } from "./line.js";

const SAY_MS = 30_000;

const heading = (key, facts) => h("h2", { tabindex: "-1" }, t(key, facts));
const show = (element, text) => { if (element.textContent !== text) element.textContent = text; };

/** A moment in the sale's time zone, in words. */
const moment = (ms, zone) => `${date(ms, zone)}, ${time(ms, zone)}`;

const BANDS = { plenty: "good", low: "warn", none: "bad", unknown: "" };
const band = (stock) => h("span", { class: `badge ${BANDS[stock]}` }, t(`stock.${stock}`));

/** A clock that counts down; its label says to what. */
function clock(label) {
  const digits = h("div", { class: "big clock", role: "timer", "aria-live": "off" });
  return { root: h("div", { class: "stack tight" }, h("div", { class: "label" }, label), digits), digits };
}

/** The figures that everybody may see: how fast, how many, what is left, what rules. */
function figures(app) {
  const cells = { line: h("dd"), speed: h("dd"), stock: h("dd") };
  const rule = h("p", { class: "muted" });
  const root = h("div", { class: "stack" }, h("dl", { class: "figures" },
    h("div", {}, h("dt", {}, t("figure.line")), cells.line),
    h("div", {}, h("dt", {}, t("figure.speed")), cells.speed),
    h("div", {}, h("dt", {}, t("figure.stock")), cells.stock)), rule);
  const update = () => {
    const { frame } = app;
    if (frame === null) return;
    show(cells.line, number(waiting(frame)));
    const { rate_per_s: ratePerS } = laneOf(app.memory.get().place ?? { lane: 0 }, frame);
    const rate = frame.state === "open" ? speed(app.samples, 60_000, ratePerS) ?? ratePerS : 0;
    show(cells.speed, frame.state === "open" ? t("figure.per_minute", { n: number(rate * 60, rate < 0.1 ? 1 : 0) }) : t("figure.still"));
    if (cells.stock.dataset.band !== frame.stock) fill(cells.stock, band(frame.stock));
    cells.stock.dataset.band = frame.stock;
    show(rule, t(ruling(frame)));
  };
  return { root, update };
}

/** Before one is in line: when the doors open, who one is, and the one press. */
export function doorsView(app, phase) {
  const lobby = clock(t("doors.lobby"));
  const doors = clock(t("doors.open"));
  const when = h("p", { class: "muted" });
  const facts = figures(app);
  const clocks = h("div", { class: "clocks" }, lobby.root, doors.root);
  const root = h("section", { class: "card stack" }, heading(`doors.title.${phase}`), h("p", {}, t(`doors.text.${phase}`)),
    clocks, actions(app, phase), when, facts.root);
  const update = () => {
    const { frame } = app;
    if (frame === null) return;
    const nowMs = serverNow();
    lobby.root.hidden = frame.drop !== 0 || frame.lobby_at_ms >= frame.opens_at_ms;
    show(lobby.digits, countdown(frame.lobby_at_ms - nowMs));
    doors.root.hidden = untilOpening(frame, nowMs) === 0;
    show(doors.digits, countdown(untilOpening(frame, nowMs)));
    clocks.hidden = lobby.root.hidden && doors.root.hidden;
    const next = frame.opens_at_ms > nowMs ? frame.opens_at_ms : frame.next_opens_at_ms;
    show(when, next ? t(next === frame.opens_at_ms ? "doors.when" : "doors.next", { when: moment(next, app.sale?.timezone), zone: app.sale?.timezone ?? "" }) : "");
    facts.update();
  };
  return { root, update };
}

function actions(app, phase) {
  if (phase === "signin" || (phase === "early" && !app.login())) return signIn(app);
  if (phase === "early") {
    const { armed } = app.memory.get();
    return h("div", { class: "stack tight" },
      h("button", { class: "button primary block", type: "button", "aria-pressed": String(Boolean(armed)), onclick: () => { app.memory.set({ armed: armed ? null : true }); app.redraw(); } }, t(armed ? "doors.armed" : "doors.arm")), signedIn(app));
  }
  if (phase === "ready") {
    return h("div", { class: "stack tight" }, h("button", { class: "button primary block", type: "button", onclick: app.line.join }, t("doors.join")), signedIn(app));
  }
  return phase === "joining" ? h("p", { class: "working", role: "status" }, t("doors.joining")) : h("div");
}

/** The way to the shop's sign-in, or why there is none. */
export function signIn(app) {
  if (!app.sale) return h("div");
  if (!app.sale.login) return h("p", { class: "notice warn" }, h("span", {}, t("signin.none")));
  return h("button", { class: "button primary block", type: "button", onclick: app.signIn }, t("signin.go"));
}

function signedIn(app) {
  return h("p", { class: "muted small row" }, h("span", {}, t("signin.as", { name: app.login().name })),
    h("button", { class: "button quiet", type: "button", onclick: app.signOut }, t("signin.out")));
}

/** In line: place, position, time, speed, and what rules. */
export function placeView(app) {
  const { place, alert } = app.memory.get();
  const doors = clock(t("doors.open"));
  const people = h("div", { class: "big" });
  const eta = h("p", { class: "eta" });
  const bar = h("div");
  const meter = h("div", { class: "meter", role: "progressbar", "aria-label": t("place.progress"), "aria-valuemin": "0", "aria-valuemax": "100" }, bar);
  const facts = figures(app);
  let said = { atMs: 0, text: "" };
  const root = h("section", { class: "card stack" },
    h("div", { class: "row spread" }, heading("place.title"), h("span", { class: "badge accent" }, t("place.number", { n: number(place.number) }))),
    doors.root, h("div", { class: "stack tight" }, people, eta), meter, facts.root,
    h("p", { class: "notice" }, h("span", {}, t("place.keep"))),
    h("div", { class: "row" },
      canAlert() ? h("button", { class: "button", type: "button", "aria-pressed": String(Boolean(alert)), onclick: () => toggleAlert(app) }, t(alert ? "alert.on" : "alert.offer")) : null,
      h("button", { class: "button quiet", type: "button", onclick: () => leave(app) }, t("place.leave"))));

  const update = () => {
    const kept = app.memory.get().place;
    if (!kept || app.frame === null) return;
    const left = ahead(kept, app.frame);
    const waits = untilOpening(app.frame, serverNow()) > 0;
    doors.root.hidden = !waits;
    show(doors.digits, countdown(untilOpening(app.frame, serverNow())));
    show(people, left > 1 ? t("place.ahead", { n: number(left - 1) }) : t(left === 1 ? "place.next" : "place.called"));
    show(eta, etaText(app));
    const done = Math.round(100 * progress(kept.atFirst ?? left, left));
    bar.style.width = `${done}%`;
    meter.setAttribute("aria-valuenow", String(done));
    facts.update();
    const text = `${people.textContent}. ${eta.textContent}`;
    if (text !== said.text && Date.now() - said.atMs > SAY_MS) {
      if (said.atMs > 0) announce(text);
      said = { atMs: Date.now(), text };
    }
  };
  return { root, update };
}

function etaText(app) {
  const left = ahead(app.memory.get().place, app.frame);
  if (left === 0) return app.frame.state !== "open" ? t("eta.unknown") : t(app.wait ? `wait.${app.wait.reason}` : "place.claiming");
  if (!app.eta) return t("eta.unknown");
  const [low, high] = [app.eta.lowMs, app.eta.highMs].map((ms) => Math.max(0, ms - (serverNow() - app.eta.atMs)) / 60_000);
  const text = high < 1 ? t("eta.less")
    : high >= 90 ? t("eta.hours", { low: number(low / 60, 1), high: number(high / 60, 1) })
      : Math.round(low) >= Math.ceil(high) ? t("eta.about", { n: Math.ceil(high) })
        : t("eta.range", { low: Math.max(low < 1 ? 0 : 1, Math.floor(low)), high: Math.ceil(high) });
  return app.eta.rose ? `${text} ${t("eta.rose")}` : text;
}

async function toggleAlert(app) {
  const { alert } = app.memory.get();
  if (!alert) await allowAlerts();
  app.memory.set({ alert: alert ? null : true });
  app.redraw();
}

async function leave(app) {
  const sure = await confirmDialog({ title: t("leave.title"), text: t("leave.text"), action: t("leave.go"), danger: true });
  if (sure) app.line.leave();
}

/** A turn that will not come: why, and the way back into the line. */
export function goneView(app) {
  const kept = app.memory.get();
  const reason = goneReason(kept);
  const button = h("button", { class: "button primary block", type: "button", onclick: app.line.again }, t("gone.again"));
  const later = h("p", { class: "muted", role: "status" });
  const known = ["left", "over", "reset", "closed", "spent", "used"].includes(reason);
  const facts = figures(app);
  const may = reason !== "closed";
  const root = h("section", { class: "card stack" }, heading(`gone.title.${known ? reason : "spent"}`),
    h("p", {}, known ? t(`gone.text.${reason}`) : problemText({ code: reason })),
    facts.root, may ? button : null, may ? later : null, app.login() || !may ? null : signIn(app));
  const update = () => {
    facts.update();
    const waitMs = againFromMs(app.memory.get()) - serverNow();
    const shut = app.frame && ["closed", "draining"].includes(app.frame.state);
    button.disabled = waitMs > 0 || !app.login() || Boolean(shut);
    show(later, shut ? t(ruling(app.frame)) : waitMs > 0 ? t("gone.later", { time: countdown(waitMs) }) : "");
  };
  return { root, update };
}

/** Nothing can be joined: the room is drained or closed, or not known yet. */
export function restView(app, phase) {
  const facts = phase === "loading" ? null : figures(app);
  const root = h("section", { class: "card stack" }, heading(`rest.title.${phase}`), h("p", {}, t(`rest.text.${phase}`)), facts?.root);
  return { root, update: () => facts?.update() };
}
