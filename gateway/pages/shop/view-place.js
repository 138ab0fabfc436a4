/* In line, as it is seen: the draw, the position, the time it takes, the chance, and the turn that waits. */

import { serverNow } from "../common/api.js";
import { announce, confirmDialog, h } from "../common/dom.js";
import { countdown, number, t } from "../common/i18n.js";
import { allowAlerts, canAlert, isMute } from "./alerts.js";
import { ahead, chanceOf, isInDraw, laneOf, needsTurn, progress, roseFor, turnOf, untilOpening } from "./estimate.js";
import { clock, fairLink, figures, heading, show, signIn } from "./view-line.js";

const SAY_MS = 30_000;
const WARN_MS = 20_000;
const NEAR = 60;

/** In line: place, position, time, speed, and what rules. */
export function placeView(app) {
  const { place } = app.memory.get();
  const inDraw = isInDraw(place, app.frame);
  const doors = clock(t("doors.open"));
  const parts = { people: h("div", { class: inDraw ? "big many" : "big" }), eta: h("p", { class: "eta" }), chance: h("p", { class: "chance" }), rose: h("p", { class: "notice warn rose", hidden: true }, h("span", {})), kept: h("p", { class: "notice", hidden: true }, h("span", {})) };
  const bar = h("div");
  const meter = h("div", { class: "meter", role: "progressbar", "aria-label": t("place.progress"), "aria-valuemin": "0", "aria-valuemax": "100", hidden: inDraw }, bar);
  const facts = figures(app);
  const buttons = actions(app);
  const badge = place.turn ? t("place.turn", { n: number(place.turn) }) : t("place.number", { n: number(place.number) });
  const root = h("section", { class: "card stack" },
    h("div", { class: "row spread" }, heading(inDraw ? "draw.title" : "place.title"), h("span", { class: "badge accent" }, badge)),
    doors.root, h("div", { class: "stack tight" }, parts.people, parts.eta, parts.chance), parts.rose, parts.kept, meter, facts.root,
    h("p", { class: "notice" }, h("span", {}, t("place.keep"))), buttons.root, fairLink(app));
  const speak = speaker(app);

  const update = () => {
    const kept = app.memory.get().place;
    if (!kept || app.frame === null) return;
    const left = ahead(kept, app.frame);
    doors.root.hidden = untilOpening(app.frame, serverNow()) === 0;
    show(doors.digits, countdown(untilOpening(app.frame, serverNow())));
    show(parts.people, positionText(kept, app.frame));
    show(parts.eta, etaText(app));
    const rose = roseText(app);
    parts.rose.hidden = !rose;
    show(parts.rose.firstChild, rose);
    const chance = app.frame.state === "sold_out" || left === 0 ? null : chanceOf(kept, app.frame);
    show(parts.chance, chance ? t(`chance.${chance}`) : "");
    parts.chance.hidden = !chance;
    const done = Math.round(100 * progress(kept.atFirst ?? left, left));
    bar.style.width = `${done}%`;
    meter.setAttribute("aria-valuenow", String(done));
    showKept(app, parts.kept);
    buttons.update();
    facts.update();
    speak([`${parts.people.textContent}.`, parts.eta.textContent, rose, parts.chance.textContent].join(" "), `${app.frame.state} ${app.frame.reason} ${chance} ${left <= 1} ${app.eta?.roseAtMs}`);
  };
  return { root, update };
}

/** Says how things stand: when their kind changes, and else at most each half minute. */
function speaker(app) {
  let said = { atMs: Date.now(), text: "", band: "" };
  let warned = false;
  return (text, band) => {
    const leftMs = graceLeft(app);
    if (leftMs !== null && leftMs > 0 && leftMs <= WARN_MS * 2 && !warned) {
      warned = true;
      announce(t("called.soon", { time: countdown(leftMs) }), true);
    }
    const changed = said.band !== "" && band !== said.band;
    if (text === said.text || (!changed && Date.now() - said.atMs <= SAY_MS)) return;
    if (said.text !== "") announce(text);
    said = { atMs: Date.now(), text, band };
  };
}

