/* A kiosk: one input that always listens, one verdict for each code, no code burned by a lost line. */

import { newKey, write } from "../common/api.js";
import { $, fill, h } from "../common/dom.js";
import { mountHeader } from "../common/header.js";
import { onLanguage, t, time } from "../common/i18n.js";
import { ALPHABET, extracted, grouped, isSound, looks, masked, plain } from "./code.js";
import * as memory from "./memory.js";
import { showAbout, showSetup, whoIs } from "./setup.js";
import { play } from "./sound.js";
import { Stage } from "./stage.js";
import { Strokes } from "./strokes.js";
import { UNSURE, judged, picture, word } from "./verdict.js";
import "./words.js";

const CHECK_LINE_MS = 20_000;
const PAUSE_MS = 150;
const ASIDE_TRIES = 3;
const DOUBLE_MS = 1500;
const main = $("main");
const strokes = new Strokes();
let me = null;
let asking = null;
let shown = "";
let held = "";
let pausing = null;
const waiting = [];

const overlay = h("section", { class: "stage", hidden: true, "aria-labelledby": "word" });
const stage = new Stage(overlay, () => { listen(); next(); });
document.body.append(overlay);

// ---- the parts of the page, made once

const input = h("input", {
  id: "code", class: "mono code-input", autocomplete: "off", autocapitalize: "characters", spellcheck: "false", maxlength: "512",
  enterkeyhint: "go", "aria-describedby": "looks", oninput: regroup,
});
const hint = h("p", { id: "looks", class: "looks" });
const go = h("button", { class: "button primary go", type: "submit" });
const line = h("span", { class: "badge", role: "status" });
const clock = h("span", { class: "clock mono" });
const place = h("p", { class: "where" });
const pad = h("div", { class: "pad", role: "group" });
const list = h("ol", { class: "recent" });
const listTitle = h("h2", {});
const title = h("h1", { class: "prompt" });
const label = h("label", { for: "code", class: "visually-hidden" });
const busy = h("div", { class: "asking", role: "status", hidden: true });
const form = h("form", { class: "ask", novalidate: true, onsubmit: (event) => { event.preventDefault(); submit(); } },
  title, label, h("div", { class: "entry" }, input, go), hint, busy, pad);
const ready = [h("div", { class: "row spread status" }, place, h("div", { class: "row" }, line, clock)),
  h("div", { class: "columns" }, form, h("aside", { class: "card" }, listTitle, list))];

function tool(what, act) {
  const made = h("button", { class: "button quiet tool", type: "button", "data-tool": what, onclick: () => { act(); listen(); } });
  made.append(icon(what));
  return made;
}

