/* What is set aside for partners: how much of it is left and sold, and calling the rest back. */

import { confirmDialog, fill, h } from "../common/dom.js";
import { number, t } from "../common/i18n.js";
import { problemText } from "../common/problems.js";
import { doer } from "./actpanel.js";

const EVERY_MS = 3000;
const COLUMNS = ["units", "left", "sold", "returned", "voided"];

/** The panel of the allotments. */
export function allotmentsPanel({ session, sale, feed }) {
  const doing = doer(session);
  const body = h("tbody");
  const element = h("div", { class: "stack" }, h("p", { class: "muted" }, t("allot.text")), doing.element,
    h("div", { class: "scroll card flush", tabindex: "0", role: "region", "aria-label": t("tab.allotments") },
      h("table", { class: "table" },
        h("thead", {}, h("tr", {}, ["allot.allotment", "allot.partner", "stock.offer"].map((key) => h("th", { scope: "col" }, t(key))),
          COLUMNS.map((name) => h("th", { scope: "col", class: "number" }, t(`allot.${name}`))),
          h("th", { scope: "col" }, h("span", { class: "visually-hidden" }, t("allot.recall"))))), body)));
  let readAt = 0;
  let shown = "";

  async function read() {
    readAt = Date.now();
    const answer = await session.ask(`/v1/operator/sales/${sale}/allotments`);
    if (!answer.ok) return shown === "" ? doing.say("bad", problemText(answer.problem)) : undefined;
    const now = JSON.stringify(answer.body.allotments);
    if (now === shown) return undefined; // a button that has the focus keeps it
    shown = now;
    return fill(body, answer.body.allotments.length > 0 ? answer.body.allotments.map(row)
      : h("tr", {}, h("td", { colspan: "9", class: "muted" }, t("allot.none"))));
  }

  const row = (one) => h("tr", { "data-allotment": one.id },
    h("th", { scope: "row" }, one.id), h("td", {}, one.partner_title), h("td", {}, one.offer),
    COLUMNS.map((name) => h("td", { class: "number", "data-column": name }, number(one[name]))),
    h("td", {}, one.left === 0 ? h("span", { class: "muted small" }, t("allot.empty"))
      : h("button", { class: "button", type: "button", disabled: !session.mayAct, "aria-label": t("allot.recall.label", { id: one.id }), title: session.mayAct ? null : t("act.auditor"), onclick: () => recall(one) }, t("allot.recall"))));

  async function recall(one) {
    const facts = { id: one.id, partner: one.partner_title, n: number(one.left) };
    const text = `${t("allot.recall.will", facts)} ${t(one.exported ? "allot.recall.exported" : "allot.recall.kept")}`;
    if (!await confirmDialog({ title: t("allot.recall.sure", facts), text, action: t("allot.recall"), danger: true })) return;
    const done = await doing.run("POST", `/v1/operator/sales/${sale}/allotments/${one.id}/recall`, {},
      ({ body: now }) => t("allot.recall.done", { id: one.id, left: number(now.left), returned: number(now.returned), voided: number(now.voided) }),
      { timeoutMs: 60_000 });
    if (done?.ok) { await read(); feed.soon(); }
  }

  read();
  return { element, update() { if (Date.now() - readAt > EVERY_MS && !document.hidden) read(); }, end: doing.end };
}
