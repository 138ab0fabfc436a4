/* The partner's page: signing in with the key, and which view the address names. */

import { $, fill, h } from "../common/dom.js";
import { mountHeader } from "../common/header.js";
import { onLanguage, t } from "../common/i18n.js";
import { problemText } from "../common/problems.js";
import { allotmentsView } from "./allotments.js";
import { eventsView } from "./events.js";
import { keysView } from "./keys.js";
import { Session } from "./session.js";
import { statementsView } from "./statements.js";
import { trialView } from "./trial.js";
import "./words_en.js";
import "./words_zh.js";

const VIEWS = { keys: keysView, allotments: allotmentsView, statements: statementsView, events: eventsView, try: trialView };
const main = $("main");
let session = null;

const signOut = h("button", { class: "button quiet", type: "button", hidden: true, onclick: () => leave() });

function leave(said = "") {
  Session.forget();
  session = null;
  show(said);
}

const here = () => { const name = location.hash.slice(1); return name in VIEWS ? name : "keys"; };

function show(said = "") {
  document.title = `${t("partner.title")} · Dropgate`;
  signOut.textContent = t("sign.out");
  signOut.hidden = session === null;
  if (session === null) { fill(main, signIn(said)); $("#key").focus(); return; }
  const tabs = h("nav", { class: "tabs", "aria-label": t("partner.title") }, Object.keys(VIEWS).map((name) =>
    h("a", { href: `#${name}`, "aria-current": name === here() ? "page" : null }, t(`nav.${name}`))));
  fill(main, tabs, VIEWS[here()](session));
  $("[aria-current]", tabs).scrollIntoView({ block: "nearest", inline: "center" });
}

function signIn(said) {
  const key = h("input", { id: "key", type: "password", class: "mono", autocomplete: "off", spellcheck: "false", "aria-describedby": "key-note" });
  const told = h("div", { role: "alert" });
  const refuse = (text) => { fill(told, h("p", { class: "notice bad" }, h("span", {}, text))); key.focus(); };
  const go = h("button", { class: "button primary block", type: "submit" }, t("sign.in"));
  const submit = async (event) => {
    event.preventDefault();
    const typed = key.value.trim().replace(/^Bearer\s+/i, "");
    if (!/^dgk_[a-z]+_\w+$/.test(typed)) { refuse(t("sign.noform")); return; }
    go.disabled = true;
    const begun = await Session.begin(typed);
    go.disabled = false;
    if (begun.session) { ({ session } = begun); show(); } else refuse(problemText(begun.problem));
  };
  const form = h("form", { class: "card stack sign", onsubmit: submit }, h("h1", {}, t("sign.title")), h("p", { class: "muted" }, t("sign.text")),
    h("div", { class: "field" }, h("label", { for: "key" }, t("sign.key")), key, h("p", { class: "small muted", id: "key-note" }, t("sign.note"))), told, go,
    h("p", { class: "small" }, h("a", { href: "/docs" }, t("sign.docs"))));
  if (said) refuse(said);
  return form;
}

async function begin() {
  const kept = Session.kept();
  if (kept !== null) {
    const begun = await Session.begin(kept);
    if (begun.session) ({ session } = begun);
    else if (begun.problem.status === 0) { fill(main, h("p", { class: "notice warn" }, h("span", {}, problemText(begun.problem)))); setTimeout(begin, 2000); return; }
    else { leave(problemText(begun.problem)); return; }
  }
  show();
}

mountHeader({ title: "partner.title", home: null, tools: [signOut] });
addEventListener("hashchange", () => { show(); });
onLanguage(() => show());
begin();
