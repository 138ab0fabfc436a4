/* The sale as it goes: big numbers, curves, and beside them what can be done and who did what. */

import { h } from "../common/dom.js";
import { number, t } from "../common/i18n.js";
import { actPanel } from "./actpanel.js";
import { curves } from "./curves.js";
import { journal } from "./journal.js";
import { SHOWN } from "./meter.js";
import { roomPanel } from "./roompanel.js";
import { speeds } from "./rates.js";

const TILES = ["waiting", "admitted", "inside", "held", "sold", "redeemed", "available", "lag", "refused", "purchases"];

function tiles() {
  const parts = Object.fromEntries(TILES.map((name) => [name, { value: h("dd", { class: "big" }, "–"), note: h("dd", { class: "muted small" }) }]));
  const element = h("dl", { class: "tiles" }, TILES.map((name) => h("div", { class: "card tile", "data-tile": name },
    h("dt", {}, t(`tile.${name}`)), parts[name].value, parts[name].note)));
  const set = (name, value, note = "") => {
    parts[name].value.textContent = value;
    parts[name].note.textContent = note;
  };
  return { element, set };
}

const share = (part, whole) => (whole > 0 ? `${number((100 * part) / whole, part > 0 && part / whole < 0.1 ? 1 : 0)} %` : "–");
const perS = (value) => (value === null || value === undefined ? "–" : number(value, value < 10 ? 1 : 0));

function fillTiles(set, { board, meter }, admitted) {
  const { room, total, lag } = board;
  if (room) {
    set("waiting", number(room.waiting), t("tile.waiting.note", { joined: number(room.joined) }));
    set("admitted", perS(admitted), t("tile.admitted.note", { rate: number(room.rate_per_s, 1), reason: t(`reason.${room.reason}`) }));
    set("inside", number(room.active), room.active_max > 0 ? t("tile.inside.bound", { max: number(room.active_max) }) : t("tile.inside.note"));
  }
  if (total) {
    set("held", number(total.held), share(total.held, total.released));
    set("sold", number(total.sold), t("tile.sold.note", { all: number(total.sold + total.redeemed), share: share(total.sold + total.redeemed, total.released) }));
    set("redeemed", number(total.redeemed), share(total.redeemed, total.sold + total.redeemed));
    set("available", number(total.available), t("tile.available.note", { released: number(total.released) }));
  }
  set("lag", number(lag), meter?.lagSeconds > 0 ? t("tile.lag.oldest", { n: number(meter.lagSeconds, 1) }) : t("tile.lag.note"));
  set("refused", perS(meter?.refused.all), t("tile.fleet"));
  set("purchases", perS(meter?.purchasesPerS), t("tile.fleet"));
}

function plots(zone) {
  return {
    line: curves({ title: "curve.line_title", lines: ["line.waiting", "line.inside"], filled: true, zone }),
    flow: curves({ title: "curve.flow", lines: ["line.admitted", "line.rate"], digits: 1, stepped: [1], zone }),
    units: curves({ title: "curve.units", lines: ["line.held", "line.sold", "line.redeemed"], zone }),
    refusals: curves({ title: "curve.refusals", lines: [...SHOWN, "other"].map((code) => `refused.${code}`), digits: 1, zone }),
    lag: curves({ title: "curve.lag", lines: ["line.lag"], filled: true, zone }),
    latency: curves({ title: "curve.latency", lines: ["line.p50", "line.p99"], digits: 1, unit: " ms", zone }),
  };
}

function drawPlots(drawn, { ring, metered }, admitted) {
  const { columns } = ring;
  const boardS = Math.max(ring.times.at(-1) ?? 0, Date.now() / 1000 - 60);
  const meterS = metered.times.at(-1) ?? Date.now() / 1000;
  drawn.line.update(ring.plotted([columns.waiting, columns.active]), boardS);
  drawn.flow.update(ring.plotted([admitted, columns.rate]), boardS);
  drawn.units.update(ring.plotted([columns.held, columns.sold, columns.redeemed]), boardS);
  drawn.lag.update(ring.plotted([columns.lag]), boardS);
  drawn.refusals.update(metered.plotted([...SHOWN, "other"].map((code) => metered.columns[code])), meterS);
  drawn.latency.update(metered.plotted([metered.columns.p50, metered.columns.p99]), meterS);
}

/** The panel of a sale that runs. */
export function livePanel(context) {
  const { feed } = context;
  const numbers = tiles();
  const acts = actPanel(context);
  const room = roomPanel(context);
  const log = journal(context);
  let drawn = null;
  const grid = h("section", { class: "curves", "aria-label": t("live.curves") });
  const element = h("div", { class: "live" },
    h("section", { class: "numbers", "aria-label": t("live.numbers") }, numbers.element),
    h("div", { class: "stack side" }, acts.element, room.element, log.element), grid);
  return {
    element,
    update() {
      if (feed.board === null) return;
      if (drawn === null) {
        drawn = plots(feed.board.timezone);
        grid.append(...Object.values(drawn).map((one) => one.element));
      }
      const admitted = speeds(feed.ring.times, feed.ring.columns.admitted);
      fillTiles(numbers.set, feed, admitted.at(-1) ?? null);
      drawPlots(drawn, feed, admitted);
      acts.update();
      room.update(feed.board);
      log.update();
    },
    end() {
      acts.end();
      room.end();
      for (const one of Object.values(drawn ?? {})) one.end();
    },
  };
}
