/* The operator's console: signing in, and which view the address names. */

import { serverNow } from "../common/api.js";
import { $, fill, h } from "../common/dom.js";
import { mountHeader } from "../common/header.js";
import { countdown, date, onLanguage, t, time } from "../common/i18n.js";
import { problemText } from "../common/problems.js";
import { alarmsOf } from "./alarms.js";
import { allotmentsPanel } from "./allotments.js";
import { auditPanel } from "./audit.js";
import { alarmBar } from "./bar.js";
import { breaksView } from "./breaks.js";
import { Feed } from "./feed.js";
import { livePanel } from "./live.js";
import { salesView } from "./sales.js";
import { Session, looksLikeKey } from "./session.js";
import { stockPanel } from "./stock.js";
import "./words_en.js";
import "./words_zh.js";

const PANELS = { live: livePanel, stock: stockPanel, allotments: allotmentsPanel, audit: auditPanel };
const main = $("main");
let session = null;
let view = null;
let feed = null;

const signOut = h("button", { class: "button quiet", type: "button", hidden: true, onclick: () => leave() });

function leave(said = "") {
  session?.end();
  session = null;
  show(said);
}

/** The form for a key; `said` is why it is asked for again. */
function signIn(said = "") {
  const key = h("input", { id: "key", type: "password", autocomplete: "off", required: true, spellcheck: "false", "aria-describedby": "key-note" });
  const told = h("div", { role: "alert" }, said ? h("div", { class: "notice bad" }, h("div", {}, said)) : null);
  const button = h("button", { class: "button primary block", type: "submit" }, t("sign.in"));
  const refuse = (text) => { fill(told, h("div", { class: "notice bad" }, h("div", {}, text))); key.focus(); };
  async function submit(event) {
    event.preventDefault();
    const typed = key.value.trim().replace(/^Bearer\s+/i, "");
    if (!looksLikeKey(typed)) return refuse(t("sign.noform"));
    button.disabled = true;
    const asked = new Session(typed);
    const answer = await asked.begin();
    button.disabled = false;
    if (!answer.ok) return refuse(answer.problem.code === "wrong_role" ? t("sign.role") : problemText(answer.problem));
    session = asked;
    return show();
  }
  const element = h("form", { class: "card stack sign", onsubmit: submit }, h("h1", {}, t("sign.title")), h("p", { class: "muted" }, t("sign.text")),
    h("div", { class: "field" }, h("label", { for: "key" }, t("sign.key")), key, h("p", { class: "small muted", id: "key-note" }, t("sign.note"))), told, button);
  return { element, update() {}, end() {}, focus: () => key.focus() };
}

const link = (href, key, isHere) => h("a", { href, "aria-current": isHere ? "page" : null }, t(key));
const topNav = (here) => h("nav", { class: "tabs", "aria-label": t("nav.label") }, link("#/", "nav.sales", here === "sales"), link("#/breaks", "nav.breaks", here === "breaks"));

const NEAR = 2; // openings that are always in sight: the one that is on, and the next

function saleHead(sale) {
  const back = h("a", { class: "back", href: "#/" }, t("nav.back"));
  const title = h("h1", {}, sale);
  const state = h("span", { class: "badge", "data-state": "" });
  const facts = h("p", { class: "muted small" });
  const near = h("ul", { class: "plain row drops" });
  const every = h("ul", { class: "plain row drops" });
  const all = h("summary", {});
  const openings = h("details", { class: "openings" }, all, every);
  const element = h("div", { class: "stack tight" }, back, h("div", { class: "row" }, title, state), facts, near, openings);
  const kinds = { open: "good", paused: "warn", draining: "warn", closed: "", announced: "accent" };
  return {
    element,
    update(board) {
      title.textContent = board.title;
      state.className = `badge ${kinds[board.state]}`;
      state.textContent = t(`state.${board.state}`);
      state.dataset.state = board.state;
      facts.textContent = t("sale.facts", { id: board.id, revision: board.revision, room: board.room ? t(`room.${board.room.state}`) : "–", zone: board.timezone });
      const chips = () => board.drops.map((drop, at) => dropChip(drop, at + 1 === board.room?.drop, board.timezone));
      const first = board.drops.length > NEAR ? Math.max(0, (board.room?.drop ?? 0) - 1) : 0;
      fill(near, chips().slice(first, first + NEAR));
      openings.hidden = board.drops.length <= NEAR;
      all.textContent = t("drops.all", { n: board.drops.length });
      fill(every, chips());
    },
  };
}

