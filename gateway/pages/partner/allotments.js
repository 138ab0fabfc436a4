/* The partner's allotments in a sale: how far each is sold, and its codes as a file. */

import { h } from "../common/dom.js";
import { number, t } from "../common/i18n.js";
import { codesOf } from "./download.js";
import { busy, hand, loaded, table, trouble } from "./parts.js";

const SHOWN_MAX = 300;
let chosen = null;

/** The view of the allotments. */
export function allotmentsView(session) {
  const { sales } = session.me;
  if (sales.length === 0) return h("p", { class: "notice" }, h("span", {}, t("me.nosales")));
  const place = h("div", {});
  chosen = sales.some((sale) => sale.id === chosen) ? chosen : sales.at(-1).id;
  const select = h("select", { id: "sale", onchange: () => { chosen = select.value; draw(); } }, sales.map((sale) => h("option", { value: sale.id }, sale.title)));
  select.value = chosen;
  const draw = () => place.replaceChildren(loaded(() => listed(session)));
  draw();
  return h("section", { class: "card stack" }, h("div", { class: "row spread" }, h("h1", {}, t("allotments.title")),
    h("div", { class: "field inline" }, h("label", { for: "sale" }, t("sale")), select)), h("p", { class: "muted" }, t("allotments.text")), place);
}

async function listed(session) {
  const answer = await session.get("/v1/partner/allotments", { query: { sale: chosen } });
  if (!answer.ok) return trouble(answer.problem);
  const all = answer.body.allotments;
  if (all.length === 0) return h("p", { class: "muted" }, t("allotments.none"));
  const heads = [t("allotments.one"), t("allotments.progress"), [t("allotments.units"), "number"], [t("allotments.sold"), "number"], [t("allotments.left"), "number"], [t("allotments.returned"), "number"], t("allotments.codes")];
  return [table(t("allotments.title"), heads, all.slice(0, SHOWN_MAX).map((one) => row(session, one))),
    all.length > SHOWN_MAX && h("p", { class: "muted small" }, t("allotments.more", { n: number(all.length), shown: number(SHOWN_MAX) }))];
}

function row(session, one) {
  const told = h("div", { class: "small", role: "status" });
  const part = (kind, units) => { const bar = h("div", { class: kind }); bar.style.width = `${100 * units / one.units}%`; return bar; };
  const gone = one.returned + one.voided;
  const said = t("allotments.meter", { sold: one.sold, left: one.left, units: one.units });
  return h("tr", {},
    h("td", {}, h("strong", { class: "mono" }, one.id), one.offer !== one.id && h("div", { class: "small muted mono" }, one.offer)),
    h("td", {}, h("div", { class: "meter parts", role: "img", "aria-label": said }, part("sold", one.sold), part("gone", gone))),
    [one.units, one.sold, one.left, gone].map((n) => h("td", { class: "number" }, number(n))),
    h("td", {}, h("div", { class: "row" }, ["csv", "ndjson"].map((format) => take(session, one, format, told))), told));
}

function take(session, one, format, told) {
  const button = h("button", { class: "button", type: "button", "aria-label": `${t("allotments.codes")} ${one.id} ${format.toUpperCase()}` }, format.toUpperCase());
  button.addEventListener("click", () => busy(button, "…", async () => {
    try {
      const parts = await codesOf(session, one, format, (n) => { told.textContent = t("allotments.taken", { n: number(n), units: number(one.units) }); });
      hand(`${one.id}.${format}`, parts, format === "csv" ? "text/csv" : "application/x-ndjson");
      told.textContent = t("allotments.whole", { n: number(one.units) });
    } catch (problem) {
      told.replaceChildren(trouble(problem));
    }
  }));
  return button;
}
