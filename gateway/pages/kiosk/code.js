/* Pickup codes as people type them and scanners send them. The server decides; here is only help. */

export const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
export const LENGTH = 16;
const LOOK_ALIKES = { O: "0", I: "1", L: "1", U: "V" };
const SEPARATORS = /[\s\-\u2010-\u2015]+/g;
const POLYNOMIAL = 0b100101; // x^5 + x^2 + 1, as the codes' check is made

function times(left, right) {
  let product = 0;
  for (; right; right >>= 1) {
    if (right & 1) product ^= left;
    left <<= 1;
    if (left & 32) left ^= POLYNOMIAL;
  }
  return product;
}

/** Upper case, narrow letters, without spaces and hyphens: what the server reads. */
export const plain = (text) => text.normalize("NFKC").replace(SEPARATORS, "").toUpperCase();

const folded = (text) => [...plain(text)].map((symbol) => LOOK_ALIKES[symbol] ?? symbol).join("");

/** Whether the check symbol of sixteen symbols is right. */
export function isSound(text) {
  const symbols = folded(text);
  if (symbols.length !== LENGTH) return false;
  let sum = 0;
  let weight = 1;
  for (let at = LENGTH - 1; at >= 0; at -= 1) {
    const value = ALPHABET.indexOf(symbols[at]);
    if (value < 0) return false;
    sum ^= times(value, weight);
    weight = times(weight, 2);
  }
  return sum === 0;
}

/** What can be said of a text before it is sent: "empty", "begun", "sound", "mistyped" or "other". */
export function looks(text) {
  const symbols = folded(text);
  if (symbols === "") return "empty";
  if ([...symbols].some((symbol) => !ALPHABET.includes(symbol)) || symbols.length > LENGTH) return "other";
  if (symbols.length < LENGTH) return "begun";
  return isSound(symbols) ? "sound" : "mistyped";
}

/** A text in groups of four, as far as it is letters and digits; anything else stays as it is. */
export function grouped(text) {
  const symbols = plain(text);
  return /^[0-9A-Z]*$/.test(symbols) ? (symbols.match(/.{1,4}/g) ?? []).join("-") : text;
}

/** A code as it may be shown afterwards and kept. */
export const masked = (text) => `••••-${plain(text).slice(-2)}`;

/** The code in what was read: out of a QR's text, without what a scanner puts around it. */
export function extracted(text) {
  const read = text.normalize("NFKC").replace(/[\u0000-\u001f\u007f]/g, "").trim();
  const signed = /DG1[^0-9A-Z]([0-9A-Z]{16})(?![0-9A-Z])/.exec(read.toUpperCase());
  if (signed) return grouped(signed[1]);
  return grouped(read.replace(/^\][A-Za-z][0-9A-Za-z]/, "")); // a reader's mark of the symbology
}
