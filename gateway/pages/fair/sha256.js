/* SHA-256 and HMAC without waiting. The browser's own is asked for one hash at a time, where drawing takes
   tens of thousands, and it is not there at all on a page that came without TLS. */

const ROUNDS = 64;
const BLOCK = 64;
const K = new Uint32Array(ROUNDS);
const START = new Uint32Array(8);
for (let number = 2, found = 0; found < ROUNDS; number += 1) {
  let isPrime = true;
  for (let by = 2; by * by <= number; by += 1) isPrime &&= number % by !== 0;
  if (!isPrime) continue;
  // As the standard says: the first 32 bits behind the point of the roots of the primes.
  if (found < 8) START[found] = (Math.sqrt(number) % 1) * 2 ** 32;
  K[found] = (Math.cbrt(number) % 1) * 2 ** 32;
  found += 1;
}
const words = new Uint32Array(ROUNDS);

function take(state, bytes, at) {
  for (let i = 0; i < 16; i += 1) {
    const from = at + 4 * i;
    words[i] = (bytes[from] << 24) | (bytes[from + 1] << 16) | (bytes[from + 2] << 8) | bytes[from + 3];
  }
  for (let i = 16; i < ROUNDS; i += 1) {
    const [x, y] = [words[i - 15], words[i - 2]];
    const small = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const large = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    words[i] = words[i - 16] + small + words[i - 7] + large;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < ROUNDS; i += 1) {
    const ofE = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const one = (h + ofE + ((e & f) ^ (~e & g)) + K[i] + words[i]) | 0;
    const ofA = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const two = (ofA + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  for (const [i, value] of [a, b, c, d, e, f, g, h].entries()) state[i] += value;
}

/** The 32 bytes of the SHA-256 of bytes. */
export function sha256(bytes) {
  const state = START.slice();
  const whole = bytes.length - (bytes.length % BLOCK);
  for (let at = 0; at < whole; at += BLOCK) take(state, bytes, at);
  const rest = bytes.subarray(whole);
  const tail = new Uint8Array(rest.length < BLOCK - 8 ? BLOCK : 2 * BLOCK);
  tail.set(rest);
  tail[rest.length] = 0x80;
  const end = new DataView(tail.buffer);
  end.setUint32(tail.length - 8, Math.floor(bytes.length / 2 ** 29));
  end.setUint32(tail.length - 4, bytes.length * 8);
  for (let at = 0; at < tail.length; at += BLOCK) take(state, tail, at);
  const made = new DataView(new ArrayBuffer(32));
  state.forEach((word, i) => made.setUint32(4 * i, word));
  return new Uint8Array(made.buffer);
}

/** Bytes after bytes. */
export function join(...parts) {
  const made = new Uint8Array(parts.reduce((all, one) => all + one.length, 0));
  let at = 0;
  for (const one of parts) {
    made.set(one, at);
    at += one.length;
  }
  return made;
}

/** The HMAC-SHA-256 of bytes. */
export function hmac(key, bytes) {
  const block = new Uint8Array(BLOCK);
  block.set(key.length > BLOCK ? sha256(key) : key);
  return sha256(join(block.map((one) => one ^ 0x5c), sha256(join(block.map((one) => one ^ 0x36), bytes))));
}
