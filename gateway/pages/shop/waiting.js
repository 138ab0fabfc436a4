/* The line's driver: looks at the frame, joins, claims, leaves; what to do when is line.js's and estimate.js's. */

import { call, newKey, serverNow, write } from "../common/api.js";
import { ahead, estimate, isInDraw, isOlder, needsTurn, pollDelay, steady, turnDelay } from "./estimate.js";
import { PHASES, lineOf, longerBecause } from "./line.js";
import { FRESH } from "./memory.js";
import { keepLogin } from "./signin.js";
import { frames } from "./stream.js";

const LOST_MAX_MS = 15_000;
const SLEPT_MS = 10_000;
const ARMED_SPREAD_MS = 2_000;
const WAKE_SPREAD_MS = 1_000;
const STREAM_FROM_MS = 15_000;
/* Where one would look so often, a stream is cheaper for both sides; far away a look each minute is. */

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs the line for `app`; `app.changed()` is called whenever something new is known. */
export function runLine(app) {
  const at = `/v1/sales/${app.saleId}`;
  let timer = null;
  let looking = false;
  let failures = 0;
  let busy = false;
  let tickedAt = Date.now();
  let lookedAt = 0;

  const phase = () => lineOf({ frame: app.frame, kept: app.memory.get(), login: app.login(), nowMs: serverNow() });

  const stream = frames(`${at}/frames`, { take, failed: () => schedule(), look: () => look() });

  async function look() {
    if (looking) return;
    looking = true;
    lookedAt = Date.now();
    clearTimeout(timer);
    const answer = await call("GET", `${at}/frame`);
    looking = false;
    if (answer.ok) take(answer.body);
    else if (answer.problem.code === "unknown_sale") {
      app.unknown = true;  // there is nothing to look at again
      stream.close();
      app.changed();
    } else {
      failures += 1;
      app.lostSinceMs ??= serverNow();
      follow();
    }
  }

  /** A frame has come, by a look or by the stream. */
  function take(frame) {
    if (isOlder(frame, app.frame)) return schedule();
    if (app.frame?.state !== frame.state || app.frame?.drop !== frame.drop) app.saleIsOld();
    app.frame = frame;
    app.frameAgeMs = frame.at_ms > 0 ? serverNow() - frame.at_ms : 0;  // as it came: whoever is far away looks seldom
    app.lostSinceMs = null;
    failures = 0;
    return follow();
  }

  function follow() {
    settle();
    app.changed();
    schedule();
    act();
  }

  /** The next look; none while a stream tells of changes by itself. */
  function schedule() {
    clearTimeout(timer);
    const ms = delay();
    if (failures === 0 && app.frame) stream.want(!document.hidden && ms <= STREAM_FROM_MS && app.frame.state !== "closed");
    if (!stream.isOpen()) timer = setTimeout(look, ms);
  }

  function delay() {
    if (failures > 0 || app.frame === null) return Math.min(LOST_MAX_MS, 1000 * 2 ** Math.max(0, failures - 1)) * (0.8 + 0.4 * Math.random());
    const { place, alert } = app.memory.get();
    const last = { lane: 0, number: app.frame.lanes[0].tail + 1 };
    const dueMs = app.frame.drop === 0 ? app.frame.lobby_at_ms : app.frame.opens_at_ms;
    return pollDelay({ place: place ?? last, frame: app.frame, nowMs: serverNow(), hidden: document.hidden, alert: Boolean(alert), dueMs });
  }

  /** The estimate that is shown, kept so that no reload lets it rise unsaid, and how many were ahead at first. */
  function settle() {
    const { place, shown } = app.memory.get();
    if (!place || !app.frame) {
      app.eta = null;
      return;
    }
    const of = [place.drop, place.epoch, place.lane, place.number].join(".");
    const found = isInDraw(place, app.frame) ? null : estimate(place, app.frame, serverNow());  // in the draw nothing is said
    app.eta = steady(shown?.of === of ? shown : null, found, serverNow(), longerBecause(app.frame));
    app.memory.set({ shown: app.eta && { ...app.eta, of } });
    const people = ahead(place, app.frame);
    if (!(place.atFirst >= people)) app.memory.set({ place: { ...place, atFirst: people } });
    if (phase() === "called" && !place.calledMs) app.memory.set({ place: { ...app.memory.get().place, calledMs: serverNow() } });
  }

  async function act() {
    if (busy) return;
    busy = true;
    try {
      const now = phase();
      if (now === "ready" && app.memory.get().armed) {
        await pause(Math.random() * ARMED_SPREAD_MS);
        app.memory.set({ armed: null, joinKey: newKey() });
      }
      if (PHASES[phase()].does === "join") await join();
      const { place } = app.memory.get();
      if (phase() === "waiting" && needsTurn(place, app.frame)) await askTurn(place);
      // A pass runs from its claim on: nobody's is spent behind their back. A turn that was called waits.
      if (mayClaim()) await alone(claim);
    } finally {
      busy = false;
    }
  }

  const mayClaim = () => PHASES[phase()].does === "claim" && !document.hidden && !app.memory.get().later;

  /** The draw is made: what turn is this place's? Everybody asks once, each in its own time. */
  async function askTurn({ token, number, lane }) {
    await pause(turnDelay({ lane }, app.frame));
    const answer = await call("GET", `${at}/places/me`, { auth: `Place ${token}` });
    const { place } = app.memory.get();
    if (answer.ok && answer.body.turn > 0 && place?.number === number) {
      app.memory.set({ place: { ...place, turn: answer.body.turn, atFirst: undefined } });
      settle();
      app.changed();
    } else if (answer.status === 410) {
      app.memory.set({ gone: { reason: answer.problem.reason ?? "over" } });
    }
  }

  /** The place. Where many join from one network, the browser has to work for it first. */
  async function askForPlace() {
    const { joinKey } = app.memory.get();
    const asked = (body) => write("POST", `${at}/places`, {
      auth: `Bearer ${app.login().token}`, body, key: joinKey, onRetry: app.unsure, credentials: "same-origin",
    });
    const answer = await asked({});
    if (answer.problem?.code !== "work_required" || !answer.problem.work) return answer;
    app.works = true;
    app.changed();
    try {
      const { solve } = await import("./work.js");
      return await asked({ work: await solve(answer.problem.work) });
    } catch {
      return { ...answer, problem: { code: "work_failed" } };
    } finally {
      app.works = false;
    }
  }

  async function join() {
    const login = app.login();
    const answer = await askForPlace();
    app.sure();
    if (answer.ok) {
      const { place: token, frame, ...where } = answer.body;
      app.frame = frame;
      app.memory.set({ place: { token, ...where, atFirst: ahead(where, frame) }, who: login.name, gone: null, notice: null });
      settle();
    } else if (answer.status === 401) {
      keepLogin(app.saleId, null);
      app.notice(answer.problem);
    } else {
      app.memory.set({ joinKey: null });
      app.notice(answer.problem);
    }
    app.changed();
  }

  /** In one tab at a time, where the browser can tell; a second claim would get the same pass anyway. */
  async function alone(work) {
    if (!navigator.locks) return work();
    return navigator.locks.request(`dropgate.claim.${app.saleId}`, { ifAvailable: true }, (lock) => lock && work());
  }

  async function claim() {
    for (let tries = 0; mayClaim(); tries += 1) {
      const { place } = app.memory.get();
      const login = app.wantsLogin ? app.login() : null;
      const headers = login ? { "Dropgate-Login": login.token } : {};
      const answer = await call("POST", `${at}/passes`, { auth: `Place ${place.token}`, body: {}, headers });
      app.wait = answer.status === 202 ? answer.body : null;
      app.sure();
      if (answer.status === 201) {
        app.memory.set({ pass: { token: answer.body.pass, expiresMs: answer.body.expires_at_ms }, gone: null, notice: null });
      } else if (answer.status === 202) {
        app.changed();
        await pause(answer.body.retry_ms);
      } else if (answer.status === 410) {
        app.memory.set({ gone: { reason: answer.problem.reason ?? "over" } });
      } else if (answer.problem?.code === "login_required" || (login && [401, 403].includes(answer.status))) {
        app.wantsLogin = true;
        if (login) keepLogin(app.saleId, null);  // it is the sign-in that is refused, not the place
        if (!app.login()) waitForSignIn(answer.problem);
      } else if (answer.status === 401) {
        app.memory.set({ place: null, joinKey: null });
        app.notice(answer.problem);
      } else {
        app.unsure(tries + 1, answer.problem);
        await pause(Math.min(8000, 500 * 2 ** tries) * (0.8 + 0.4 * Math.random()));
      }
      app.changed();
    }
  }

  /** The turn waits: the sale wants the login of the place's account with the claim. */
  function waitForSignIn(problem) {
    app.memory.set({ later: true });
    app.notice(problem);
    app.redraw();
  }

  /** Give the place up; what was left is remembered, so that a reload does not bring it back. */
  async function leave() {
    const { place } = app.memory.get();
    app.memory.set({ gone: { reason: "left" }, joinKey: null, pass: null });
    app.changed();
    await giveUp(place);
  }

  async function giveUp({ token }) {
    await write("DELETE", `${at}/places/me`, { auth: `Place ${token}`, key: newKey(), onRetry: app.unsure, credentials: "same-origin" });
    app.sure();
  }

  /** Join again behind a turn that is gone: the old place is given up first, or it would be found again. */
  async function again() {
    const { place } = app.memory.get();
    const isOld = place && app.frame && (place.drop < app.frame.drop || place.epoch < app.frame.epoch);
    if (place && !isOld) await giveUp(place);
    app.memory.set({ ...FRESH, joinKey: newKey() });
    app.changed();
    act();
  }

  function start() {
    app.memory.set({ joinKey: newKey(), notice: null });
    app.changed();
    act();
  }

  /** In a moment of one's own: a network that comes back brings everybody back at once. */
  const wakeSoon = () => setTimeout(wake, Math.random() * WAKE_SPREAD_MS);

  /** Something may have passed unseen: sleep, a hidden tab, a lost line. A hidden page holds no stream. */
  function wake() {
    if (document.hidden) schedule();
    else look();
  }
  document.addEventListener("visibilitychange", wake);
  addEventListener("online", wakeSoon);
  addEventListener("offline", wake);
  addEventListener("pageshow", (event) => event.persisted && wake());
  setInterval(() => {
    const slept = Date.now() - tickedAt > SLEPT_MS;
    tickedAt = Date.now();
    if (slept && Date.now() - lookedAt > SLEPT_MS) wake();  // else whatever woke it has looked
    app.tick();
  }, 1000);
  app.memory.onChange(() => act());

  look();
  /** The turn waits for a press, or no longer. */
  function setLater(later) {
    app.memory.set({ later });
    app.changed();
    act();
  }

  return { phase, look, join: start, leave, again, setLater };
}
