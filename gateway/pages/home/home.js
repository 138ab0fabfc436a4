/* What is on: a card for every sale, from the public list. */

import { call, learnClock, serverNow } from "../common/api.js";
import { $, fill, h } from "../common/dom.js";
import { mountHeader } from "../common/header.js";
import { countdown, date, money, number, onLanguage, t, time } from "../common/i18n.js";
import { problemText } from "../common/problems.js";
import "../common/problems-more.js";
import "./words.js";

const FRESH_MS = 5_000;
const SOON_MS = 24 * 3_600_000;
const STATES = { open: "good", paused: "warn", draining: "warn", announced: "accent", closed: "" };

const list = h("div", { class: "grid" });
const status = h("div", {});
let sales = null;
let shown = "";

/** Open for the operator, but its first doors are still to open: not what a shopper calls open. */
const isEarly = (sale) => ["open", "announced"].includes(sale.state) && sale.first_opens_at_ms > serverNow();

function card(sale) {
  const over = sale.state === "closed";
  const state = isEarly(sale) ? "announced" : sale.state;
  const price = sale.price_min_minor === sale.price_max_minor
    ? money(sale.price_min_minor, sale.currency) : t("home.from", { price: money(sale.price_min_minor, sale.currency) });
  return h("article", { class: `card stack sale ${over ? "over" : ""}` },
    h("div", { class: "row spread" }, h("span", { class: `badge ${STATES[state]}` }, t(`home.state.${state}`)), h("strong", {}, price)),
    h("h2", {}, h("a", { href: `/sales/${encodeURIComponent(sale.id)}` }, h("bdi", {}, sale.title))),
    h("p", { class: "muted" }, where(sale)), h("p", { class: "next", "data-at": opensNext(sale), "data-as": isEarly(sale) ? "home.first" : "home.opens" }), h("p", { class: "small" }, room(sale)));
}

function where(sale) {
  const places = t(sale.venues === 1 ? "home.venue" : "home.venues", { n: number(sale.venues) });
  return sale.cities > 1 ? `${places} · ${t("home.cities", { n: number(sale.cities) })}` : places;
}

/** The opening that matters next, in milliseconds; "" when none does. */
const opensNext = (sale) => (sale.state === "closed" || !sale.next_opens_at_ms ? "" : sale.next_opens_at_ms);

function room(sale) {
  if (sale.state === "closed") return t("home.room.closed");
  if (sale.room === "lobby" && sale.state === "open") return t("home.room.lobby");
  if (sale.state === "open" && !sale.room && sale.next_opens_at_ms) return t("home.hint.announced");  // no waiting room yet
  return sale.state === "open" && sale.room ? t(`home.room.${sale.room}`) : t(`home.hint.${sale.state}`);
}

function tick() {
  for (const line of list.querySelectorAll(".next[data-at]")) {
    const at = Number(line.dataset.at);
    const zone = line.dataset.zone;
    const left = at - serverNow();
    const text = !at || left <= 0 ? "" : left < SOON_MS
      ? t(`${line.dataset.as}_in`, { time: countdown(left) }) : t(line.dataset.as, { when: `${date(at, zone)}, ${time(at, zone)}` });
    if (line.textContent !== text) line.textContent = text;
  }
}

function show() {
  if (sales === null) return;
  const now = JSON.stringify([sales, sales.map(isEarly), t("home.title")]);
  if (now === shown) return;
  shown = now;
  fill(list, sales.map(card));
  for (const [at, line] of [...list.querySelectorAll(".next")].entries()) line.dataset.zone = sales[at].timezone;
  fill(status, sales.length > 0 ? null : h("section", { class: "card stack" }, h("h2", {}, t("home.empty")), h("p", {}, t("home.empty.text")),
    h("pre", {}, h("code", {}, "make run\n\ndropgate sale apply my-sale/sale.toml\ndropgate sale open my-sale")),
    h("p", { class: "muted" }, t("home.empty.more"), " ", h("a", { href: "/docs" }, "/docs"))));
  tick();
}

async function read() {
  const begun = performance.now();
  const answer = await call("GET", "/v1/sales");
  if (answer.ok) {
    learnClock(answer.body.server_time_ms, (performance.now() - begun) / 2);
    sales = answer.body.sales;
    show();
  } else if (sales === null) fill(status, h("p", { class: "notice warn", role: "status" }, h("span", {}, problemText(answer.problem))));
}

mountHeader({ title: "home.brand" });
fill($("main"), h("h1", { "data-t": "home.title" }, t("home.title")), status, list);
onLanguage(() => {
  document.title = t("home.title");
  show();
});
document.title = t("home.title");
setInterval(() => { if (!document.hidden) read(); }, FRESH_MS);
setInterval(tick, 1000);
document.addEventListener("visibilitychange", () => { if (!document.hidden) read(); });
read();
