/* How the order is made, computed again: what the server has written stays, and beside it comes what this
   browser finds out about it: its own turn, whether the values fit, and whether they have changed since. */

import { call, serverNow } from "../common/api.js";
import { $, $$, announce, fill, h } from "../common/dom.js";
import { mountHeader } from "../common/header.js";
import { date, lang, number, onLanguage, t, time } from "../common/i18n.js";
import { keeper } from "../common/keep.js";
import { problemText } from "../common/problems.js";
import "../common/problems-more.js";
import { changedSince, checksOf, checksOfLists, LASTING, turnOf } from "./checks.js";
import { LEAF_BYTES } from "./draw.js";
import "./words.js";
import "./words-more.js";

const SPREAD_MS = 10_000;
const SELDOM_MS = 60_000;
const SOON_MS = 3_000;
const LIST_WITHIN_MS = 60_000;
const COPIES_MAX = 20;

const { sale, drop, epoch, state } = $("main").dataset;
const at = `/v1/sales/${sale}/fairness`;
const kept = keeper("localStorage");
const memory = kept.read(`dropgate.shop.${sale}`) ?? {};
const written = document.documentElement.lang.split("-")[0];
const news = h("div", {});

/** Another language of this page, which the server writes. */
function speakIn(code) {
  const here = new URL(location.href);
  here.searchParams.set("lang", code);
  location.replace(here);
}

const result = ({ what, holds, ...facts }) => h("li", { class: holds ? "good" : "bad" }, t(`fair.${holds ? "ok" : "bad"}.${what}`, facts));
const notice = (kind, text, ...more) => h("p", { class: `notice ${kind}` }, h("span", {}, text, ...more));

/** The place of this browser, if it is one of this very line. */
const place = memory.place && memory.place.drop === Number(drop) && memory.place.epoch === Number(epoch) ? memory.place : null;

/** What this browser saw of this draw before, as far as it is not the same; and that it is seen now. */
function sinceBefore(draw) {
  const name = `dropgate.fair.${sale}`;
  const copies = kept.read(name) ?? {};
  const copy = copies[`${drop}.${epoch}`];
  const added = Object.fromEntries(LASTING.filter((one) => draw[one] && !copy?.[one]).map((one) => [one, draw[one]]));
  const newer = { atMs: serverNow(), ...copy, ...added };
  const others = Object.entries(copies).filter(([one]) => one !== `${drop}.${epoch}`).slice(-COPIES_MAX);
  if (draw.commitment) kept.keep(name, { ...Object.fromEntries(others), [`${drop}.${epoch}`]: newer });
  if (!copy) return [];
  return [{ what: "kept", holds: changedSince(copy, draw).length === 0, time: `${date(copy.atMs)}, ${time(copy.atMs)}` }];
}

/** Whether the values on the page are those that were computed with. */
function asShown(draw) {
  const shown = $$("[data-field]");
  return draw.digest && shown.length > 0 ? [{ what: "shown", holds: shown.every((one) => one.textContent === draw[one.dataset.field]) }] : [];
}

function showFound(draw) {
  const checks = [...checksOf(draw), ...asShown(draw), ...sinceBefore(draw)];
  const list = h("ul", { class: "checks" }, checks.map(result));
  const sum = h("div", {});
  fill($("#found"), sum, list, draw.digest ? wholeLists(draw, list, sum) : null);
  showSum(sum, checks, draw);
}

/** In one sentence what was found; what does not fit is said at once. */
function showSum(sum, checks, draw) {
  if (checks.some((one) => !one.holds)) {
    fill(sum, notice("bad", t("fair.all.bad")));
    announce(t("fair.all.bad"), true);
  } else if (draw.seed && sum.childElementCount === 0) fill(sum, notice("good", t("fair.all.good")));
}

function wholeLists(draw, list, sum) {
  const bytes = draw.lanes.reduce((all, lane) => all + lane.registered * LEAF_BYTES, 0);
  const button = h("button", { class: "button", type: "button" }, t("fair.lists", { n: number(Math.max(1, Math.ceil(bytes / 1024))) }));
  const root = h("div", { class: "stack tight" }, button);
  button.addEventListener("click", async () => {
    button.disabled = true;
    button.textContent = t("fair.lists.working");
    announce(t("fair.lists.working"));
    const lists = await readLists(draw);
    if (lists === null) {
      fill(root, notice("warn", problemText({ code: "unreachable" })));
      return announce(root.textContent);
    }
    const checks = checksOfLists(draw, lists, place, memory.joinKey);
    const found = checks.map((one) => result(one.number ? { ...one, number: number(one.number) } : one));
    list.append(...found);
    showSum(sum, checks, draw);
    root.remove();
    list.tabIndex = -1;
    list.focus();
    return announce(found.map((one) => one.textContent).join(" "));
  });
  return root;
}

