/* Scanners that type: they press keys, faster than anybody, and know nothing of the device's layout. */

const GAP_MS = 120;
const AVERAGE_MS = 45;
const STROKES_MIN = 6;
const SHIFTED = { Minus: "_", Period: ">", Comma: "<", Slash: "?", Semicolon: ":", Equal: "+" };
const UNSHIFTED = { Minus: "-", Period: ".", Comma: ",", Slash: "/", Semicolon: ";", Equal: "=", Space: " " };

/** What a key would write on the keyboard that scanners take theirs for. */
function byPlace(event) {
  const letter = /^Key([A-Z])$/.exec(event.code) ?? /^(?:Digit|Numpad)([0-9])$/.exec(event.code);
  if (letter) return letter[1];
  return (event.shiftKey ? SHIFTED : UNSHIFTED)[event.code] ?? "";
}

/** The keys of the last moments, as far as they came without a pause. */
export class Strokes {
  #taken = [];

  /** A key went down. */
  push(event) {
    const last = this.#taken.at(-1);
    if (last && event.timeStamp - last.at > GAP_MS) this.#taken = [];
    const isText = event.key.length === 1;
    const place = byPlace(event);
    if (!isText && place === "") return; // Shift and its like
    this.#taken.push({ at: event.timeStamp, written: isText ? event.key : "", place });
  }

  /** Whether no key that writes has come. */
  get isEmpty() { return this.#taken.length === 0; }

  /** Whether a machine is typing right now. */
  get fast() {
    if (this.#taken.length < STROKES_MIN) return false;
    const span = this.#taken.at(-1).at - this.#taken[0].at;
    return span / (this.#taken.length - 1) <= AVERAGE_MS;
  }

  /** What was typed, read by the device's layout and by the places of the keys; then forgotten. */
  take() {
    const read = [this.#taken.map((one) => one.written).join(""), this.#taken.map((one) => one.place).join("")];
    this.#taken = [];
    return read;
  }
}
