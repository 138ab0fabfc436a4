/* The orders that this browser made at the sale, and one by its number: read again with the sign-in. */

import { fill, h } from "../common/dom.js";
import { date, number, t, time } from "../common/i18n.js";
import { problemText } from "../common/problems.js";
import { signIn } from "./view-line.js";

const READ_MAX = 20;
const FORM = /^[0-9a-hjkmnp-tv-z]{24}$/;
const BADGES = { held: "warn", confirmed: "good", partly_refunded: "good", paid_unfulfilled: "bad" };

/** The panel. `update()` follows what is kept. */
export function ordersPanel(app) {
  const list = h("ul", { class: "orders" });
  const title = h("summary", {});
  const told = h("p", { role: "status" });
  const id = h("input", { id: "order-id", autocomplete: "off", spellcheck: "false", maxlength: "40" });
  const find = h("form", { class: "row find", onsubmit: (event) => { event.preventDefault(); seek(); } },
    h("div", { class: "field" }, h("label", { for: "order-id" }, t("orders.id")), id), h("button", { class: "button" }, t("orders.find")));
  const gate = h("div");
  const root = h("details", { class: "card no-print", ontoggle: () => { if (root.open) read(); } }, title, h("div", { class: "stack" }, gate, list, find, told));
  let shown = "";

  function seek() {
    const wanted = id.value.trim().toLowerCase();
    if (!FORM.test(wanted)) told.textContent = t("orders.bad_id");
    else if (!app.till.owner()) told.textContent = t("orders.signin");
    else {
      told.textContent = "";
      app.openOrder(wanted);
    }
  }

  async function read() {
    const { orders = [] } = app.memory.get();
    fill(gate, app.login() ? null : h("div", { class: "stack" }, h("p", {}, t("orders.signin")), signIn(app)));
    fill(list, orders.map((one) => item(one, null)));
    if (!app.till.owner()) return;
    await Promise.all(orders.slice(0, READ_MAX).map(async (one, at) => {
      const answer = await app.till.read(one.id);
      list.children[at]?.replaceWith(item(one, answer));
    }));
  }

  function item(one, answer) {
    const state = answer?.ok ? answer.body.state : null;
    return h("li", { class: "row spread" },
      h("div", { class: "stack tight" }, h("strong", {}, one.title), h("span", { class: "muted small" }, `${date(one.atMs)} ${time(one.atMs)} · `, h("code", {}, one.id))),
      h("div", { class: "row" }, state ? h("span", { class: `badge ${BADGES[state] ?? ""}` }, t(`order.state.${state}`)) : answer ? h("span", { class: "muted small" }, problemText(answer.problem)) : null,
        h("button", { class: "button", type: "button", onclick: () => app.openOrder(one.id) }, t("orders.open"))));
  }

  return {
    root,
    update() {
      const { orders = [] } = app.memory.get();
      title.textContent = t("orders.title", { n: number(orders.length) });
      const now = `${orders.map((one) => one.id)} ${app.login()?.name}`;
      if (root.open && now !== shown) read();
      shown = now;
    },
  };
}