/** The lists of all lanes; null: they could not be had. */
async function readLists(draw) {
  try {
    return await Promise.all(draw.lanes.map(async (_, lane) => {
      const answer = await fetch(`${at}/list?${new URLSearchParams({ drop, epoch, lane })}`, { signal: AbortSignal.timeout(LIST_WITHIN_MS) });
      if (!answer.ok) throw new Error(String(answer.status));
      return new Uint8Array(await answer.arrayBuffer());
    }));
  } catch {
    return null;
  }
}

/** The turn that the gateway tells this place, asked for where this browser does not have it yet. */
async function told() {
  if (place.turn) return place.turn;
  const answer = await call("GET", `/v1/sales/${sale}/places/me`, { auth: `Place ${place.token}` });
  return answer.ok ? answer.body.turn : 0;
}

async function showMine(draw) {
  fill($("#mine"), place ? await ofPlace(draw) : null, draw.seed ? asker(draw) : place ? null : h("p", { class: "muted" }, t("fair.own.empty")));
}

async function ofPlace(draw) {
  const facts = { number: number(place.number) };
  if (place.number > (draw.lanes[place.lane]?.registered ?? 0) && draw.digest) return h("p", { class: "big" }, t("fair.own.late", facts));
  if (!draw.seed) return h("p", {}, t("fair.own.waits", facts));
  const turn = turnOf(draw, place);
  const gateways = await told();
  const line = h("p", { class: "big" }, t("fair.own.turn", { ...facts, turn: number(turn) }));
  if (gateways === 0) return [line, notice("", t("fair.own.computed"))];
  return [line, gateways === turn ? notice("good", t("fair.own.same")) : notice("bad", t("fair.own.other", { told: number(gateways) }))];
}

/** Any number, and its turn. */
function asker(draw) {
  const lanes = draw.lanes.map((lane, index) => [index, lane]).filter(([, lane]) => lane.registered > 0);
  const field = h("input", { id: "number", type: "text", inputmode: "numeric", autocomplete: "off" });
  const lane = h("select", { id: "lane" }, lanes.map(([index, { name }]) => h("option", { value: index }, name)));
  const turn = h("output", { for: "number lane" });
  const show = () => {
    const chosen = Number(lane.value);
    const asked = Number(field.value.replace(/[٠-٩]/g, (one) => "٠١٢٣٤٥٦٧٨٩".indexOf(one)));
    const most = draw.lanes[chosen].registered;
    const fits = Number.isInteger(asked) && asked >= 1 && asked <= most;
    turn.textContent = field.value.trim() === "" ? "" : fits
      ? t("fair.own.turn", { number: number(asked), turn: number(turnOf(draw, { lane: chosen, number: asked })) }) : t("fair.own.outside", { n: number(most) });
  };
  field.addEventListener("input", show);
  lane.addEventListener("change", show);
  return h("div", { class: "stack tight" }, h("p", {}, t(place ? "fair.own.any" : "fair.own.none")), h("div", { class: "ask" },
    h("div", { class: "field" }, h("label", { for: "number" }, t("fair.own.number")), field),
    lanes.length > 1 ? h("div", { class: "field" }, h("label", { for: "lane" }, t("fair.own.lane")), lane) : null, turn));
}

/** Until it is drawn: looks whether the draw has come further than the page that was written. */
function lookOn(draw) {
  if (draw.state !== state) {
    fill(news, notice("good", `${t("fair.news")} `, h("a", { href: location.pathname + location.search }, t("fair.news.show"))));
    return announce(t("fair.news"));
  }
  if (["drawn", "undrawn"].includes(draw.state)) return undefined;
  const next = [draw.lobby_at_ms, draw.opens_at_ms].find((one) => one > serverNow());
  const ms = next ? Math.min(SELDOM_MS, next - serverNow() + SPREAD_MS * Math.random()) : SOON_MS;
  return setTimeout(async () => {
    const answer = document.hidden ? { ok: false } : await read();
    lookOn(answer.ok ? answer.body : draw);
  }, Math.max(SOON_MS, ms));
}

const read = () => call("GET", at, { query: { drop, epoch } });

async function begin() {
  const isAsked = new URLSearchParams(location.search).has("lang");
  if (!isAsked && lang() !== written) return speakIn(lang());
  mountHeader({ title: "fair.brand" });
  $("main").prepend(news);
  onLanguage(speakIn);
  if (!state) return undefined;
  const answer = await read();
  if (!answer.ok) return fill(news, notice("warn", problemText(answer.problem)));
  if ($("#found")) {
    showFound(answer.body);
    await showMine(answer.body);
  }
  return lookOn(answer.body);
}

begin();
