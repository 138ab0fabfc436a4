/* The whole screen for one verdict, until somebody goes on or its time is over. */

import { announce, fill, h } from "../common/dom.js";
import { t, time } from "../common/i18n.js";
import { lines, picture, word } from "./verdict.js";

const SHOWN_MS = { good: 7000, warn: 10000, bad: 10000 };
const BRIEF_MS = 2000;
const TICK_MS = 200;

export class Stage {
  #place;
  #timer = null;
  #whole = 0;
  #since = 0;
  #left = 0;
  #shown = null;

  /** `place` covers the screen while it is not hidden; `left()` is called when a verdict goes. */
  constructor(place, left) {
    this.#place = place;
    this.left = left;
    addEventListener("beforeprint", () => this.#pause());
    addEventListener("afterprint", () => this.#run());
  }

  /** Whether a verdict is on the screen. */
  get isUp() { return this.#shown !== null; }

  /** Show a verdict about a masked code at a kiosk; `brief` when the next code waits already. */
  show(verdict, masked, at, { brief = false } = {}) {
    this.#shown = { verdict, masked, at };
    const wait = 1000 * (verdict.facts.retry_after_s ?? 0);
    this.#whole = Math.max(brief ? BRIEF_MS : SHOWN_MS[verdict.tone], wait);
    this.#place.hidden = false;
    this.#cover(true);
    this.redraw();
    announce([word(verdict), verdict.facts.seat ? `${t("seat")} ${verdict.facts.seat}` : "", ...lines(verdict, at)].join(". "), true);
    this.#left = this.#whole;
    this.#since = performance.now();
    this.#run();
  }

  /** How long it has stood there, in milliseconds. */
  get age() { return performance.now() - this.#since; }

  /** Draw again what is shown: the language has changed. */
  redraw() {
    if (!this.isUp) return;
    const { verdict, masked, at } = this.#shown;
    const { seat } = verdict.facts;
    const go = h("button", { class: "button go", type: "button", onclick: () => this.leave() }, t("next"));
    const print = h("button", { class: "button", type: "button", onclick: () => printed(ticket(verdict, masked, at)) }, t("print"));
    this.count = h("p", { class: "count" });
    this.bar = h("div", {});
    this.#place.dataset.tone = verdict.tone;
    this.#place.dataset.code = verdict.code;
    const said = h("h1", { class: "word", id: "word" }, word(verdict));
    said.style.fontSize = `min(${Math.floor(84 / widthOf(word(verdict)))}vw, max(18vmin, 14vh))`;
    fill(this.#place, picture(verdict), said,
      seat && h("p", { class: "seat" }, h("span", {}, t("seat")), " ", h("strong", {}, seat)),
      h("div", { class: "lines" }, lines(verdict, at).map((line) => h("p", {}, line)), h("p", { class: "code mono" }, masked)),
      h("div", { class: "row acts" }, go, verdict.tone === "good" && print),
      h("div", { class: "timer" }, h("div", { class: "bar", "aria-hidden": "true" }, this.bar), this.count));
    go.focus({ preventScroll: true });
    this.#tick(0);
  }

  /** Go back to the input. */
  leave() {
    if (!this.isUp) return;
    this.#pause();
    this.#shown = null;
    this.#place.hidden = true;
    this.#cover(false);
    this.left();
  }

  #cover(covered) {
    for (const one of document.querySelectorAll("main, header.top")) one.inert = covered;
  }

  #run() {
    this.#pause();
    if (this.isUp) this.#timer = setInterval(() => this.#tick(TICK_MS), TICK_MS);
  }

  #pause() { clearInterval(this.#timer); }

  #tick(ms) {
    this.#left -= ms;
    this.count.textContent = t("next.in", { n: Math.max(0, Math.ceil(this.#left / 1000)) });
    this.bar.style.width = `${Math.max(0, 100 * this.#left / this.#whole)}%`;
    if (this.#left <= 0 && ms > 0) this.leave();
  }
}

/** About how many times as wide as high a text is; Chinese symbols are square. */
const widthOf = (text) => [...text].reduce((sum, one) => sum + (one > "\u2e80" ? 1.02 : 0.62), 0);

function printed(paper) {
  document.body.append(paper);
  window.print();
  paper.remove();
}

function ticket(verdict, masked, at) {
  const { facts } = verdict;
  const [title, when] = lines({ ...verdict, replayed: false }, at);
  return h("section", { class: "ticket" }, h("p", { class: "at" }, at.venue_title), h("h2", {}, title), h("p", { class: "when" }, when),
    facts.seat && h("p", { class: "place" }, t("seat"), " ", h("strong", {}, facts.seat)),
    h("p", {}, t("print.used", { time: time(facts.at_ms, at.timezone, true) })), h("p", {}, t("print.code", { code: masked })));
}
