/* The line as it is seen: doors, place, turn, and what went wrong. Each view is built once and then kept fresh. */

import { serverNow } from "../common/api.js";
import { fill, h } from "../common/dom.js";
import { countdown, date, lang, number, t, time } from "../common/i18n.js";
import { problemText } from "../common/problems.js";
import { laneOf, untilOpening, waiting } from "./estimate.js";
import { againFromMs, goneReason, ruling } from "./line.js";

export const heading = (key, facts) => h("h2", { tabindex: "-1" }, t(key, facts));
export const show = (element, text) => { if (element.textContent !== text) element.textContent = text; };

/** A moment in the sale's time zone, in words. */
const moment = (ms, zone) => `${date(ms, zone)}, ${time(ms, zone)}`;

const BANDS = { plenty: "good", low: "warn", none: "bad", unknown: "" };
const band = (stock) => h("span", { class: `badge ${BANDS[stock]}` }, t(`stock.${stock}`));

/** A clock that counts down; its label says to what. */
export function clock(label) {
  const digits = h("div", { class: "big clock", role: "timer", "aria-live": "off" });
  return { root: h("div", { class: "stack tight" }, h("div", { class: "label" }, label), digits), digits };
}

/** The figures that everybody may see: how fast, how many, what is left, what rules. */
export function figures(app) {
  const cells = { line: h("dd"), speed: h("dd"), stock: h("dd") };
  const rule = h("p", { class: "muted" });
  const said = h("p", { dir: "auto" });
  const message = h("div", { class: "notice message", role: "status", hidden: true }, h("div", {}, h("strong", {}, t("message.from")), said));
  const root = h("div", { class: "stack" }, message, h("dl", { class: "figures" },
    h("div", {}, h("dt", {}, t("figure.line")), cells.line),
    h("div", {}, h("dt", {}, t("figure.speed")), cells.speed),
    h("div", {}, h("dt", {}, t("figure.stock")), cells.stock)), rule);
  const update = () => {
    const { frame } = app;
    if (frame === null) return;
    show(cells.line, number(waiting(frame)));
    const { rate_per_s: rate } = laneOf(app.memory.get().place ?? { lane: 0 }, frame);
    show(cells.speed, frame.state === "open" ? t("figure.per_minute", { n: number(rate * 60, rate < 0.1 ? 1 : 0) }) : t("figure.still"));
    if (cells.stock.dataset.band !== frame.stock) fill(cells.stock, band(frame.stock));
    cells.stock.dataset.band = frame.stock;
    show(rule, t(ruling(frame)));
    message.hidden = !frame.message;
    show(said, frame.message);
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
    clocks, actions(app, phase), when, facts.root, fairLink(app));
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

/** Where it stands how the order is made. */
export const fairLink = (app) => h("p", { class: "small" },
  h("a", { href: `/sales/${app.saleId}/fairness?drop=${Math.max(1, app.frame?.drop ?? 1)}&lang=${lang()}`, target: "_blank", rel: "noopener" }, t("fair.link")));

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
  return phase === "joining" ? h("p", { class: "working", role: "status" }, t(app.works ? "work.doing" : "doors.joining")) : h("div");
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

/** A turn that will not come: why, and the way back into the line. */
export function goneView(app) {
  const kept = app.memory.get();
  const reason = goneReason(kept);
  const button = h("button", { class: "button primary block", type: "button", onclick: app.line.again }, t("gone.again"));
  const later = h("p", { class: "muted", role: "status" });
  const known = ["left", "missed", "over", "reset", "closed", "spent", "used"].includes(reason);
  const facts = figures(app);
  const may = reason !== "closed";
  const [bought] = reason === "used" ? kept.orders ?? [] : [];  // who comes back comes for its codes
  if (bought) button.classList.remove("primary");
  const root = h("section", { class: "card stack" }, heading(`gone.title.${known ? reason : "spent"}`),
    h("p", {}, known ? t(`gone.text.${reason}`) : problemText({ code: reason })),
    bought ? h("button", { class: "button primary block", type: "button", onclick: () => app.openOrder(bought.id) }, t("gone.order")) : null,
    facts.root, may ? button : null, may ? later : null, app.login() || !may ? null : signIn(app));
  const update = () => {
    facts.update();
    const waitMs = againFromMs(app.memory.get()) - serverNow();
    const shut = app.frame && ["closed", "draining"].includes(app.frame.state);
    button.disabled = waitMs > 0 || Boolean(shut);
    button.hidden = !app.login();
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