function positionText(place, frame) {
  if (isInDraw(place, frame)) {
    const others = laneOf(place, frame).tail - 1;
    return others > 0 ? t("draw.with", { n: number(others) }) : t("draw.alone");
  }
  const left = ahead(place, frame);
  return left > 1 ? t("place.ahead", { n: number(left - 1) }) : t(left === 1 ? "place.next" : "place.called");
}

function etaText(app) {
  const { frame } = app;
  const { place, later } = app.memory.get();
  if (needsTurn(place, frame)) return t("draw.asking");
  if (isInDraw(place, frame)) return t("draw.why");
  if (ahead(place, frame) === 0) {
    if (frame.state !== "open") return t("eta.unknown");
    return later ? "" : t(app.wait ? `wait.${app.wait.reason}` : "place.claiming");
  }
  if (!app.eta?.isKnown) return t("eta.unknown");
  const [low, high] = [app.eta.lowMs, app.eta.highMs].map((ms) => Math.max(0, ms - (serverNow() - app.eta.atMs)) / 60_000);
  return high < 1 ? t("eta.less")
    : high >= 90 && low >= 30 ? t("eta.hours", { low: number(low / 60, 1), high: number(high / 60, 1) })
      : Math.round(low) >= Math.ceil(high) ? t("eta.about", { n: number(Math.ceil(high)) })
        : t("eta.range", { low: number(Math.max(low < 1 ? 0 : 1, Math.floor(low))), high: number(Math.ceil(high)) });
}

/** That it takes longer than was said, and why, for as long as that is news; "" else. */
function roseText(app) {
  const { place } = app.memory.get();
  const why = app.eta?.isKnown && ahead(place, app.frame) > 0 ? roseFor(app.eta, serverNow()) : null;
  return why ? `${t("eta.rose")} ${t(why)}` : "";
}

/**
 * How long a called turn keeps its place at the front; null while it was not called. A page that slept
 * does not know when that was: the frame says which turns have outlived their grace.
 */
function graceLeft(app) {
  const { place } = app.memory.get();
  if (!place?.calledMs || ahead(place, app.frame) > 0) return null;
  if (turnOf(place) <= laneOf(place, app.frame).late) return 0;
  return Math.max(0, place.calledMs + app.frame.grace_ms - serverNow());
}

function showKept(app, notice) {
  const leftMs = app.memory.get().later ? graceLeft(app) : null;
  notice.hidden = leftMs === null;
  if (leftMs !== null) show(notice.firstChild, leftMs > 0 ? t("called.kept", { time: countdown(leftMs) }) : t("called.late"));
}

function actions(app) {
  const { alert, later } = app.memory.get();
  const go = h("button", { class: "button primary block", type: "button", hidden: true, onclick: () => app.line.setLater(null) }, t("called.go"));
  const wait = h("button", { class: "button", type: "button", hidden: true, "aria-pressed": String(Boolean(later)), onclick: () => { app.line.setLater(later ? null : true); app.redraw(); } }, t(later ? "later.on" : "later.offer"));
  const way = app.wantsLogin && !app.login() ? signIn(app) : go;
  const mute = h("p", { class: "small muted mute", hidden: true }, t("alert.mute"));
  const root = h("div", { class: "stack tight" }, way, h("div", { class: "row" }, wait,
    canAlert() ? h("button", { class: "button", type: "button", "aria-pressed": String(Boolean(alert)), onclick: () => toggleAlert(app) }, t(alert ? "alert.on" : "alert.offer")) : null,
    h("button", { class: "button quiet", type: "button", onclick: () => leave(app) }, t("place.leave"))), mute);
  const update = () => {
    const { place, later: waits } = app.memory.get();
    const left = ahead(place, app.frame);
    go.hidden = !(waits && left === 0);
    mute.hidden = !(alert && isMute());
    wait.hidden = !waits && (isInDraw(place, app.frame) || left > NEAR || left === 0);
  };
  return { root, update };
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
