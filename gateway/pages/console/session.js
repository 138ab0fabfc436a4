/* Who is signed in: a key that this tab alone keeps, and calls that carry it. */

import { call, write } from "../common/api.js";
import { keeper } from "../common/keep.js";

const KEY = "dropgate.console.key";
const store = keeper("sessionStorage");
const FORM = /^dgk_[a-z]+_[0-9a-z]+_[0-9a-z]+$/;

/** Whether a text looks like a key of ours; what it is worth, the gateway says. */
export const looksLikeKey = (text) => FORM.test(text);

export class Session {
  /** The session of this tab as it was left, or null. */
  static kept() {
    const key = store.read(KEY);
    return key === null ? null : new Session(key);
  }

  constructor(key) {
    this.key = key;
    this.mayAct = false;
    this.actor = "";
  }

  get auth() {
    return `Bearer ${this.key}`;
  }

  /** Ask who this is. Keeps the key when it is one; returns the answer, refused or not. */
  async begin() {
    const answer = await this.ask("/v1/operator/sales");
    if (answer.ok) {
      this.mayAct = answer.body.acts;
      this.actor = answer.body.actor;
      store.keep(KEY, this.key);
    }
    return answer;
  }

  end() {
    store.keep(KEY, null);
  }

  /** Read something. */
  ask(path, options = {}) {
    return call("GET", path, { auth: this.auth, timeoutMs: 5000, ...options });
  }

  /** Change something; repeated with the same key until an answer came. */
  change(method, path, options) {
    return write(method, path, { auth: this.auth, ...options });
  }
}
