/* One worker's share of the tries: every `step`-th number from `start` on, until one of them fits. */

const hex = (text) => Uint8Array.from(text.match(/../g) ?? [], (two) => parseInt(two, 16));
const text = (bytes) => [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");

onmessage = async ({ data: { parameters, start, step } }) => {
  const hash = parameters.algorithm.replace("PBKDF2/", "");
  const rule = { name: "PBKDF2", hash, salt: hex(parameters.salt), iterations: parameters.cost };
  const nonce = hex(parameters.nonce);
  const password = new Uint8Array([...nonce, 0, 0, 0, 0]);
  const counter = new DataView(password.buffer, nonce.length);
  for (let tried = start; tried < 2 ** 32; tried += step) {
    counter.setUint32(0, tried);
    const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
    const derived = text(new Uint8Array(await crypto.subtle.deriveBits(rule, key, parameters.keyLength * 8)));
    if (derived.startsWith(parameters.keyPrefix)) {
      postMessage({ counter: tried, derivedKey: derived });
      return;
    }
  }
};
