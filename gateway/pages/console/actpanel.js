/* What can be done to a sale: each act with what it will do, asked back where it is dangerous. */

import { newKey } from "../common/api.js";
import { announce, confirmDialog, fill, h, toast } from "../common/dom.js";
import { number, t } from "../common/i18n.js";
import { problemText } from "../common/problems.js";
import { ACTS, barred, presets } from "./acts.js";
import { Seen } from "./seen.js";
import { tryout } from "./tryout.js";

const why = (bar) => t(bar.key, { state: t(`state.${bar.state}`), from: (bar.from ?? []).map((one) => t(`state.${one}`)).join(t("list.or")) });

/**
 * Does one write at a time and says how it went, also while no answer comes. After `end()` a write
 * that waits for its answer goes on, and says so at the foot of the page.
 */
export function doer(session) {
  const element = h("div", { class: "result", "aria-live": "polite" });
  let stopper = null;
  let ended = false;
  const say = (kind, text, ...more) => (ended && kind !== "" ? toast(text)
    : fill(element, h("div", { class: `notice ${kind}` }, h("div", {}, text), ...more)));

  async function run(method, path, body, success, { key = newKey(), timeoutMs, headers = {} } = {}) {
    stopper?.abort();
    const mine = (stopper = new AbortController());
    const stop = h("button", { class: "button", type: "button", onclick: () => mine.abort() }, t("act.stop"));
    say("", t("act.asking"));
    try {
      const answer = await session.change(method, path, {
        body, key, headers, signal: mine.signal, ...(timeoutMs ? { timeoutMs } : {}),
        onRetry: (tries) => { say("warn", t("act.again", { n: tries }), stop); element.dataset.tries = tries; },
      });
      if (answer.ok) say("good", success(answer));
      else say("bad", problemText(shownProblem(answer.problem)));
      return answer;
    } catch (error) {
      if (!mine.signal.aborted) throw error;
      if (stopper === mine) say("warn", t("act.stopped"));
      return null;
    }
  }
  return { element, run, say, end: () => { ended = true; } };
}

const shownProblem = (problem) => (problem.state ? { ...problem, state: t(`state.${problem.state}`) } : problem);

function actRow(act, press) {
  const note = h("p", { class: "small muted", id: `act-${act}-note` });
  const button = h("button", { class: `button${ACTS[act].danger ? " danger-line" : ""}`, type: "button", "data-act": act, "aria-describedby": note.id, onclick: press }, t(`act.${act}`));
  return { element: h("li", { class: "act" }, button, note), button, note };
}

function rateForm({ session, sale, feed }, doing) {
  const rate = h("input", { id: "rate", name: "rate", type: "number", min: "0", max: "1000000", step: "any", required: true, inputmode: "decimal" });
  const burst = h("input", { id: "burst", name: "burst", type: "number", min: "1", max: "1000000", step: "1", inputmode: "numeric" });
  const choices = h("div", { class: "row presets", role: "group", "aria-label": t("rate.presets") });
  const now = h("p", { class: "small muted", "data-rate": "" });
  const set = h("button", { class: "button primary", type: "submit" }, t("rate.set"));
  const wanted = () => ({ ...(rate.value === "" ? {} : { rate_per_s: Number(rate.value) }), ...(burst.value === "" ? {} : { burst: Number(burst.value) }) });
  const trial = tryout({ session, sale, zone: feed.board?.timezone, body: wanted });
  const form = h("form", { class: "stack rate", onsubmit: submit }, h("h3", {}, t("rate.title")), now,
    h("div", { class: "row two" },
      h("div", { class: "field" }, h("label", { for: "rate" }, t("rate.rate")), rate),
      h("div", { class: "field" }, h("label", { for: "burst" }, t("rate.burst")), burst)),
    choices, h("div", { class: "row" }, set, trial.button), h("p", { class: "small muted" }, t("rate.note")), trial.element);
  const seen = new Seen(feed, form);
  let presetsOf = null;

  async function submit(event) {
    event.preventDefault();
    if (!session.mayAct) return;
    await seen.write((headers) => doing.run("PATCH", `/v1/operator/sales/${sale}/rate`, wanted(),
      (answer) => t("rate.done", { rate: number(answer.body.rate_per_s, 2) }), { headers }));
    rate.value = burst.value = "";
    feed.soon();
  }

  function update(room) {
    now.textContent = t("rate.now", { rate: number(room.rate_per_s, 2), burst: number(room.burst), reason: t(`reason.${room.reason}`) });
    rate.placeholder = String(room.rate_per_s);
    burst.placeholder = String(room.burst);
    set.disabled = rate.disabled = burst.disabled = !session.mayAct;
    if (presetsOf === room.rate_per_s) return;
    presetsOf = room.rate_per_s;
    fill(choices, presets(presetsOf).map((one) => h("button", { class: "button", type: "button", disabled: !session.mayAct, onclick: () => { rate.value = one; rate.focus(); } }, t("rate.preset", { n: number(one) }))));
  }
  return { element: form, update, end: trial.end };
}

/** The card of acts. */
export function actPanel(context) {
  const { session, sale, feed } = context;
  const doing = doer(session);
  const rows = Object.fromEntries(Object.keys(ACTS).map((act) => [act, actRow(act, () => press(act))]));
  const rate = rateForm(context, doing);
  const element = h("section", { class: "card stack acts", "aria-labelledby": "acts-title" },
    h("h2", { id: "acts-title" }, t("acts.title")),
    session.mayAct ? null : h("div", { class: "notice" }, h("div", {}, t("act.auditor"))),
    doing.element, h("ul", { class: "plain" }, Object.values(rows).map((one) => one.element)), rate.element);

  const barOf = (act) => barred(act, { state: feed.board.state, mayAct: session.mayAct });

  async function press(act) {
    const bar = barOf(act);
    if (bar !== null) return announce(why(bar), true);
    const { ask, danger } = ACTS[act];
    const seen = new Seen(feed);
    seen.look();
    const sure = ask === "none" || await confirmDialog({
      title: t(`act.${act}.sure`, { sale: feed.board.title }), text: t(`act.${act}.will`), action: t(`act.${act}`),
      danger, typed: ask === "typed" ? sale : null });
    if (!sure) return undefined;
    // What cannot wait for a second look is done whatever else was changed.
    await seen.write((headers) => doing.run("POST", `/v1/operator/sales/${sale}/${act}`, {}, (answer) => t(
      answer.headers.get("Idempotent-Replayed") === "true" ? "act.was" : "act.done", { state: t(`state.${answer.body.state}`) }), ask === "none" ? {} : { headers }));
    return feed.soon();
  }

  return {
    element,
    update() {
      for (const [act, row] of Object.entries(rows)) {
        const bar = barOf(act);
        row.button.setAttribute("aria-disabled", String(bar !== null));
        row.element.classList.toggle("barred", bar !== null);
        row.note.textContent = bar === null ? t(`act.${act}.will`) : why(bar);
      }
      if (feed.board.room) rate.update(feed.board.room);
    },
    end() {
      doing.end();
      rate.end();
    },
  };
}
