/* The shelf: search by words, city, cinema and opening; pages of offers as one scrolls; what is left, kept fresh. */

import { call } from "../common/api.js";
import { announce, fill, h } from "../common/dom.js";
import { date, money, t, time } from "../common/i18n.js";

const PAGE = 30;
const FRESH_MS = 10_000;
const FRESH_MAX = 300;
const TYPING_MS = 250;
const BANDS = { plenty: "good", low: "warn", none: "bad", unknown: "" };

/** What is asked of the gateway for a wish of the shopper's. Pure. */
export const queryOf = (wish, after, limit) => ({
  offers: 1, after: after || null, limit, text: wish.text.trim() || null, city: wish.city || null,
  venue: wish.venue || null, drop: wish.drop || null, left: wish.left ? 1 : null,
});

/** The list; `choose(offer)` is called with the one that is wanted. */
export function offersView(app, choose) {
  const wish = app.search;
  const list = h("ul", { class: "offers" });
  const status = h("p", { class: "muted", role: "status" });
  const more = h("button", { class: "button block", type: "button", hidden: true, onclick: () => load(false) }, t("offers.more"));
  const city = h("select", { id: "city", onchange: () => { wish.city = city.value; wish.venue = ""; venues(); load(true); } });
  const venue = h("select", { id: "venue", onchange: () => { wish.venue = venue.value; load(true); } });
  const drop = h("select", { id: "drop", onchange: () => { wish.drop = drop.value; load(true); } });
  const left = h("input", { type: "checkbox", id: "left", checked: wish.left, onchange: () => { wish.left = left.checked; load(true); } });
  let typing = null;
  const text = h("input", { type: "search", id: "text", value: wish.text, placeholder: t("offers.placeholder"), autocomplete: "off", enterkeyhint: "search",
    oninput: () => { wish.text = text.value; clearTimeout(typing); typing = setTimeout(() => load(true), TYPING_MS); } });
  const field = (id, control) => h("div", { class: "field" }, h("label", { for: id }, t(`offers.${id}`)), control);
  const cities = [...new Set([...app.venues.values()].map((one) => one.city))];

  const root = h("section", { class: "card stack" }, h("h2", { tabindex: "-1" }, t("offers.title")),
    h("div", { class: "filters" }, field("text", text), cities.length > 1 ? field("city", city) : null,
      app.venues.size > 1 ? field("venue", venue) : null, app.sale.drops.length > 1 ? field("drop", drop) : null,
      h("label", { class: "row check" }, left, t("offers.left"))), status, list, more);

  const option = (value, label, chosen) => {
    const made = h("option", { value }, label);
    made.selected = value === chosen;
    return made;
  };
  fill(city, option("", t("offers.any_city"), wish.city), cities.map((one) => option(one, one, wish.city)));
  fill(drop, option("", t("offers.any_drop"), wish.drop), app.sale.drops.map((one) => option(one.id, `${date(one.opens_at_ms, app.sale.timezone)} ${time(one.opens_at_ms, app.sale.timezone)}`, wish.drop)));
  function venues() {
    const fitting = [...app.venues.values()].filter((one) => !wish.city || one.city === wish.city);
    fill(venue, option("", t("offers.any_venue"), wish.venue), fitting.map((one) => option(one.venue, one.title, wish.venue)));
  }
  venues();

  let shown = [];
  let next = null;
  let asked = 0;

  async function load(anew) {
    const mine = (asked += 1);
    if (anew) next = null;
    root.setAttribute("aria-busy", "true");
    const answer = await call("GET", `/v1/sales/${app.saleId}`, { query: queryOf(wish, anew ? 0 : next, PAGE) });
    if (mine !== asked) return;
    root.removeAttribute("aria-busy");
    if (!answer.ok) {
      status.textContent = t("offers.lost");
      more.hidden = false;
      return;
    }
    const page = answer.body.offers ?? [];
    if (anew) list.replaceChildren();
    shown = anew ? page : [...shown, ...page];
    list.append(...page.map(item));
    next = answer.body.next ?? null;
    more.hidden = next === null;
    status.textContent = shown.length === 0 ? t(wish.drop && app.sale.drops.length > 1 ? "offers.none_drop" : "offers.none") : t(next === null ? "offers.found" : "offers.found_more", { n: shown.length });
    if (anew && typing !== null) announce(status.textContent);
  }

  function item(offer) {
    const zone = app.venues.get(offer.venue)?.timezone ?? app.sale.timezone;
    const isGone = offer.stock === "none";
    return h("li", { class: "offer", "data-offer": offer.offer },
      h("div", { class: "offer-when" }, h("strong", {}, time(offer.starts_at_ms, zone)), h("span", { class: "muted small" }, date(offer.starts_at_ms, zone))),
      h("div", { class: "offer-what" }, h("strong", {}, offer.title), h("span", { class: "muted small" }, `${offer.venue_title} · ${offer.city}`)),
      h("div", { class: "offer-price" }, h("strong", {}, money(offer.price_minor, app.sale.currency)), badge(offer.stock)),
      h("button", { class: `button ${isGone ? "" : "primary"}`, type: "button", "aria-label": t("offers.choose_label", { title: offer.title, time: time(offer.starts_at_ms, zone) }), onclick: () => choose(offer) }, t(isGone ? "offers.look" : "offers.choose")));
  }

  const badge = (stock) => h("span", { class: `badge ${BANDS[stock]}` }, t(`stock.${stock}`));

  /** What is left of those that are shown, again. */
  async function refresh() {
    if (document.hidden || shown.length === 0) return;
    const answer = await call("GET", `/v1/sales/${app.saleId}`, { query: queryOf({ ...wish, left: false }, shown[0].number - 1, Math.min(FRESH_MAX, Math.max(PAGE, shown.length * 2))) });
    if (!answer.ok) return;
    for (const offer of answer.body.offers) {
      const old = shown.find((one) => one.offer === offer.offer);
      if (old === undefined || old.stock === offer.stock) continue;
      Object.assign(old, offer);
      list.querySelector(`[data-offer="${CSS.escape(offer.offer)}"] .badge`)?.replaceWith(badge(offer.stock));
    }
  }

  const timer = setInterval(refresh, FRESH_MS);
  const watcher = new IntersectionObserver((seen) => { if (seen.some((one) => one.isIntersecting) && next !== null) load(false); }, { rootMargin: "400px" });
  watcher.observe(more);
  load(true);
  return { root, update: () => {}, end: () => { clearInterval(timer); watcher.disconnect(); clearTimeout(typing); } };
}
