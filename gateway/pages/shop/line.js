/* The line as a machine: from what is known follows one phase, and from the phase what the page does.
   Pure. What is known comes from the frame, from what this browser keeps, and from the clock, so a
   reload, a second tab and a sleep all end in the same phase. */

import { ahead } from "./estimate.js";

/** What the page does in each phase by itself: look at the frame, claim, or nothing but look seldom. */
export const PHASES = {
  loading: { does: "look" },   // the frame has not come yet
  closed: { does: "rest" },    // the room takes nobody in any more, for good
  draining: { does: "look" },  // nobody new; who is inside may finish
  early: { does: "look" },     // before the lobby of the first drop
  signin: { does: "look" },    // one could join, once the shop has said who one is
  ready: { does: "look" },     // one press from the line
  joining: { does: "join" },   // pressed; no answer yet
  waiting: { does: "look" },   // in line
  called: { does: "claim" },   // the number has come; the pass is being asked for
  gone: { does: "look" },      // this turn will not come (again); the reason is kept
  inside: { does: "look" },    // a pass: the till's own machine goes on from here
};

/** The phase. `kept` is what memory.js keeps, `login` null or the sign-in, `nowMs` the server's time. */
export function lineOf({ frame, kept, login, nowMs }) {
  if (frame === null) return "loading";
  if (isPassGood(kept.pass, nowMs)) return "inside";
  if (kept.gone || kept.pass) return "gone";
  if (kept.place) return ofPlace(frame, kept.place);
  if (frame.state === "closed") return "closed";
  if (frame.state === "draining") return "draining";
  if (kept.joinKey) return login ? "joining" : "signin";
  if (frame.drop === 0) return "early";
  return login ? "ready" : "signin";
}

function ofPlace(frame, place) {
  if (place.drop < frame.drop || place.epoch < frame.epoch) return "gone";
  if (frame.state === "closed") return "closed";
  const called = place.drop === frame.drop && place.epoch === frame.epoch && ahead(place, frame) === 0;
  return called && frame.state === "open" ? "called" : "waiting";
}

/** Whether a pass can still buy: it is in its time and has bought nothing yet. */
export const isPassGood = (pass, nowMs) => Boolean(pass) && !pass.used && pass.expiresMs > nowMs;

/** Why a turn is gone: what the server said, or used (it bought an order), spent (ran out), over. */
export function goneReason(kept) {
  if (kept.gone) return kept.gone.reason;
  if (!kept.pass) return "over";
  return kept.pass.used ? "used" : "spent";
}

/** From when on the same person may have a new place: not before the old pass has ended. */
export const againFromMs = (kept) => kept.pass?.expiresMs ?? 0;

/** What rules the room now, as the key of a sentence. */
export function ruling(frame) {
  if (frame.state === "lobby") return frame.reason === "draw" ? "rule.open.draw" : "rule.lobby";
  if (frame.state === "paused" && frame.reason === "store") return "rule.open.store";
  if (frame.state !== "open") return `rule.${frame.state}`;
  return `rule.open.${frame.reason}`;
}

/** Why the wait is longer than it was, as the key of a sentence: what brakes the room, or that the line was slower. */
export const longerBecause = (frame) => (frame.state !== "open" || ["operator", "opening", "draw"].includes(frame.reason)
  ? "eta.slower" : ruling(frame));
