/* The key while this tab is open, and calls in its name. It is never kept longer. */

import { call, newKey, write } from "../common/api.js";
import { lang } from "../common/i18n.js";
import { keeper } from "../common/keep.js";

const NAME = "dropgate.partner";

const tab = keeper("sessionStorage");
const store = {
  read: (what) => tab.read(`${NAME}.${what}`),
  keep: (what, value) => tab.keep(`${NAME}.${what}`, value),
};

/** One partner that is signed in. `me` is the answer to GET /v1/partner/me. */
export class Session {
  constructor(key, me) { this.key = key; this.me = me; }

  /** Sign in: {session} or {problem}. */
  static async begin(key) {
    const answer = await call("GET", "/v1/partner/me", { auth: `Bearer ${key}` });
    if (!answer.ok) return { problem: answer.problem };
    store.keep("key", key);
    return { session: new Session(key, answer.body) };
  }

  /** The key of this tab, or null. */
  static kept() { return store.read("key"); }

  /** Forget the key of this tab, and what it had asked for. */
  static forget() { for (const what of ["key", "rotation"]) store.keep(what, null); }

  get auth() { return `Bearer ${this.key}`; }

  /** The zone in which a day begins: that of the newest sale. */
  get zone() { return this.me.sales.at(-1)?.timezone; }

  /** A read. */
  get(path, options = {}) { return call("GET", path, { ...options, auth: this.auth }); }

  /** A write, repeated with its key until it is answered. */
  post(path, options) { return write("POST", path, { ...options, auth: this.auth }); }

  /**
   * A new key in the place of this one, which stays good for `overlapS`. What was asked is kept until
   * the answer is there, so that a lost one, and a reload, show the same new key.
   */
  async rotate(overlapS, onRetry) {
    const asked = this.#rotation ?? { of: this.key, key: newKey(), overlapS };
    store.keep("rotation", asked);
    const answer = await this.post("/v1/partner/keys/rotate", { key: asked.key, body: { overlap_s: asked.overlapS }, onRetry });
    store.keep("rotation", null);
    return answer;
  }

  /** Whether a rotation was asked for and never answered. */
  get isRotating() { return this.#rotation !== null; }

  get #rotation() {
    const asked = store.read("rotation");
    return asked?.of === this.key ? asked : null; // another key's is not this one's to go on with
  }

  /** Go on with another key of the same partner, once it is known everywhere. */
  async change(key) {
    for (let tries = 0; tries < 20; tries += 1) {
      const { session } = await Session.begin(key);
      if (session) { this.key = key; this.me = session.me; return true; }
      await new Promise((resolve) => { setTimeout(resolve, 300); });
    }
    return false;
  }
}

/** A moment as a table shows it, in a zone. */
export const moment = (ms, zone) => new Intl.DateTimeFormat(lang() === "zh" ? "zh-CN" : "en-GB", {
  day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false, timeZone: zone,
}).format(ms);

/** The day of a moment in a zone, as 2014-03-08. */
export const dayOf = (ms, zone) => new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }).format(ms);
