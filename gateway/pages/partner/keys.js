/* Who the partner is, its keys, and a new one in the place of this one. */

import { confirmDialog, fill, h } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { copyButton, loaded, table, trouble } from "./parts.js";
import { moment } from "./session.js";

const OVERLAPS = [[3600, "overlap.hour"], [86_400, "overlap.day"], [7 * 86_400, "overlap.week"], [30 * 86_400, "overlap.month"]];
let fresh = null; // the new key, shown until it is put away

/** The view of the keys. */
export function keysView(session) {
  const shown = h("div", { class: "stack" });
  const list = h("div", {});
  const draw = () => fill(list, loaded(() => keyTable(session)));
  const told = h("div", {});
  const rotate = async () => {
    const overlapS = Number(overlap.value);
    const again = session.isRotating;
    if (!again && !await confirmDialog({ title: t("rotate.ask"), text: t("rotate.text"), action: t("rotate.go") })) return;
    go.disabled = true;
    const answer = await session.rotate(overlapS, () => fill(told, h("p", { class: "notice warn" }, h("span", {}, t("net.again")))));
    go.disabled = false;
    if (!answer.ok) { fill(told, trouble(answer.problem)); return; }
    fresh = answer.body.key;
    fill(told);
    drawFresh(shown, session);
    await session.change(fresh);
    draw();
  };
  const overlap = h("select", { id: "overlap" }, OVERLAPS.map(([seconds, name]) => h("option", { value: seconds }, t(name))));
  overlap.value = "86400";
  const go = h("button", { class: "button primary", type: "button", onclick: rotate }, t("rotate.go"));
  draw();
  drawFresh(shown, session);
  if (session.isRotating) rotate();
  return h("div", { class: "stack" }, who(session), shown,
    h("section", { class: "card stack" }, h("h2", {}, t("keys.title")), list,
      h("div", { class: "row" }, h("div", { class: "field inline" }, h("label", { for: "overlap" }, t("rotate.overlap")), overlap), go), told,
      h("p", { class: "small muted" }, t("rotate.note"))));
}

function who({ me }) {
  return h("section", { class: "card stack tight" }, h("h1", {}, me.title), h("p", { class: "muted mono" }, me.partner),
    h("div", { class: "row" }, me.sales.map((sale) => h("span", { class: `badge ${sale.state === "open" ? "good" : ""}` }, `${sale.title} · ${t(`state.${sale.state}`)}`)),
      me.sales.length === 0 && h("span", { class: "muted" }, t("me.nosales"))));
}

async function keyTable(session) {
  const answer = await session.get("/v1/partner/keys");
  if (!answer.ok) return trouble(answer.problem);
  return table(t("keys.title"), [t("keys.key"), t("keys.name"), t("keys.ends")], answer.body.keys.map((key) => h("tr", { "data-key": key.id },
    h("td", {}, h("span", { class: "mono" }, key.masked), key.current && h("span", { class: "badge accent" }, t("keys.this"))),
    h("td", {}, key.title), h("td", {}, key.expires_at_ms ? moment(key.expires_at_ms) : t("keys.never")))));
}

function drawFresh(place) {
  if (fresh === null) { fill(place); return; }
  const field = h("input", { id: "fresh", class: "mono", readonly: true, value: fresh, onfocus: (event) => event.target.select() });
  fill(place, h("section", { class: "card stack fresh" }, h("h2", {}, t("fresh.title")), h("p", {}, t("fresh.text")),
    h("div", { class: "field" }, h("label", { for: "fresh" }, t("fresh.label")), field),
    h("div", { class: "row" }, copyButton(() => fresh), h("button", { class: "button primary", type: "button", onclick: () => { fresh = null; drawFresh(place); } }, t("fresh.done")))));
}
