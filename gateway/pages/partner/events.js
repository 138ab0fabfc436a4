/* The feed: the newest events, older ones on demand, new ones as they come. */

import { announce, fill, h } from "../common/dom.js";
import { has, number, t } from "../common/i18n.js";
import { busy, table, trouble, units } from "./parts.js";
import { moment } from "./session.js";

const PAGE = 50;
const FOLLOW_MS = 2000;
let following = false;

/** The view of the feed. */
export function eventsView(session) {
  const list = h("div", { class: "stack" });
  const older = h("button", { class: "button", type: "button", hidden: true }, t("events.older"));
  const follow = h("button", { class: "button", type: "button", "aria-pressed": following, onclick: () => { following = !following; follow.setAttribute("aria-pressed", following); if (following) poll(); } }, t("events.follow"));
  let events = [];
  let next = 0;
  let timer = null;
  const draw = () => {
    older.hidden = events.length === 0 || events[0].seq === 1;
    const heads = [[t("events.seq"), "number"], t("events.at"), t("events.what"), t("events.about"), t("events.data")];
    fill(list, events.length === 0 ? h("p", { class: "muted" }, t("events.none"))
      : table(t("events.title"), heads, [...events].reverse().map((event) => row(event, session.zone))));
  };
  const first = async () => {
    const answer = await session.get("/v1/partner/events", { query: { last: PAGE } });
    if (!answer.ok) { fill(list, trouble(answer.problem)); return; }
    ({ events, next } = answer.body);
    draw();
    if (following) poll();
  };
  const poll = async () => {
    clearTimeout(timer);
    if (!following || !list.isConnected) return;
    const answer = await session.get("/v1/partner/events", { query: { after: next, limit: 1000 } });
    if (answer.ok && answer.body.events.length > 0) {
      events = [...events, ...answer.body.events];
      next = answer.body.next;
      draw();
      announce(t("events.came", { n: number(answer.body.events.length) }));
    }
    timer = setTimeout(poll, FOLLOW_MS);
  };
  older.addEventListener("click", () => busy(older, t("loading"), async () => {
    const after = Math.max(0, events[0].seq - 1 - PAGE);
    const answer = await session.get("/v1/partner/events", { query: { after, limit: events[0].seq - 1 - after } });
    if (answer.ok) events = [...answer.body.events, ...events];
    draw();
  }));
  first();
  return h("section", { class: "card stack" }, h("div", { class: "row spread" }, h("h1", {}, t("events.title")), follow), h("p", { class: "muted" }, t("events.text")), list, h("div", {}, older));
}

function row(event, zone) {
  const { data } = event;
  const about = data.order ?? data.allotment ?? data.owner ?? "";
  const count = data.units?.length ?? (data.unit === undefined ? 0 : 1);
  return h("tr", { "data-type": event.type }, h("td", { class: "number" }, event.seq), h("td", { class: "small nowrap" }, moment(event.at_ms, zone)),
    h("td", {}, h("strong", {}, has(`event.${event.type}`) ? t(`event.${event.type}`) : event.type), h("div", { class: "small muted mono" }, event.type)),
    h("td", {}, h("span", { class: "mono small" }, about), count > 0 && h("div", { class: "small muted" }, units(count))),
    h("td", {}, h("details", {}, h("summary", {}, t("events.json")), h("pre", { class: "small", tabindex: "0" }, JSON.stringify(data, null, 2)))));
}
