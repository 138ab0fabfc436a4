/* All sales in the key's scope, as they stand, once a second. */

import { call, learnClock, serverNow } from "../common/api.js";
import { fill, h } from "../common/dom.js";
import { countdown, number, t, time } from "../common/i18n.js";
import { problemText } from "../common/problems.js";
import { alarmsOf } from "./alarms.js";
import { alarmBar } from "./bar.js";
import { Meter } from "./meter.js";
import { Ring } from "./ring.js";

const EVERY_MS = 1000;
const KINDS = { open: "good", paused: "warn", draining: "warn", closed: "", announced: "accent" };
const NO_PAST = new Ring(["lag", "admitted", "held", "taken"]);

function nextDrop({ drops }) {
  const next = drops.find((drop) => drop.opens_at_ms > serverNow());
  return next ? `${next.id} · ${t("drop.in", { span: countdown(next.opens_at_ms - serverNow()) })}` : t("sales.nodrop");
}

function card(board) {
  const { room, total } = board;
  const fact = (key, value) => h("div", {}, h("dt", {}, t(key)), h("dd", {}, value));
  return h("li", { class: "card stack tight", "data-sale": board.id },
    h("div", { class: "row spread" }, h("h2", {}, h("a", { href: `#/${board.id}/live` }, board.title)), h("span", { class: `badge ${KINDS[board.state]}` }, t(`state.${board.state}`))),
    h("p", { class: "muted small" }, t("sale.facts", { id: board.id, revision: board.revision, room: room ? t(`room.${room.state}`) : "–", zone: board.timezone })),
    h("p", { class: "small" }, nextDrop(board)),
    h("dl", { class: "facts" },
      fact("tile.waiting", room ? number(room.waiting) : "–"), fact("tile.held", total ? number(total.held) : "–"),
      fact("tile.sold", total ? number(total.sold) : "–"), fact("tile.redeemed", total ? number(total.redeemed) : "–"),
      fact("tile.available", total ? number(total.available) : "–"), fact("tile.lag", number(board.lag))));
}

/** The view of all sales. */
export function salesView({ session, leave }) {
  const bar = alarmBar();
  const list = h("ul", { class: "plain grid sales" });
  const said = h("p", { class: "muted" }, t("sale.reading"));
  const element = h("div", { class: "stack" }, bar.element, h("h1", {}, t("sales.title")), said, list);
  let answeredMs = Date.now();
  const meters = new Meter();
  let meter = null;
  let shown = "";
  let timer = null;
  let ended = false;

  async function read() {
    const [answer, page] = await Promise.all([session.ask("/v1/operator/sales"), call("GET", "/metrics", { timeoutMs: 5000 })]);
    if (ended) return;
    if (page.ok) meter = meters.note(page.text, Date.now() / 1000);
    if (answer.status === 401) return leave(problemText(answer.problem));
    if (answer.ok) took(answer.body.sales);
    else {
      bar.show(alarmsOf({ board: null, answeredMs, nowMs: Date.now(), lost: answer.problem, ring: NO_PAST, meter: null, audit: null }), null);
      said.textContent = problemText(answer.problem);
    }
    timer = setTimeout(read, EVERY_MS);
  }

  function took(sales) {
    answeredMs = Date.now();
    if (sales.length > 0) learnClock(sales[0].server_time_ms);
    const well = { board: null, answeredMs, nowMs: answeredMs, lost: null, ring: NO_PAST, meter: null, audit: null };
    const found = sales.flatMap((board) => alarmsOf({ ...well, board }).map((one) => ({ ...one, sale: board.title })));
    bar.show([...found, ...alarmsOf({ ...well, meter })], answeredMs);
    said.textContent = sales.length === 0 ? t("sales.none") : t("sales.count", { n: number(sales.length), time: time(answeredMs, undefined, true) });
    const now = JSON.stringify(sales.map(({ server_time_ms: _, room, ...rest }) => [rest, room?.state, room?.waiting]));
    const isCounting = sales.some((one) => one.drops.some((drop) => drop.opens_at_ms > serverNow()));
    if (now === shown && !isCounting) return;
    shown = now;
    const focused = document.activeElement?.closest?.("[data-sale]")?.dataset.sale;
    fill(list, sales.map(card));
    if (focused) list.querySelector(`[data-sale="${CSS.escape(focused)}"] a`)?.focus({ preventScroll: true });
  }

  read();
  return { element, update() {}, end() { ended = true; clearTimeout(timer); } };
}