function icon(what) {
  const paths = {
    sound: "M4 10v4h4l5 4V6l-5 4H4Zm12.5-1a4 4 0 0 1 0 6", keypad: "M5 6h3M10.5 6h3M16 6h3M5 12h3M10.5 12h3M16 12h3M10.5 18h3",
    full: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5", key: "M12 11v6M12 7.5v.5M12 21a9 9 0 1 0-.1 0",
  };
  return h("svg", { viewBox: "0 0 24 24", width: 22, height: 22, fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true" }, h("path", { d: paths[what] }));
}

const tools = [
  tool("sound", () => { choose("sound", !memory.choice("sound", true)); play("good"); }),
  tool("keypad", () => choose("keypad", !padShown())),
  tool("full", () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen?.().catch(() => {}))),
  tool("key", () => me && showAbout(me, memory.key(), () => { memory.forget(); me = null; begin(); })),
];

const padShown = () => memory.choice("keypad", matchMedia("(pointer: coarse)").matches);
function choose(what, value) { memory.keepChoice(what, value); draw(); }

// ---- words and lists

function draw() {
  document.title = me ? `${me.venue_title} · ${t("kiosk.title")}` : `${t("kiosk.title")} · Dropgate`;
  for (const one of tools) {
    const { tool: what } = one.dataset;
    one.setAttribute("aria-label", t(`tool.${what}`));
    one.title = t(`tool.${what}`);
    if (what === "sound") one.setAttribute("aria-pressed", memory.choice("sound", true));
    if (what === "keypad") one.setAttribute("aria-pressed", padShown());
  }
  title.textContent = t("ready.title");
  label.textContent = t("ready.label");
  go.textContent = t("ready.go");
  listTitle.textContent = t("recent.title");
  if (me) fill(place, h("strong", {}, me.venue_title), h("span", { class: "muted" }, ` · ${me.title}`));
  drawPad();
  drawHint();
  drawRecent();
  drawLine(line.dataset.line ?? "online");
  stage.redraw();
}

function drawPad() {
  pad.hidden = !padShown();
  input.inputMode = pad.hidden ? "text" : "none";
  pad.setAttribute("aria-label", t("pad.label"));
  const press = (symbol) => h("button", { class: "button key mono", type: "button", onclick: () => put(symbol) }, symbol);
  fill(pad, [...ALPHABET].map(press),
    h("button", { class: "button key wide", type: "button", onclick: () => { input.value = ""; regroup(); listen(); } }, t("pad.clear")),
    h("button", { class: "button key wide", type: "button", "aria-label": t("pad.back"), onclick: () => { input.value = grouped(plain(input.value).slice(0, -1)); drawHint(); listen(); } }, "⌫"));
}

function put(symbol) {
  input.value = grouped(plain(input.value) + symbol);
  drawHint();
  listen();
}

function drawHint() {
  const seen = looks(input.value);
  hint.dataset.looks = seen;
  hint.textContent = t(`looks.${seen}`, { n: plain(input.value).length });
}

function drawRecent() {
  const all = memory.recent();
  fill(list, all.length === 0 && h("li", { class: "muted" }, t("recent.none")),
    all.map((one) => h("li", { "data-tone": one.verdict.tone }, picture(one.verdict),
      h("div", {}, h("strong", {}, word(one.verdict)), h("span", { class: "small muted" }, [one.title, one.seat].filter(Boolean).join(" · "))),
      h("div", { class: "end small mono" }, h("span", {}, time(one.at, me?.timezone)), h("span", { class: "muted" }, one.masked)))));
}

function drawLine(state) {
  line.dataset.line = state;
  line.className = `badge ${state === "online" ? "good" : "bad"}`;
  line.textContent = t(`line.${state}`);
}

// ---- typing

/** Group what is typed, with the caret staying behind the same symbol. */
function regroup() {
  const before = plain(input.value.slice(0, input.selectionStart)).length;
  const shown = grouped(input.value);
  if (shown !== input.value) {
    input.value = shown;
    let at = 0;
    for (let seen = 0; seen < before && at < shown.length; at += 1) if (shown[at] !== "-") seen += 1;
    input.setSelectionRange(at, at);
  }
  drawHint();
}

function listen() {
  if (me && !stage.isUp && !document.querySelector("dialog[open]")) input.focus({ preventScroll: true });
}

addEventListener("keydown", (event) => {
  if (me === null || document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") { input.value = ""; drawHint(); stage.leave(); return; }
  strokes.push(event);
  const scanned = strokes.fast || isSound(extracted(stage.isUp ? held : input.value));
  const ends = event.key === "Enter" || (event.key === "Tab" && scanned);
  if (stage.isUp) typedOverVerdict(event, ends, scanned);
  else if (ends && scanned) { event.preventDefault(); submit(); }
  else if (event.key.length === 1 && event.key !== " " && document.activeElement !== input) listen();
});

/**
 * A key while a verdict stands: Enter goes on, a symbol begins the next code, a scan is the next
 * code. The same code at once is the scanner's second reading of one ticket; a moment later it is
 * asked about, for it may be in another hand.
 */
function typedOverVerdict(event, ends, scanned) {
  clearTimeout(pausing);
  if (ends && scanned) {
    event.preventDefault();
    const text = best([...strokes.take(), held]);
    held = "";
    if (plain(text) === plain(shown) && stage.age < DOUBLE_MS) return undefined;
    stage.leave();
    return take(text);
  }
  if (ends) {
    held = "";
    if (event.target.closest?.("button")) return undefined; // its own click
    event.preventDefault();
    return stage.leave();
  }
  if (strokes.isEmpty || event.key === " ") return undefined;
  event.preventDefault();
  if (event.key.length === 1) held += event.key;
  pausing = setTimeout(() => {
    stage.leave();
    input.value = grouped(held);
    held = "";
    drawHint();
  }, PAUSE_MS);
  return undefined;
}

document.addEventListener("pointerup", (event) => { if (!event.target.closest("button, a, input, dialog")) setTimeout(listen); });
overlay.addEventListener("click", (event) => { if (!event.target.closest("button")) stage.leave(); });

/** Take what was typed or scanned, and ask. */
function submit() {
  const text = best([...(strokes.fast ? strokes.take() : []), input.value]);
  input.value = "";
  drawHint();
  take(text);
}

/** Of a scan's readings the one that is a code of ours; else the last, all that was written. */
function best(readings) {
  const found = readings.map(extracted);
  return found.find(isSound) ?? found.at(-1);
}

function take(text) {
  if (plain(text) === "" || (asking && plain(text) === plain(asking.code))) return;
  waiting.push(text);
  next();
}

// ---- asking

function next() {
  if (asking || stage.isUp || waiting.length === 0) return;
  const code = waiting.shift();
  const question = memory.aside(code) ?? { key: newKey(), code, at: Date.now() };
  memory.keepPending(question); // before it is sent: whatever happens now, it is asked by this key
  ask(question);
}

async function ask(question, again = false) {
  const stop = new AbortController();
  asking = question;
  showBusy(again ? "asking.reload" : null, question);
  const answer = await write("POST", "/v1/kiosk/redemptions", {
    auth: `Bearer ${memory.key()}`, key: question.key, body: { code: question.code }, timeoutMs: 6000, signal: stop.signal,
    onRetry: (n) => { drawLine("offline"); showBusy("asking.again", question, n, n >= ASIDE_TRIES ? stop : null); },
  }).catch((error) => { if (!stop.signal.aborted) throw error; });
  asking = null;
  busy.hidden = true;
  if (!answer) return putAside(question);
  drawLine("online");
  if (answer.status === 401 || answer.status === 403) return begin(answer.problem); // the question stays
  say(judged(answer), question);
  memory.answered(question); // only now that it stands on the screen and in the list
  return undefined;
}

/** Go on with other codes; this one keeps its key until it has its answer. */
function putAside(question) {
  say(UNSURE, question);
  memory.putAside(question);
  memory.keepPending(null);
}

function say(verdict, question) {
  const { title, seat } = verdict.facts;
  memory.addRecent({ verdict, masked: masked(question.code), at: Date.now(), title, seat });
  shown = question.code;
  stage.show(verdict, masked(question.code), me, { brief: waiting.length > 0 });
  if (memory.choice("sound", true)) play(verdict.tone);
  drawRecent();
}

function showBusy(why, question, n = 0, stop = null) {
  busy.hidden = false;
  fill(busy, h("span", { class: "spinner", "aria-hidden": "true" }),
    h("div", {}, h("strong", {}, t("asking.title")), " ", h("span", { class: "mono" }, t("asking.code", { code: masked(question.code) })),
      why && h("p", { class: "small" }, t(why, { n })),
      stop && h("button", { class: "button", type: "button", onclick: () => stop.abort() }, t("asking.aside"))));
}

// ---- the line and the key

async function checkLine() {
  clock.textContent = time(Date.now(), me?.timezone);
  if (me === null || asking) return;
  const answer = navigator.onLine ? await whoIs(memory.key()) : null;
  if (me !== null && !asking) drawLine(answer && answer.status !== 0 && answer.status < 500 ? "online" : "offline");
}

/** Ask for the key when there is none that works; else be ready, and finish what was asked. */
async function begin(problem = null) {
  const key = memory.key();
  const known = key === null || problem ? null : await whoIs(key);
  if (known?.ok || (known && known.status !== 401 && known.status !== 403)) return be(known.ok ? known.body : memory.choice("me", null));
  me = null;
  draw();
  showSetup(main, { problem: problem ?? known?.problem, done: (good, who) => { memory.keepKey(good); be(who); } });
  return undefined;
}

function be(who) {
  if (who === null) { setTimeout(begin, 2000); drawLine("offline"); fill(main, h("p", {}, line)); return; }
  me = who;
  memory.keepChoice("me", who); // so that the page comes up with its name without a line
  fill(main, ready);
  draw();
  checkLine();
  listen();
  const open = memory.pending();
  if (open && !asking) ask(open, true);
}

mountHeader({ title: "kiosk.title", home: null, tools });
onLanguage(draw);
addEventListener("online", checkLine);
addEventListener("offline", checkLine);
setInterval(checkLine, CHECK_LINE_MS);
onLanguage(() => { if (me === null && memory.key() === null) begin(); });
begin();
