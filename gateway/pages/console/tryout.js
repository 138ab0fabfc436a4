/* A rate tried on the recorded traffic before it is set: what was, and what would have been. */

import { newKey } from "../common/api.js";
import { fill, h } from "../common/dom.js";
import { countdown, number, t } from "../common/i18n.js";
import { problemText } from "../common/problems.js";
import { curves } from "./curves.js";

const ROWS = [
  ["admitted", (course) => number(course.admitted)],
  ["waiting", (course) => number(course.waiting)],
  ["inside", (course) => number(course.inside_max)],
  ["waits", (course) => timed(course.waits_s)],
  ["through", (course) => timed(course.through_s)],
  ["lasts", (course) => timed(course.lasts_s)],
];
const timed = (seconds) => (seconds === null ? t("try.never") : countdown(seconds * 1000));
const COURSES = ["was", "model", "would_be"];

/** Asks for a forecast and shows it; `body` says which rules are to be tried. */
export function tryout({ session, sale, zone, body }) {
  const told = h("div", { class: "tryout", "aria-live": "polite" });
  const button = h("button", { class: "button", type: "button", onclick: run }, t("try.it"));
  let plot = null;

  async function run() {
    button.disabled = true;
    const answer = await session.change("POST", `/v1/operator/sales/${sale}/forecast`, { body: body(), key: newKey() });
    button.disabled = false;
    end();
    if (answer.ok) show(answer.body);
    else fill(told, h("div", { class: "notice bad" }, h("div", {}, problemText(answer.problem))));
  }

  function show(forecast) {
    const head = h("tr", {}, h("td", {}), COURSES.map((one) => h("th", { scope: "col", class: "number" }, t(`try.${one}`, { rate: number(forecast.rate_per_s, 2) }))));
    const rows = ROWS.map(([key, text]) => h("tr", {}, h("th", { scope: "row" }, t(`try.${key}`)), COURSES.map((one) => h("td", { class: "number" }, text(forecast[one])))));
    plot = curves({ title: "try.lines", lines: ["try.line_was", "try.line_would_be"], zone });
    fill(told,
      h("table", { class: "values" }, h("caption", { class: "small muted" }, t("try.caption", {
        minutes: number((forecast.at_ms.at(-1) - forecast.at_ms[0]) / 60_000, 1), gone: number(100 * forecast.no_show_share, 0),
        visit: countdown(1000 * forecast.visit_s), units: number(forecast.units_each, 1) })), h("thead", {}, head), h("tbody", {}, rows)),
      plot.element);
    const times = forecast.at_ms.map((at) => at / 1000);
    plot.update([times, forecast.was.line, forecast.would_be.line], times.at(-1));
  }

  function end() {
    plot?.end();
    plot = null;
  }
  return { button, element: told, end };
}
