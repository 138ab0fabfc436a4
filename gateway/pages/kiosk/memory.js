/* What the device remembers: its key, the question that is not answered yet, the last verdicts. */

const RECENT_MAX = 12;
const name = (what) => `dropgate.kiosk.${what}`;

function read(what, otherwise) {
  try { return JSON.parse(localStorage.getItem(name(what))) ?? otherwise; } catch { return otherwise; }
}

function keep(what, value) {
  if (value === null) localStorage.removeItem(name(what));
  else localStorage.setItem(name(what), JSON.stringify(value));
}

/** The kiosk's key, or null. */
export const key = () => read("key", null);
export const keepKey = (value) => keep("key", value);

/** The redemption that was sent and not answered: {key, code, at}. Written before it is sent. */
export const pending = () => read("pending", null);
export const keepPending = (value) => keep("pending", value);

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
