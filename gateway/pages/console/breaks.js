/* What reconciliations found: the newest runs, and the breaks of one by class, owner and action. */

import { fill, h } from "../common/dom.js";
import { date, has, money, number, t, time } from "../common/i18n.js";
import { problemText } from "../common/problems.js";

const PAGE = 100;
const say = (kind, word) => (has(`${kind}.${word}`) ? t(`${kind}.${word}`) : word);
const at = (ms) => `${date(ms)} ${time(ms)}`;

/** What one side says, as short as it can be; a line that cannot be read stands as it came. */
function side(line) {
  if (!line) return "–";
  if (line.text !== undefined) return line.text;
  return [line.status, `${number(line.quantity)} ×`, paid(line), line.reference].filter(Boolean).join(" · ");
}

function paid({ amount_minor: minor, currency }) {
  try { return money(minor, currency); } catch { return `${minor} ${currency}`; } // no currency that is known
}

function runRow(run, chosen, choose) {
  const breaks = Object.values(run.counts).reduce((sum, one) => sum + one, 0);
  return h("tr", { "data-run": run.run, class: chosen ? "chosen" : null },
    h("th", { scope: "row" }, run.partner), h("td", {}, run.date), h("td", {}, at(run.made_at_ms)),
    [run.lines_ours, run.lines_theirs, run.lines_matched].map((one) => h("td", { class: "number" }, number(one))),
    h("td", { class: "number" }, h("span", { class: `badge ${breaks > 0 ? "warn" : "good"}` }, number(breaks))),
    h("td", {}, h("button", { class: "button", type: "button", "aria-pressed": String(chosen), "aria-label": t("breaks.show.label", { partner: run.partner, date: run.date }), onclick: choose }, t("breaks.show"))));
}

const breakRow = (one) => h("tr", { "data-class": one.class },
  h("th", { scope: "row" }, say("class", one.class), one.detail ? h("div", { class: "small muted" }, one.detail) : null),
  h("td", { class: "mono small" }, one.order || "–"), h("td", { class: "number" }, one.line === undefined ? "–" : number(one.line)),
  h("td", {}, side(one.ours)), h("td", {}, side(one.theirs)),
  h("td", {}, say("owner", one.owner)), h("td", {}, say("action", one.default_action)));

const table = (keys, numbers, body, label) => h("div", { class: "scroll card flush", tabindex: "0", role: "region", "aria-label": label },
  h("table", { class: "table" }, h("thead", {}, h("tr", {}, keys.map((key) => h("th", { scope: "col", class: numbers.includes(key) ? "number" : null }, t(key))))), body));

/** The view of all reconciliations. */
export function breaksView({ session }) {
  const asked = { partner: "", date: "", run: null, class: "" };
  const partner = h("input", { id: "breaks-partner", autocomplete: "off", spellcheck: "false" });
  const day = h("input", { id: "breaks-date", type: "date" });
  const runs = h("tbody");
  const classes = h("div", { class: "row", role: "group", "aria-label": t("breaks.classes") });
  const found = h("tbody");
  const said = h("p", { class: "muted", "aria-live": "polite" });
  const more = h("button", { class: "button", type: "button", hidden: true, onclick: () => read(next) }, t("breaks.more"));
  let next = 0;

  const filter = h("form", { class: "row bottom", onsubmit: (event) => { event.preventDefault(); Object.assign(asked, { partner: partner.value.trim(), date: day.value, run: null, class: "" }); read(0); } },
    h("div", { class: "field" }, h("label", { for: "breaks-partner" }, t("breaks.partner")), partner),
    h("div", { class: "field" }, h("label", { for: "breaks-date" }, t("breaks.date")), day),
    h("button", { class: "button", type: "submit" }, t("breaks.filter")));
  const element = h("div", { class: "stack" }, h("h1", {}, t("breaks.title")), h("p", { class: "muted" }, t("breaks.text")), filter,
    table(["breaks.partner", "breaks.date", "breaks.made", "breaks.ours", "breaks.theirs", "breaks.matched", "breaks.breaks", "breaks.show"], ["breaks.ours", "breaks.theirs", "breaks.matched", "breaks.breaks"], runs, t("breaks.runs")),
    h("h2", {}, t("breaks.found")), classes, said,
    table(["breaks.class", "breaks.order", "breaks.line", "breaks.ours", "breaks.theirs", "breaks.owner", "breaks.action"], ["breaks.line"], found, t("breaks.found")), more);

  async function read(after) {
    const answer = await session.ask("/v1/operator/breaks", { query: { ...asked, after, limit: PAGE } });
    if (!answer.ok) { said.textContent = problemText(answer.problem); return; }
    const told = answer.body;
    const chosen = told.runs.find((run) => run.run === told.run);
    fill(runs, told.runs.length === 0 ? h("tr", {}, h("td", { colspan: "8", class: "muted" }, t("breaks.noruns")))
      : told.runs.map((run) => runRow(run, run === chosen, () => { Object.assign(asked, { run: run.run, class: "" }); read(0); })));
    fill(classes, chosen ? chips(chosen) : []);
    if (after === 0) found.replaceChildren();
    found.append(...told.breaks.map(breakRow));
    next = told.next ?? 0;
    more.hidden = told.next === undefined;
    said.textContent = !chosen ? "" : found.children.length === 0 ? t("breaks.none") : t(chosen.cut ? "breaks.shown.cut" : "breaks.shown", { n: number(found.children.length), partner: chosen.partner, date: chosen.date });
  }

  const chip = (name, text) => h("button", { class: "button", type: "button", "aria-pressed": String(asked.class === name), "data-class": name, onclick: () => { asked.class = name; read(0); } }, text);
  function chips(run) {
    const all = Object.values(run.counts).reduce((sum, one) => sum + one, 0);
    return [chip("", `${t("breaks.all")} ${number(all)}`), ...Object.entries(run.counts).map(([name, count]) => chip(name, `${say("class", name)} ${number(count)}`))];
  }

  read(0);
  return { element, update() {}, end() {} };
}
