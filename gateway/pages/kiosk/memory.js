/* What the device remembers: its key, the question that is not answered yet, the last verdicts. */

import { keeper } from "../common/keep.js";
import { plain } from "./code.js";

const RECENT_MAX = 12;
const ASIDE_MAX = 100;
const store = keeper("localStorage");
const name = (what) => `dropgate.kiosk.${what}`;
const read = (what, otherwise) => store.read(name(what)) ?? otherwise;
const keep = (what, value) => store.keep(name(what), value);

/** The kiosk's key, or null. */
export const key = () => read("key", null);
export const keepKey = (value) => keep("key", value);

/** The redemption that was sent and not answered: {key, code, at}. Written before it is sent. */
export const pending = () => read("pending", null);
export const keepPending = (value) => keep("pending", value);

/** Questions that were put aside without an answer, by their codes: asked again, they keep their keys. */
export const aside = (code) => read("aside", []).find((one) => plain(one.code) === plain(code)) ?? null;
export const putAside = (question) => keep("aside", [question, ...others(question)].slice(0, ASIDE_MAX));

/** The question has its answer. */
export function answered(question) {
  if (pending()?.key === question.key) keepPending(null); // another tab of this device may ask too
  keep("aside", others(question));
}

const others = (question) => read("aside", []).filter((one) => one.key !== question.key);

/** The last verdicts, newest first; their codes are masked. */
export const recent = () => read("recent", []);
export const addRecent = (verdict) => keep("recent", [verdict, ...recent()].slice(0, RECENT_MAX));

/** A choice of the people here: "sound", "keypad". */
export const choice = (what, otherwise) => read(what, otherwise);
export const keepChoice = keep;

/** Forget the key and the verdicts. A question without an answer stays: a code may hang on it. */
export function forget() {
  keep("key", null);
  keep("me", null);
  keep("recent", null);
}
