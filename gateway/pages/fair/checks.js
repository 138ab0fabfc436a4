/* What can be checked of a draw, each thing as {what, holds}. Pure; what is malformed does not hold. */

import { ALGORITHM, commitmentOf, digestOf, hex, leafOf, LEAF_BYTES, listDigestOf, permutation, randomnessOf, roundFor, seedOf } from "./draw.js";

/** What never changes once it is there. */
export const LASTING = ["commitment", "beacon", "digest", "fixed_at_ms", "seed"];

const holds = (check) => {
  try {
    return Boolean(check());
  } catch {
    return false;
  }
};

/** All that follows from the document alone, as far as the draw is. */
export function checksOf(draw) {
  const found = [];
  const add = (what, check) => found.push({ what, holds: holds(check) });
  if (draw.algorithm !== ALGORITHM) add("known", () => false);
  if (draw.digest) add("list", () => digestOf(draw.lanes) === draw.digest);
  if (!draw.seed) return found;
  add("secret", () => commitmentOf(draw) === draw.commitment);
  const beacon = holds(() => beaconFits(draw));
  if (draw.beacon_outcome === "used" || !beacon) add("beacon", () => beacon);
  add("seed", () => seedOf(draw) === draw.seed);
  add("turns", () => draw.vectors.every((one) => one.number <= draw.lanes[one.lane].registered && turnOf(draw, one) === one.turn));
  return found;
}

function beaconFits(draw) {
  if (draw.beacon_outcome === "used") return randomnessOf(draw.signature) === draw.randomness && roundFor(draw.beacon, draw.fixed_at_ms) === draw.round;
  return draw.randomness === "" && (draw.beacon_outcome === "unanswered" || draw.beacon === "");
}

const made = new Map();

function turns(draw, lane) {
  const n = draw.lanes[lane].registered;
  const key = `${draw.seed} ${lane} ${n}`;
  if (!made.has(key)) made.set(key, permutation(draw.seed, lane, n));
  return made.get(key);
}

/** The turn of a place by the document: its number where it came after the doors had opened; 0: not drawn yet. */
export function turnOf(draw, { lane, number }) {
  if (number > draw.lanes[lane].registered) return number;
  return draw.seed ? turns(draw, lane)(number) : 0;
}

/** What the lists themselves show, by lane, and whether a place of this browser is on its list. */
export function checksOfLists(draw, lists, place, joinKey) {
  const found = [{ what: "whole", holds: lists.every((leaves, lane) => leaves.length === LEAF_BYTES * draw.lanes[lane].registered
    && listDigestOf(draw, lane, leaves) === draw.lanes[lane].digest) }];
  if (draw.seed) found.push({ what: "each", holds: holds(() => draw.lanes.every((_, lane) => isBijection(draw, lane))) });
  if (place && joinKey && place.number <= draw.lanes[place.lane].registered) {
    const at = (place.number - 1) * LEAF_BYTES;
    found.push({ what: "mine", holds: hex(lists[place.lane].subarray(at, at + LEAF_BYTES)) === leafOf(draw, joinKey), number: place.number });
  }
  return found;
}

function isBijection(draw, lane) {
  const n = draw.lanes[lane].registered;
  const taken = new Uint8Array(n);
  for (let number = 1; number <= n; number += 1) taken[turnOf(draw, { lane, number }) - 1] = 1;
  return taken.every(Boolean);
}

/** What is another than in a copy of before. */
export const changedSince = (copy, draw) => LASTING.filter((name) => copy[name] && copy[name] !== draw[name]);
