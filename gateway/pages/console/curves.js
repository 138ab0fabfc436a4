/* One plot of some lines over the last 15 minutes, with its newest values as a table beside it. */

import { h } from "../common/dom.js";
import { number, t, time } from "../common/i18n.js";

const SPAN_S = 900;
const YOUNG_S = 120;
const HEIGHT = 170;
/** Lines differ by their strokes too, not by colour alone. */
const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3], [1, 5], [16, 5]];
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function swatch(at) {
  return h("svg", { viewBox: "0 0 34 8", width: "34", height: "8", "aria-hidden": "true" },
    h("line", { x1: "0", y1: "4", x2: "34", y2: "4", stroke: `var(--series-${at + 1})`, "stroke-width": "3", "stroke-dasharray": DASHES[at].join(" ") }));
}

const shown = (value, digits, unit) => (value === null || value === undefined || Number.isNaN(value) ? "–" : `${number(value, digits)}${unit}`);
const peak = (values) => values.reduce((most, one) => (one === null || (most !== null && most >= one) ? most : one), null);

/**
 * A plot. `lines` are keys of words; `digits` and `unit` shape the values; `stepped` names lines
 * that jump. `update(data, nowS)` takes uPlot's data: times in seconds, then a column for each line.
 */
export function curves({ title, lines, digits = 0, unit = "", filled = false, stepped = [], zone }) {
  const rows = lines.map((line, at) => {
    const now = h("td", { class: "number" });
    const most = h("td", { class: "number muted" });
    return { now, most, row: h("tr", {}, h("th", { scope: "row" }, swatch(at), " ", t(line)), now, most) };
  });
  const canvas = h("div", { class: "plot", "aria-hidden": "true" });
  const element = h("figure", { class: "card curve" },
    h("figcaption", {}, h("h3", {}, t(title))), canvas,
    h("table", { class: "values" },
      h("caption", { class: "visually-hidden" }, t("curve.caption", { title: t(title) })),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, h("span", { class: "visually-hidden" }, t("curve.line"))), h("th", { scope: "col", class: "number" }, t("curve.now")), h("th", { scope: "col", class: "number" }, t("curve.peak")))),
      h("tbody", {}, rows.map((one) => one.row))));
  let plot = null;
  let data = [[], ...lines.map(() => [])];
  let nowS = Date.now() / 1000;

  function draw() {
    plot?.destroy();
    const ink = colour("--ink-2");
    const axis = { stroke: ink, grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    plot = new globalThis.uPlot({
      width: Math.max(120, canvas.clientWidth), height: HEIGHT,
      legend: { show: false }, cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      padding: [8, 10, 0, 0],
      scales: { x: { time: true, range: () => [Math.max(nowS - SPAN_S, Math.min(data[0][0] ?? nowS, nowS - YOUNG_S)), nowS] }, y: { range: (_, low, high) => [0, Math.max(1, (high ?? 0) * 1.1)] } },
      axes: [
        { ...axis, space: 70, size: 26, values: (_, all, __, ___, step) => all.map((one) => time(one * 1000, zone, step < 60)) },
        { ...axis, size: 58, values: (_, all) => all.map((one) => `${number(one, one < 10 ? 1 : 0)}${unit}`) }],
      series: [{}, ...lines.map((_, at) => ({
        stroke: colour(`--series-${at + 1}`), width: 2, dash: DASHES[at], points: { show: false },
        fill: filled && at === 0 ? colour("--accent-soft") : undefined,
        paths: stepped.includes(at) ? globalThis.uPlot.paths.stepped({ align: 1 }) : undefined,
      }))],
    }, data, canvas);
  }

  const resized = new ResizeObserver(() => {
    if (plot && canvas.clientWidth > 0 && canvas.clientWidth !== plot.width) plot.setSize({ width: canvas.clientWidth, height: HEIGHT });
  });
  resized.observe(canvas);
  document.addEventListener("themechange", draw);

  return {
    element,
    update(next, now) {
      [data, nowS] = [next, now];
      element.dataset.points = String(next[0].length);
      rows.forEach((one, at) => {
        one.now.textContent = shown(next[at + 1].at(-1), digits, unit);
        one.most.textContent = shown(peak(next[at + 1]), digits, unit);
      });
      if (document.hidden) return;
      if (plot === null) draw();
      else plot.setData(data);
    },
    end() {
      resized.disconnect();
      document.removeEventListener("themechange", draw);
      plot?.destroy();
    },
  };
}
