/* Who did what to a sale, the newest first. */

import { fill, h } from "../common/dom.js";
import { number, t, time } from "../common/i18n.js";

const EVERY_MS = 5000;
const SHOWN = 12;

function words({ what, detail }) {
  if (what === "state") return t("log.state", { state: t(`state.${detail}`) });
  if (what === "rate") {
    const [milli, burst] = detail.split(" ").map(Number);
    return t("log.rate", { rate: number(milli / 1000, 1), burst: number(burst) });
  }
  if (what === "set") return t("log.set", { detail });
  if (what === "reset") return t("log.reset", { epoch: detail });
  if (["commitment", "list", "seed"].includes(what)) return t(`log.${what}`);
  return t("log.rules");
}

/** The log of a sale, read again when the sale has changed and every few seconds. */
export function journal({ session, sale, feed }) {
  const list = h("ol", { class: "log" });
  const element = h("section", { class: "card stack" }, h("h2", {}, t("log.title")), list);
  let seen = "";
  let readAt = 0;

  async function read() {
    readAt = Date.now();
    const answer = await session.ask(`/v1/operator/sales/${sale}/changes`);
    if (!answer.ok) return;
    const zone = feed.board?.timezone;
    const newest = answer.body.changes.slice(0, SHOWN);
    fill(list, newest.length === 0 ? h("li", { class: "muted" }, t("log.none")) : newest.map((one) => h("li", {},
      h("time", { class: "mono small muted" }, time(one.at_ms, zone, true)), " ", h("span", {}, words(one)),
      h("span", { class: "muted small" }, one.actor === session.actor ? t("log.you") : one.actor))));
  }

  return {
    element,
    update() {
      const { state, revision, room } = feed.board;
      const now = JSON.stringify([state, revision, room?.rate_per_s, room?.burst, room?.message, room?.epoch, room?.active_max]);
      if (now !== seen || Date.now() - readAt > EVERY_MS) read();
      seen = now;
    },
  };
}
