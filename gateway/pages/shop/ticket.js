/* One ticket: its code in groups that can be read out, its QR, its seat. Codes are fetched with the buyer's
   credential and live in this page's memory alone. */

import { h } from "../common/dom.js";
import { t } from "../common/i18n.js";

const MINTED = /^[0-9A-Z]{16}$/;
const pictures = new Map();

/** A code as a person reads it: ours in fours, a venue's as the venue wrote it. Pure. */
export function groups(code) {
  const plain = code.replaceAll("-", "");
  return MINTED.test(plain) ? plain.match(/.{4}/g) : [code];
}

/** The ticket of a unit. */
export function ticket(app, unit, { title, when, where }, order) {
  const used = unit.state === "redeemed";
  const words = h("div", { class: "stack tight ticket-words" }, h("strong", { class: "ticket-title" }, title), h("span", {}, when), h("span", {}, where),
    unit.seat ? h("span", { class: "ticket-seat" }, t("ticket.seat", { seat: unit.seat })) : null,
    used ? h("span", { class: "badge" }, t("ticket.used")) : null);
  const code = unit.code ? h("p", { class: "code" }, h("span", { class: "visually-hidden" }, t("ticket.code", { code: groups(unit.code).join(" ") })), groups(unit.code).map((one) => h("span", { "aria-hidden": "true" }, one))) : null;
  const place = h("div", { class: "qr" });
  if (unit.qr) picture(app, unit, place, order);
  return h("article", { class: `ticket ${used ? "used" : ""}`, "aria-label": [title, unit.seat].filter(Boolean).join(" ") }, place, h("div", { class: "stack tight" }, words, code, h("span", { class: "muted small" }, t(used ? "ticket.was_used" : "ticket.kiosk"))));
}

async function picture(app, unit, place, order) {
  const name = `${unit.qr}#${unit.code}`;
  if (!pictures.has(name)) {
    const auth = app.till.owner();
    const answer = auth === null ? null : await fetch(unit.qr, { headers: { Authorization: auth }, cache: "no-store", credentials: "omit" }).catch(() => null);
    if (!answer?.ok) {
      place.append(h("button", { class: "button small no-print", type: "button", onclick: () => { place.replaceChildren(); picture(app, unit, place, order); } }, t("ticket.qr_again")));
      return;
    }
    pictures.set(name, URL.createObjectURL(await answer.blob()));
  }
  place.replaceChildren(h("img", { src: pictures.get(name), alt: t("ticket.qr", { seat: unit.seat ?? "" }), width: "180", height: "180" }));
}
