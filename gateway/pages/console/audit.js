/* Proving that a sale adds up, and giving money back: the audit and refunds. */

import { confirmDialog, fill, h } from "../common/dom.js";
import { has, money, number, t, time } from "../common/i18n.js";
import { problemText } from "../common/problems.js";
import { doer } from "./actpanel.js";

const AUDIT_MS = 120_000;
const SHOWN = 20;
const named = (check) => (has(`check.${check}`) ? t(`check.${check}`) : check);

function checkItem(check) {
  const { ok, violations = [] } = check;
  return h("li", { class: `check ${ok ? "good" : "bad"}`, "data-check": check.name },
    h("div", { class: "row spread" }, h("strong", {}, `${ok ? "✓" : "×"} ${named(check.name)}`),
      h("span", { class: `badge ${ok ? "good" : "bad"}` }, ok ? t("audit.ok", { n: number(check.looked_at) }) : t("audit.wrong", { n: number(violations.length) }))),
    ok ? null : h("ul", { class: "mono small" }, violations.slice(0, SHOWN).map((one) => h("li", {}, one)),
      violations.length > SHOWN ? h("li", {}, t("audit.more", { n: number(violations.length - SHOWN) })) : null));
}

function auditCard({ session, sale, feed }) {
  const result = h("div", { class: "stack", "aria-live": "polite" });
  const button = h("button", { class: "button primary", type: "button", onclick: run }, t("audit.run"));
  const element = h("section", { class: "card stack" }, h("h2", {}, t("audit.title")), h("p", { class: "muted" }, t("audit.text")), h("div", { class: "row" }, button), result);

  async function run() {
    button.disabled = true;
    fill(result, h("p", { class: "muted" }, t("audit.running")));
    const answer = await session.ask(`/v1/operator/sales/${sale}/audit`, { timeoutMs: AUDIT_MS });
    button.disabled = false;
    if (!answer.ok) return fill(result, h("div", { class: "notice bad" }, h("div", {}, problemText(answer.problem))));
    feed.audit = { ...answer.body, atMs: Date.now() };
    return show();
  }

  function show() {
    const { ok, checks, atMs } = feed.audit;
    const wrong = checks.filter((check) => !check.ok);
    fill(result,
      h("div", { class: `notice ${ok ? "good" : "bad"}` }, h("div", {}, t(ok ? "audit.all" : "audit.some", { n: number(wrong.length), all: number(checks.length), time: time(atMs, undefined, true) }))),
      h("ul", { class: "plain stack tight" }, [...wrong, ...checks.filter((check) => check.ok)].map(checkItem)));
  }
  if (feed.audit !== null) show();
  return element;
}

function refundCard({ session, sale, feed }) {
  const doing = doer(session);
  const order = h("input", { id: "refund-order", required: true, autocomplete: "off", spellcheck: "false", pattern: "[0-9a-hjkmnp-tv-z]{24}", "aria-describedby": "refund-note" });
  const units = h("input", { id: "refund-units", autocomplete: "off", inputmode: "numeric", pattern: "[0-9 ,]*" });
  const form = h("form", { class: "stack", onsubmit: submit },
    h("div", { class: "grid" },
      h("div", { class: "field" }, h("label", { for: "refund-order" }, t("refund.order")), order, h("p", { class: "small muted", id: "refund-note" }, t("refund.order.note"))),
      h("div", { class: "field" }, h("label", { for: "refund-units" }, t("refund.units")), units)),
    h("div", { class: "row" }, h("button", { class: "button", type: "submit", disabled: !session.mayAct, title: session.mayAct ? null : t("act.auditor") }, t("refund.do"))), doing.element);
  const element = h("section", { class: "card stack" }, h("h2", {}, t("refund.title")), h("p", { class: "muted" }, t("refund.text")), form);

  async function submit(event) {
    event.preventDefault();
    const id = order.value.trim();
    const wanted = units.value.split(/[\s,]+/).filter(Boolean).map(Number);
    const sure = await confirmDialog({ title: t("refund.sure"), text: t(wanted.length > 0 ? "refund.will.some" : "refund.will", { id, units: wanted.join(", ") }), action: t("refund.do"), danger: true });
    if (!sure) return;
    const body = wanted.length > 0 ? { units: wanted } : {};
    await doing.run("POST", `/v1/operator/sales/${sale}/orders/${id}/refund`, body, ({ body: now }) => t("refund.done", {
      id, state: t(`order.${now.state}`), money: money(now.refunded_minor, now.currency), all: money(now.amount_minor, now.currency) }));
    feed.soon();
  }
  return { element, end: doing.end };
}

/** The panel of audit and refunds. */
export function auditPanel(context) {
  const refund = refundCard(context);
  return { element: h("div", { class: "stack" }, auditCard(context), refund.element), update() {}, end: refund.end };
}