function dropChip(drop, isNow, zone) {
  const left = drop.opens_at_ms - serverNow();
  const when = `${date(drop.opens_at_ms, zone)} ${time(drop.opens_at_ms, zone)}`;
  const told = left > 0 ? t("drop.in", { span: countdown(left) }) : isNow ? t("drop.now") : t("drop.over");
  return h("li", { class: `badge ${left > 0 ? "accent" : isNow ? "good" : ""}` }, h("strong", {}, drop.id), ` ${when} · ${told}`);
}

function saleView(sale, tab) {
  const bar = alarmBar();
  const head = saleHead(sale);
  const kept = feed?.sale === sale ? feed : null;
  if (kept === null) {
    feed?.end();
    feed = new Feed(session, sale, () => view?.update());
    feed.sale = sale;
    feed.run();
  }
  const context = { session, sale, feed };
  const panel = PANELS[tab](context);
  const waiting = h("p", { class: "muted" }, t("sale.reading"));
  const body = h("div", {}, waiting);
  const tabs = h("nav", { class: "tabs", "aria-label": t("nav.sale") }, Object.keys(PANELS).map((name) => link(`#/${sale}/${name}`, `tab.${name}`, name === tab)));
  const element = h("div", { class: "stack" }, bar.element, head.element, tabs, body);
  const mine = feed;
  return {
    element,
    update() {
      if (feed !== mine) return;
      if (mine.lost !== null && ["no_credential", "bad_credential", "expired_credential"].includes(mine.lost.code)) return leave(problemText(mine.lost));
      bar.show(alarmsOf({ ...mine, nowMs: Date.now() }), mine.board?.room?.at_ms ?? null, mine.board?.timezone);
      if (mine.board === null) { if (mine.lost) waiting.textContent = problemText(mine.lost); return undefined; }
      head.update(mine.board);
      if (panel.element.parentNode !== body) fill(body, panel.element);
      return panel.update();
    },
    end: panel.end,
  };
}

function wanted() {
  const [, first = "", second = ""] = /^#\/([a-z0-9-]*)\/?([a-z]*)$/.exec(location.hash) ?? [];
  return [first, second];
}

function viewOf() {
  const [first, second] = wanted();
  if (first !== "" && first !== "breaks") return saleView(first, second in PANELS ? second : "live");
  feed?.end();
  feed = null;
  const inner = first === "breaks" ? breaksView({ session }) : salesView({ session, leave });
  return { ...inner, element: h("div", { class: "stack" }, topNav(first === "breaks" ? "breaks" : "sales"), inner.element) };
}

/** Show what the address names, or the form for a key. */
function show(said = "") {
  view?.end();
  if (session === null) {
    feed?.end();
    feed = null;
  }
  view = session === null ? signIn(said) : viewOf();
  signOut.hidden = session === null;
  signOut.textContent = session === null ? "" : t(session.mayAct ? "sign.out" : "sign.out.auditor");
  document.title = t("console.title");
  fill(main, view.element);
  view.update();
  view.focus?.();
}

/** Follow the address; who goes by keyboard stays where the tabs are. */
function go() {
  show();
  $(".tabs [aria-current]", main)?.focus({ preventScroll: true });
}

async function begin() {
  mountHeader({ title: "console.brand", home: null, tools: [signOut] });
  const kept = Session.kept();
  if (kept !== null) {
    const answer = await kept.begin();
    if (answer.ok || answer.status === 0 || answer.status >= 500) session = kept;
    else kept.end();
  }
  onLanguage(() => show());
  addEventListener("hashchange", () => { if (location.hash.startsWith("#/") || location.hash === "") go(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) feed?.soon(); });
  show();
}

begin();
