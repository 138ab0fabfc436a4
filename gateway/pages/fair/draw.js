/* The draw, computed again as docs/fairness.md says. Pure. Digests are hexadecimal, as the document has them. */

import { hmac, join, sha256 } from "./sha256.js";

export const ALGORITHM = "dropgate-draw-1";
export const LEAF_BYTES = 16;
const PIECE_BYTES = 65_536;
const ROUNDS = 64;

const encoder = new TextEncoder();
const text = (...words) => encoder.encode([ALGORITHM, ...words].join("|"));

export const hex = (bytes) => [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");

/** The bytes of hexadecimal digits. Throws for anything else. */
export function unhex(digits) {
  if (!/^([0-9a-f]{2})*$/.test(digits)) throw new Error("not hexadecimal");
  return Uint8Array.from(digits.match(/../g) ?? [], (two) => parseInt(two, 16));
}

export const lineOf = ({ sale, drop, epoch }) => `${sale}|${drop}|${epoch}`;

export const commitmentOf = (draw) => hex(sha256(join(text("commitment", lineOf(draw), draw.beacon, ""), unhex(draw.secret))));

export const leafOf = (draw, joinKey) => hex(sha256(text("leaf", lineOf(draw), joinKey)).subarray(0, LEAF_BYTES));

export const digestOf = (lanes) => hex(sha256(text("lists", ...lanes.map((lane) => `${lane.registered}:${lane.digest}`))));

export const seedOf = (draw) => hex(hmac(unhex(draw.secret), text("seed", lineOf(draw), draw.digest, draw.randomness)));

/** The digest of one lane's list, from its bytes. */
export function listDigestOf(draw, lane, leaves) {
  let made = sha256(text("list", lineOf(draw), lane));
  for (let at = 0; at < leaves.length; at += PIECE_BYTES) made = sha256(join(made, leaves.subarray(at, at + PIECE_BYTES)));
  return hex(made);
}

/** The round of a beacon that a list fixed at that time is drawn with, from the beacon's terms. */
export function roundFor(terms, fixedMs) {
  const [, , genesis, period, delay] = terms.split(" ").map(Number);
  return Math.ceil((Math.max(fixedMs + delay, genesis) - genesis) / period) + 1;
}

export const randomnessOf = (signature) => hex(sha256(unhex(signature)));

/** From a number of a lane to its turn, for 1 to n. Its tables are made at once, a turn takes nothing then. */
export function permutation(seed, lane, n) {
  const a = Math.ceil(Math.sqrt(n));
  const b = Math.ceil(n / a);
  const message = join(unhex(seed), new Uint8Array(18));
  const view = new DataView(message.buffer);
  view.setUint8(32, lane);
  view.setUint32(37, n);
  const tables = Array.from({ length: ROUNDS }, (_, round) => {
    view.setUint8(41, round);
    const [values, size] = round % 2 === 0 ? [b, a] : [a, b];
    return Float64Array.from({ length: values }, (__, value) => {
      view.setUint32(46, value);
      const made = new DataView(sha256(message).buffer);
      return (made.getUint16(0) * 2 ** 32 + made.getUint32(2)) % size;  // 48 bits: exact
    });
  });
  return (number) => {
    for (let at = number - 1; ;) {
      let left = Math.floor(at / b);
      let right = at % b;
      for (let round = 0; round < ROUNDS; round += 2) {
        left = (left + tables[round][right]) % a;
        right = (right + tables[round + 1][left]) % b;
      }
      at = left * b + right;
      if (at < n) return at + 1;  // who lands beyond the list walks on
    }
  };
}
