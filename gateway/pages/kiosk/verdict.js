/* From an answer to what is shown: one word, one colour, one shape, and the facts. */

import { h } from "../common/dom.js";
import { date, t, time } from "../common/i18n.js";
import { problemText } from "../common/problems.js";

const KINDS = {
  already_redeemed: { tone: "bad", shape: "cross" },
  void: { tone: "bad", shape: "barred" },
  unknown_code: { tone: "bad", shape: "question" },
  not_sold: { tone: "bad", shape: "barred" },
  too_late: { tone: "bad", shape: "clock" },
  too_early: { tone: "warn", shape: "clock" },
  wrong_venue: { tone: "warn", shape: "away" },
  too_many_attempts: { tone: "warn", shape: "hand" },
  too_many_at_once: { tone: "warn", shape: "hand" },
  invalid: { tone: "bad", shape: "question" },
  aside: { tone: "warn", shape: "question" },
};
const OTHER = { tone: "warn", shape: "question" };

// Outer shapes differ too: round for yes, eight corners for no, three for wait.
const OUTER = {
  good: () => h("circle", { cx: 50, cy: 50, r: 44 }),
  bad: () => h("path", { d: "M32 6h36l26 26v36L68 94H32L6 68V32Z" }),
  warn: () => h("path", { d: "M50 8 96 90H4Z" }),
};
const INNER = {
  check: "M28 52l16 16 30-34", cross: "M35 35l30 30M65 35 35 65", barred: "M30 50h40",
  question: "M40 42c0-14 21-14 21-1 0 9-11 9-11 18M50 72v.5", clock: "M50 48v16l10 6M50 48a18 18 0 1 0 .1 0",
  away: "M50 44v20M50 76v.5", hand: "M50 44v20M50 76v.5",
};
const QUESTION_IN_TRIANGLE = "M42 50c0-11 16-11 16-1 0 7-8 7-8 14M50 76v.5";

/** The picture of a verdict. */
export function picture({ tone, shape }) {
  let inner = INNER[shape];
  if (tone === "warn" && shape === "question") inner = QUESTION_IN_TRIANGLE;
  if (tone === "bad" && shape === "clock") inner = "M50 32v18l12 8M50 24a26 26 0 1 0 .1 0";
  return h("svg", { viewBox: "0 0 100 100", class: "picture", "aria-hidden": "true" }, OUTER[tone](), h("path", { d: inner, class: "inner" }));
}

function when(ms, zone) {
  const sameDay = date(ms, zone) === date(Date.now(), zone);
  return sameDay ? time(ms, zone) : `${date(ms, zone)}, ${time(ms, zone)}`;
}

/**
 * A verdict: {code, tone, shape, facts, replayed}. It is made once and worded whenever it is shown,
 * so that another language finds it.
 */
export function judged(answer) {
  if (answer.ok) {
    return { code: "let_in", tone: "good", shape: "check", facts: answer.body, replayed: answer.headers.get("Idempotent-Replayed") === "true" };
  }
  const { code } = answer.problem;
  return { code, ...(KINDS[code] ?? OTHER), facts: answer.problem, replayed: false };
}

/** Of a code that was put aside without an answer. */
export const UNSURE = { code: "aside", ...KINDS.aside, facts: {}, replayed: false };

/** The word of a verdict, as large as the screen allows. */
export const word = ({ code }) => t(code in KINDS || code === "let_in" ? `verdict.${code}` : "verdict.other");

/** The lines under the word. `at` is the kiosk: its venue and zone. */
export function lines({ code, facts, replayed }, at) {
  const zone = at.timezone;
  switch (code) {
    case "let_in":
      return [facts.title, `${when(facts.starts_at_ms, zone)}`, ...(replayed ? [t("verdict.first", { time: time(facts.at_ms, zone, true) })] : [])];
    case "already_redeemed": {
      const here = facts.venue === at.venue;
      const where = here ? (facts.kiosk === at.kiosk ? t("where.this") : t("where.kiosk", { kiosk: facts.kiosk })) : t("where.venue", { venue: facts.venue_title ?? facts.venue, kiosk: facts.kiosk });
      return [t("verdict.used", { time: `${date(facts.at_ms, zone)}, ${time(facts.at_ms, zone, true)}` }), where];
    }
    case "wrong_venue": return [t("verdict.goes", { venue: facts.venue_title ?? facts.venue })];
    case "too_early": return [t("verdict.from", { time: when(facts.from_ms, zone) })];
    case "too_late": return [t("verdict.until", { time: when(facts.until_ms, zone) })];
    case "unknown_code": return [t(/mistyped/.test(facts.detail ?? "") ? "verdict.mistyped" : "verdict.nocode")];
    case "void": return [t("verdict.dead")];
    case "aside": return [t("verdict.unsure")];
    case "not_sold": return [t("verdict.inert")];
    default: return [problemText(facts, { zone })];
  }
}
