/* What the room tells those who wait, how many may be inside, and its line begun anew. */

import { confirmDialog, h } from "../common/dom.js";
import { number, t } from "../common/i18n.js";
import { doer } from "./actpanel.js";
import { Seen } from "./seen.js";

const MESSAGE_MAX = 280;

const field = (id, key, input) => h("div", { class: "field" }, h("label", { for: id }, t(key)), input);

/** The card of the room's settings. */
export function roomPanel({ session, sale, feed }) {
  const doing = doer(session);
  const path = `/v1/operator/sales/${sale}`;
  const message = h("textarea", { id: "message", rows: "3", maxlength: String(MESSAGE_MAX), dir: "auto" });
  const cap = h("input", { id: "cap", type: "number", min: "0", max: "10000000", step: "1", inputmode: "numeric" });
  const grace = h("input", { id: "grace", type: "number", min: "1", max: "3600", step: "1", inputmode: "numeric" });
  const tell = h("button", { class: "button", type: "submit" }, t("room.tell"));
  const set = h("button", { class: "button", type: "submit" }, t("room.set"));
  const reset = h("button", { class: "button danger-line", type: "button", "aria-describedby": "reset-note", onclick: resetLine }, t("room.reset"));
  const now = h("p", { class: "small muted", "data-message": "" });
  const told = h("form", { class: "stack", onsubmit: say }, now, field("message", "room.message", message), tell);
  const bound = h("form", { class: "stack", onsubmit: bounds }, h("div", { class: "row two" }, field("cap", "room.cap", cap), field("grace", "room.grace", grace)), set,
    h("p", { class: "small muted" }, t("room.note")));
  const [seenTold, seenBound] = [new Seen(feed, told), new Seen(feed, bound)];
  const element = h("section", { class: "card stack", "aria-labelledby": "room-title" },
    h("h2", { id: "room-title" }, t("room.title")), doing.element,
    told, bound,
    h("div", { class: "stack" }, reset, h("p", { class: "small muted", id: "reset-note" }, t("room.reset.will"))));

  async function say(event) {
    event.preventDefault();
    const text = message.value.trim();
    const answer = await seenTold.write((headers) => doing.run("PUT", `${path}/message`, { message: text },
      () => t(text === "" ? "room.silent" : "room.told"), { headers }));
    if (answer?.ok) message.value = "";
    feed.soon();
  }

  async function bounds(event) {
    event.preventDefault();
    const body = { ...(cap.value === "" ? {} : { active_max: Number(cap.value) }), ...(grace.value === "" ? {} : { grace_s: Number(grace.value) }) };
    const answer = await seenBound.write((headers) => doing.run("PATCH", `${path}/rate`, body, () => t("room.done"), { headers }));
    if (answer?.ok) cap.value = grace.value = "";
    feed.soon();
  }

  async function resetLine() {
    const { epoch, waiting } = feed.board.room;
    const sure = await confirmDialog({ title: t("room.reset.sure", { n: number(waiting) }), text: t("room.reset.will"), action: t("room.reset"), danger: true, typed: sale });
    if (sure) await doing.run("POST", `${path}/reset`, { epoch }, () => t("room.reset.done"));
    feed.soon();
  }

  return {
    element,
    update({ room }) {
      if (!room) return;
      now.textContent = room.message === "" ? t("room.says.nothing") : t("room.says", { text: room.message });
      cap.placeholder = String(room.active_max);
      grace.placeholder = String(Math.round(room.grace_ms / 1000));
      for (const one of [message, cap, grace, tell, set, reset]) one.disabled = !session.mayAct;
    },
    end: doing.end,
  };
}
