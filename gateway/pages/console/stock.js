/* Where the units of every offer are: search, sort, a page at a time; and bringing more. */

import { newKey } from "../common/api.js";
import { $, fill, h } from "../common/dom.js";
import { number, t } from "../common/i18n.js";
import { doer } from "./actpanel.js";
import { missing } from "./alarms.js";
import { COUNTS, Shelf } from "./shelf.js";

const EVERY_MS = 3000;
const OFFERS_A_CALL = 500;

async function offersOf(session, sale) {
  const found = [];
  for (let after = 0; after !== undefined && after !== null;) {
    const answer = await session.ask(`/v1/sales/${sale}`, { auth: null, query: { offers: 1, limit: OFFERS_A_CALL, after } });
    if (!answer.ok) return null;
    found.push(...answer.body.offers);
    after = answer.body.next;
  }
  return found;
}

function stockForm({ session, sale }, after) {
  const doing = doer(session);
  const offer = h("input", { id: "stock-offer", required: true, autocomplete: "off", list: "stock-offers" });
  const lot = h("input", { id: "stock-lot", required: true, autocomplete: "off", value: newLot() });
  const units = h("input", { id: "stock-units", type: "number", min: "1", inputmode: "numeric" });
  const seats = h("textarea", { id: "stock-seats", rows: "3", "aria-describedby": "stock-seats-note" });
  const list = h("datalist", { id: "stock-offers" });
  const form = h("form", { class: "stack", onsubmit: submit },
    h("p", { class: "muted" }, t("stock.add.text")),
    h("div", { class: "grid" },
      field("stock-offer", "stock.offer", offer), field("stock-lot", "stock.lot", lot, "stock.lot.note"),
      field("stock-units", "stock.units", units), field("stock-seats", "stock.seats", seats, "stock.seats.note")),
    list, h("div", { class: "row" }, h("button", { class: "button primary", type: "submit", disabled: !session.mayAct }, t("stock.add"))), doing.element);

  async function submit(event) {
    event.preventDefault();
    const named = seats.value.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => {
      const [seat, ...code] = line.split(/\s+/);
      return code.length > 0 ? { seat, code: code.join(" ") } : { seat };
    });
    const what = named.length > 0 ? { seats: named } : { units: Number(units.value) };
    const answer = await doing.run("POST", `/v1/operator/sales/${sale}/stock`, { lot: lot.value.trim(), offer: offer.value.trim(), ...what },
      ({ body, headers }) => t(headers.get("Idempotent-Replayed") === "true" ? "stock.was" : "stock.done", { n: number(body.added), offer: body.offer, lot: body.lot }));
    if (answer?.ok) { lot.value = newLot(); units.value = seats.value = ""; after(); }
  }
  return {
    element: h("details", { class: "card" }, h("summary", {}, t("stock.add.title")), form),
    offers(ids) { fill(list, ids.map((id) => h("option", { value: id }))); },
    end: doing.end,
  };
}

const newLot = () => `console-${newKey().slice(0, 8)}`;

function field(id, label, control, note = null) {
  return h("div", { class: "field" }, h("label", { for: id }, t(label)), control, note === null ? null : h("p", { class: "small muted", id: `${id}-note` }, t(note)));
}

/** The panel of the stock. */
export function stockPanel(context) {
  const { session, sale } = context;
  const shelf = new Shelf();
  const adding = stockForm(context, () => read());
  const count = h("p", { class: "muted", "aria-live": "polite", "data-count": "" });
  const search = h("input", { id: "stock-search", type: "search", autocomplete: "off", oninput: () => { shelf.find(search.value); show(); } });
  const body = h("tbody");
  const heads = [["title", "stock.offer"], ["place", "stock.place"], ...COUNTS.map((name) => [name, `unit.${name}`])];
  const headRow = h("tr", {}, heads.map(([name, key]) => h("th", { scope: "col", class: COUNTS.includes(name) ? "number" : name === "place" ? "wide" : null, "data-sort": name },
    h("button", { class: "sort", type: "button", onclick: () => { shelf.sortBy(name); show(); } }, t(key)))));
  const pages = h("nav", { class: "row spread", "aria-label": t("stock.pages") });
  const element = h("div", { class: "stack" },
    h("div", { class: "row spread" },
      h("div", { class: "field grow" }, h("label", { for: "stock-search" }, t("stock.search")), search), count),
    h("div", { class: "scroll card flush", tabindex: "0", role: "region", "aria-label": t("tab.stock") },
      h("table", { class: "table stock" }, h("caption", { class: "visually-hidden" }, t("stock.caption")), h("thead", {}, headRow), body)),
    pages, adding.element);
  let readAt = 0;
  let named = null;

  async function read() {
    readAt = Date.now();
    if (named === null) {
      named = await offersOf(session, sale);
      adding.offers((named ?? []).map((one) => one.offer));
    }
    const answer = await session.ask(`/v1/operator/sales/${sale}/counts`);
    if (!answer.ok) return;
    shelf.take(answer.body.offers, named ?? []);
    show();
  }

  function show() {
    const { rows, from, found, all, page, last } = shelf.shown();
    for (const head of headRow.children) {
      const [by, down] = shelf.order;
      head.setAttribute("aria-sort", head.dataset.sort !== by ? "none" : down ? "descending" : "ascending");
    }
    count.textContent = t("stock.count", { from: number(found === 0 ? 0 : from + 1), to: number(from + rows.length), found: number(found), all: number(all) });
    fill(body, rows.map(row));
    fill(pages, last === 0 ? [] : [step(page - 1, "stock.before", page > 0), step(page + 1, "stock.after", page < last)]);
  }

  const step = (to, key, can) => h("button", { class: "button", type: "button", disabled: !can, onclick: () => { shelf.turnTo(to); show(); $(".stock", element).scrollIntoView({ block: "nearest" }); } }, t(key));
  const row = (one) => h("tr", { class: missing(one) === 0 ? null : "wrong", "data-offer": one.offer },
    h("th", { scope: "row" }, one.title, h("div", { class: "small muted" }, h("span", { class: "mono" }, one.offer), h("span", { class: "narrow" }, ` · ${one.place}`))),
    h("td", { class: "wide" }, one.place), COUNTS.map((name) => h("td", { class: "number" }, number(one[name]))));

  read();
  return {
    element,
    update() { if (Date.now() - readAt > EVERY_MS && !document.hidden) read(); },
    end: adding.end,
  };
}
