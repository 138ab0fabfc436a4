/* The seat map on the page: which seats are free, taken, chosen; by touch, mouse and arrow keys. */

import { announce, h } from "../common/dom.js";
import { t } from "../common/i18n.js";
import { firstSeat, neighbour, seatsOf } from "./seats.js";

const KEYS = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"]);
const SIZES = [20, 26, 32, 38, 44, 54];
const TOUCHED = 44;
const POINTED = 26;
/* What a seat takes with its gap, and the names of the rows beside them. */
const GAP = 1.14;
const NAMES_PX = 110;

/**
 * A map of `hall`. `chosen()` is a Set of labels, `toggle(label)` changes it and says whether it could;
 * `update(hall)` shows a newer map in place: the focus stays where it is.
 */
export function seatMap(hall, { chosen, toggle }) {
  const buttons = new Map();
  let seats = seatsOf(hall);
  let at = firstSeat(hall);
  let size = SIZES.indexOf(TOUCHED);

  const grid = h("div", { class: "hall", role: "group", "aria-label": t("seats.map") });
  for (const { row, cells } of hall.rows) {
    const line = h("div", { class: "hall-row", role: "group", "aria-label": t("seats.row", { row }) }, h("span", { class: "row-name", "aria-hidden": "true" }, row));
    for (const cell of cells) line.append(cell === null ? h("span", { class: "aisle" }) : seat(cell));
    line.append(h("span", { class: "row-name", "aria-hidden": "true" }, row));
    grid.append(line);
  }
  const scroller = h("div", { class: "hall-scroll" }, h("div", { class: "hall-inside" }, h("div", { class: "screen" }, t("seats.screen")), grid));

  function seat(cell) {
    if (cell.state === "none") return h("span", { class: "seat none" });
    const button = h("button", { type: "button", class: "seat", role: "checkbox", "data-seat": cell.label, tabindex: "-1", onclick: () => press(cell.label), onfocus: () => rove(cell.label) }, String(cell.number));
    buttons.set(cell.label, button);
    return button;
  }

  function press(label) {
    if (seats.get(label).state === "taken") announce(t("seats.is_taken", { seat: label }));
    else if (toggle(label)) paint(label);
  }

  function rove(label) {
    buttons.get(at)?.setAttribute("tabindex", "-1");
    at = label;
    buttons.get(at)?.setAttribute("tabindex", "0");
  }

  grid.addEventListener("keydown", (event) => {
    if (!KEYS.has(event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const to = neighbour(hall, at, event.key);
    buttons.get(to).focus();
    buttons.get(to).scrollIntoView({ block: "nearest", inline: "nearest" });
  });

  function paint(label) {
    const button = buttons.get(label);
    const cell = seats.get(label);
    const state = cell.state === "taken" ? "taken" : chosen().has(label) ? "chosen" : "free";
    if (button.dataset.state === state) return;
    button.dataset.state = state;
    button.setAttribute("aria-checked", String(state === "chosen"));
    button.setAttribute("aria-disabled", String(state === "taken"));
    button.setAttribute("aria-label", t("seats.seat", { row: cell.row, number: cell.number, state: t(`seats.${state}`) }));
  }

  function paintAll() {
    for (const label of buttons.keys()) paint(label);
  }

  function zoom(by) {
    size = Math.min(SIZES.length - 1, Math.max(0, size + by));
    scroller.style.setProperty("--seat", `${SIZES[size]}px`);
    smaller.disabled = size === 0;
    larger.disabled = size === SIZES.length - 1;
  }

  const smaller = h("button", { class: "button", type: "button", "aria-label": t("seats.smaller"), onclick: () => zoom(-1) }, "−");
  const larger = h("button", { class: "button", type: "button", "aria-label": t("seats.larger"), onclick: () => zoom(1) }, "+");
  const legend = h("ul", { class: "legend" }, ["free", "chosen", "taken", "none"].map((state) => h("li", {}, h("span", { class: "seat sample", "data-state": state, "aria-hidden": "true" }), t(`seats.${state}`))));

  zoom(0);
  paintAll();
  rove(at);
  return {
    root: h("div", { class: "stack" }, h("div", { class: "row spread" }, legend, h("div", { class: "row" }, smaller, larger)), scroller),
    paintAll,
    update(newer) {
      seats = seatsOf(newer);
      paintAll();
    },
    /** Once it is on the page: as large as fits and a finger or a mouse can hit, its middle in sight. */
    fit() {
      const least = matchMedia("(pointer: coarse)").matches ? TOUCHED : POINTED;
      const widest = (scroller.clientWidth - NAMES_PX) / (hall.width * GAP);
      size = Math.max(SIZES.indexOf(least), SIZES.findLastIndex((one) => one <= widest));
      zoom(0);
      scroller.scrollLeft = (scroller.scrollWidth - scroller.clientWidth) / 2;
    },
  };
}
