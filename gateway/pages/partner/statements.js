/* A business day: our statement, the partner's own, and what differs, in words. */

import { newKey } from "../common/api.js";
import { fill, h } from "../common/dom.js";
import { has, money, number, t } from "../common/i18n.js";
import { busy, hand, table, trouble, units } from "./parts.js";
import { dayOf, moment } from "./session.js";

const SHOWN_MAX = 200;
const UPLOAD_MS = 90_000;
const said = (kind, word) => (has(`${kind}.${word}`) ? t(`${kind}.${word}`) : word);

/** The view of a day. */
export function statementsView(session) {
  const day = h("input", { id: "day", type: "date", value: dayOf(Date.now(), session.zone) });
  const ours = h("div", { class: "stack", "aria-live": "polite" });
  const breaks = h("div", { class: "stack", "aria-live": "polite" });
  const file = h("input", { id: "file", type: "file", accept: ".csv,text/csv" });
  const show = h("button", { class: "button primary", type: "submit" }, t("day.show"));
  const csv = h("button", { class: "button", type: "button" }, t("day.csv"));
  const send = h("button", { class: "button primary", type: "submit" }, t("recon.go"));
  const read = async (event) => {
    event.preventDefault();
    const answer = await busy(show, t("loading"), () => session.get(`/v1/partner/settlements/${day.value}`, { timeoutMs: UPLOAD_MS }));
    fill(ours, answer.ok ? statement(answer.body, session.zone) : trouble(answer.problem));
  };
  csv.addEventListener("click", () => busy(csv, t("loading"), async () => {
    const answer = await session.get(`/v1/partner/settlements/${day.value}`, { accept: "text/csv", timeoutMs: UPLOAD_MS });
    if (answer.ok) hand(`${session.me.partner}-${day.value}.csv`, [answer.text], "text/csv");
    else fill(ours, trouble(answer.problem));
  }));
  const match = async (event) => {
    event.preventDefault();
    if (file.files.length === 0) { file.focus(); return; }
    const answer = await busy(send, t("recon.doing"), () => session.post("/v1/partner/statements", {
      key: newKey(), query: { date: day.value }, body: file.files[0], type: "text/csv", timeoutMs: UPLOAD_MS,
    }));
    fill(breaks, answer.ok ? run(answer.body) : trouble(answer.problem));
  };
  return h("div", { class: "stack" },
    h("form", { class: "card stack", onsubmit: read }, h("h1", {}, t("day.title")), h("p", { class: "muted" }, t("day.text", { zone: session.zone ?? "UTC" })),
      h("div", { class: "row" }, h("div", { class: "field inline" }, h("label", { for: "day" }, t("day.day")), day), show, csv), ours),
    h("form", { class: "card stack", onsubmit: match }, h("h2", {}, t("recon.title")), h("p", { class: "muted" }, t("recon.text")),
      h("div", { class: "row" }, h("div", { class: "field inline grow" }, h("label", { for: "file" }, t("recon.file")), file), send), breaks));
}

function statement(found, zone) {
  if (found.lines.length === 0) return h("p", { class: "notice" }, h("span", {}, t("day.empty")));
  const sums = Object.entries(found.totals).map(([currency, total]) => h("div", { class: "row sums" },
    [["sold_minor", "sold_quantity"], ["refunded_minor", "refunded_quantity"], ["net_minor"]].map(([sum, quantity]) => h("div", {},
      h("div", { class: "small muted" }, t(`total.${sum}`)), h("strong", {}, money(total[sum], currency)), quantity && h("span", { class: "muted small" }, ` ${units(total[quantity])}`)))));
  const heads = [t("line.order"), t("line.reference"), t("line.status"), [t("line.quantity"), "number"], [t("line.amount"), "number"], t("line.at")];
  return [sums, table(t("day.title"), heads, found.lines.slice(0, SHOWN_MAX).map((line) => h("tr", {},
    h("td", { class: "mono small" }, line.order), h("td", { class: "mono small" }, line.reference || "–"), h("td", {}, said("status", line.status)),
    h("td", { class: "number" }, number(line.quantity)), h("td", { class: "number" }, money(line.amount_minor, line.currency)), h("td", { class: "small nowrap" }, moment(Date.parse(line.at), zone))))),
    found.lines.length > SHOWN_MAX && h("p", { class: "small muted" }, t("day.more", { n: number(found.lines.length), shown: number(SHOWN_MAX) })),
    h("p", { class: "small muted" }, t("day.digest"), " ", h("code", {}, found.digest.slice(0, 16)))];
}

function run(found) {
  const classes = Object.entries(found.counts).filter(([, n]) => n > 0);
  const all = classes.reduce((sum, [, n]) => sum + n, 0);
  const head = h("p", { class: `notice ${all === 0 ? "good" : "warn"}` }, h("span", {}, t(all === 0 ? "recon.even" : "recon.differs", { n: number(all), matched: number(found.lines_matched), ours: number(found.lines_ours), theirs: number(found.lines_theirs) })));
  if (all === 0) return [head, digest(found)];
  const heads = [t("break.what"), t("line.order"), t("break.ours"), t("break.theirs"), t("break.owner"), t("break.action")];
  return [head, h("div", { class: "row" }, classes.map(([name, n]) => h("span", { class: "badge warn" }, `${said("class", name)} · ${number(n)}`))),
    table(t("recon.title"), heads, found.breaks.slice(0, SHOWN_MAX).map((one) => h("tr", { "data-class": one.class },
      h("td", {}, h("strong", {}, said("class", one.class)), one.detail && h("div", { class: "small muted" }, one.detail)),
      h("td", { class: "mono small" }, one.order || "–", one.line && h("div", { class: "muted" }, t("break.line", { n: one.line }))),
      h("td", {}, side(one.ours)), h("td", {}, side(one.theirs)), h("td", {}, said("owner", one.owner)), h("td", {}, said("action", one.default_action))))),
    (found.cut || found.breaks.length > SHOWN_MAX) && h("p", { class: "small muted" }, t("recon.cut")), digest(found)];
}

const digest = (found) => h("p", { class: "small muted" }, t("recon.digest"), " ", h("code", {}, found.digest.slice(0, 16)));

function side(line) {
  if (!line) return "–";
  if (line.text !== undefined) return h("code", { class: "small" }, line.text);
  let amount = `${line.amount_minor} ${line.currency}`;
  try { amount = money(line.amount_minor, line.currency); } catch { /* no currency that is known */ }
  return [h("div", {}, `${said("status", line.status)} · ${amount}`), h("div", { class: "small muted" }, [units(line.quantity), line.reference].filter(Boolean).join(" · "))];
}
