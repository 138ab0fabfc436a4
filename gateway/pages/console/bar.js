/* The bar that says whether all is well: red with words when something is wrong, and what to do. */

import { announce, fill, h } from "../common/dom.js";
import { duration, has, number, t, time } from "../common/i18n.js";

/** The page of docs/runbooks that says what to do. */
export const RUNBOOKS = {
  invariant: "DropgateInvariantBroken",
  broken: "DropgateInvariantBroken",
  audit: "DropgateInvariantBroken",
  fenced: "DropgateSlotFenced",
  room_fenced: "DropgateRoomFenced",
  withheld: "DropgateUnitsWithheld",
  stalled: "DropgateSellsNothing",
  lag: "DropgateSettlementLate",
  store_away: "DropgateStoreErrors",
  no_answer: "DropgateGatewayDown",
  process_missing: "DropgateGatewayDown",
  not_ready: "DropgateGatewayNotReady",
  bug: "DropgateBug",
  store_errors: "DropgateStoreErrors",
  guessing: "DropgateCodesGuessed",
};

function told({ name, facts, sale }, zone) {
  const shown = { ...facts };
  if (facts.n !== undefined) shown.n = number(facts.n);
  if (facts.checks !== undefined) shown.checks = facts.checks.map((one) => (has(`check.${one}`) ? t(`check.${one}`) : one)).join("; ");
  if (facts.since_ms !== undefined) Object.assign(shown, { since: time(facts.since_ms, zone, true), span: duration(Date.now() - facts.since_ms) });
  return { title: `${sale ? `${sale}: ` : ""}${t(`alarm.${name}`, shown)}`, next: t(`alarm.${name}.next`, shown) };
}

/** A bar to be kept in the page; `show(alarms, freshMs, zone)` brings it up to date. */
export function alarmBar() {
  const element = h("section", { class: "alarms", "aria-label": t("bar.label") });
  let known = "";
  return {
    element,
    show(alarms, freshMs, zone = undefined) {
      const names = alarms.map((one) => `${one.name} ${one.sale ?? ""}`).join();
      const isBad = alarms.some((one) => one.level === "bad");
      element.dataset.level = isBad ? "bad" : alarms.length > 0 ? "warn" : "good";
      document.title = `${isBad ? "(!) " : ""}${t("console.title")}`;
      const items = alarms.map((one) => {
        const { title, next } = told(one, zone);
        return h("li", { class: one.level, "data-alarm": one.name },
          h("strong", {}, `${t(one.level === "bad" ? "bar.bad" : "bar.warn")}: ${title}`),
          h("span", {}, next, " ", h("code", {}, `docs/runbooks/${RUNBOOKS[one.name]}.md`)));
      });
      fill(element, items.length > 0
        ? h("ul", {}, items)
        : h("p", {}, h("strong", {}, t("bar.well")), " ", h("span", {}, freshMs === null ? "" : t("bar.fresh", { time: time(freshMs, zone, true) }))));
      if (names !== known && items.length > 0) announce(alarms.map((one) => told(one, zone).title).join(". "), isBad);
      if (names === "" && known !== "") announce(t("bar.well"));
      known = names;
    },
  };
}
