/* Once in a kiosk's life: its key is entered, checked with the server, and kept. */

import { call } from "../common/api.js";
import { $, announce, confirmDialog, fill, h } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { problemText } from "../common/problems.js";

/** Who a key says this kiosk is: the answer to GET /v1/kiosk/me. */
export const whoIs = (key) => call("GET", "/v1/kiosk/me", { auth: `Bearer ${key}` });

/** Ask for the key; `done(key, me)` when it is good. `problem` says why it is asked for again. */
export function showSetup(place, { problem = null, done }) {
  const field = h("input", { id: "key", type: "password", autocomplete: "off", spellcheck: "false", class: "mono", "aria-describedby": "key-help" });
  const go = h("button", { class: "button primary block", type: "submit" }, t("setup.go"));
  const told = h("div", { role: "alert" });
  const say = (text) => fill(told, h("p", { class: "notice bad" }, h("span", {}, text)));
  const check = async (event) => {
    event.preventDefault();
    const key = field.value.trim();
    if (!/^dgk_kiosk_\w+$/.test(key)) return say(t("setup.form"));
    go.disabled = true;
    go.textContent = t("setup.checking");
    const answer = await whoIs(key);
    go.disabled = false;
    go.textContent = t("setup.go");
    if (answer.ok) return done(key, answer.body);
    return say(problemText(answer.problem));
  };
  fill(place, h("form", { class: "card stack setup", onsubmit: check },
    h("h1", {}, t("setup.title")), h("p", { class: "muted" }, t("setup.text")), told,
    h("div", { class: "field" }, h("label", { for: "key" }, t("setup.key")), field,
      h("p", { class: "small muted", id: "key-help" }, t("setup.where"))), go));
  if (problem) say(problemText(problem));
  field.focus();
}

/** What this kiosk is, and the way to remove its key. `removed()` after that. */
export async function showAbout(me, key, removed) {
  const facts = [["about.venue", me.venue_title], ["about.kiosk", `${me.venue}/${me.kiosk}`], ["about.name", me.title], ["about.key", `${key.slice(0, 18)}_…`]];
  const dialog = h("dialog", { "aria-labelledby": "about" },
    h("form", { method: "dialog", class: "stack" }, h("h2", { id: "about" }, t("about.title")),
      h("dl", { class: "facts" }, facts.map(([name, value]) => [h("dt", {}, t(name)), h("dd", {}, value)])),
      h("div", { class: "row" }, h("button", { class: "button", value: "remove" }, t("about.remove")),
        h("button", { class: "button primary", value: "close" }, t("about.close")))));
  document.body.append(dialog);
  dialog.showModal();
  $("[value=close]", dialog).focus();
  await new Promise((resolve) => { dialog.addEventListener("close", resolve, { once: true }); });
  dialog.remove();
  if (dialog.returnValue !== "remove") return;
  if (await confirmDialog({ title: t("about.remove.title"), text: t("about.remove.text"), action: t("about.remove"), danger: true })) {
    announce(t("setup.title"));
    removed();
  }
}
