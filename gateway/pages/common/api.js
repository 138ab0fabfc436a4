/* Calls to the public API: one shape of answer, the server's clock, and writes that repeat safely. */

const CLOCK_OFF_MS = 5_000;
let offsetMs = 0;
let offsetKnown = false;

/** The server's time now, as far as its answers told it. */
export const serverNow = () => Date.now() + offsetMs;

/** Learn the server's clock from a time that it put into an answer it made just now. */
export function learnClock(serverMs, halfTripMs = 0) {
  offsetMs = serverMs + halfTripMs - Date.now();
  offsetKnown = true;
}

/** A key of the client's own making: the same for every try of one write. */
export const newKey = () => (crypto.randomUUID ? crypto.randomUUID()
  : [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join(""));

/**
 * One call. Resolves to {status, ok, body, text, problem, headers}; never throws for an answer.
 * No answer at all is a problem with the code "unreachable" and status 0.
 */
export async function call(method, path, { auth = null, body = undefined, key = null, query = null, accept = null, headers = {}, type = "application/json", signal = undefined, timeoutMs = 8000, credentials = "omit" } = {}) {
  const sent = { ...headers };
  if (auth) sent.Authorization = auth;
  if (key) sent["Idempotency-Key"] = key;
  if (accept) sent.Accept = accept;
  const raw = typeof body === "string" || body instanceof Blob;
  if (body !== undefined) sent["Content-Type"] = type;
  const asked = query === null ? "" : `?${new URLSearchParams(Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== ""))}`;
  const timer = new AbortController();
  const ends = [AbortSignal.timeout(timeoutMs), timer.signal, ...(signal ? [signal] : [])];
  const begun = performance.now();
  let response;
  let text;
  try {
    response = await fetch(path + asked, {
      method, headers: sent, body: body === undefined ? undefined : raw ? body : JSON.stringify(body),
      signal: anyOf(ends, timer), cache: "no-store", credentials,
    });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    return nobody();
  }
  const told = Date.parse(response.headers.get("Date") ?? "");
  // The header has whole seconds: half a second is its middle. It also tells when the device's clock was put right.
  const off = told + 500 + (performance.now() - begun) / 2 - serverNow();
  if (Number.isFinite(off) && (!offsetKnown || Math.abs(off) > CLOCK_OFF_MS)) offsetMs += off;
  return understood(response, text);
}

function anyOf(signals, timer) {
  if (AbortSignal.any) return AbortSignal.any(signals);
  for (const one of signals) one.addEventListener("abort", () => timer.abort(), { once: true });
  return timer.signal;
}

const nobody = () => ({ status: 0, ok: false, body: null, text: "", problem: { code: "unreachable", status: 0 }, headers: new Headers() });

/* A success that no call of ours gives comes from something between, such as a network's sign-in page. */
function understood(response, text) {
  const type = response.headers.get("Content-Type") ?? "";
  let value = null;
  let foreign = /html/.test(type);
  if (/json/.test(type) && !/ndjson/.test(type) && text) {
    try { value = JSON.parse(text); } catch { foreign = true; }
  }
  if (response.ok && foreign) return nobody();
  const problem = response.ok ? null : value?.code ? value : { code: response.status >= 500 ? "unreachable" : "bad_http", status: response.status };
  return { status: response.status, ok: response.ok, body: response.ok ? value : null, text, problem, headers: response.headers };
}

const AGAIN = new Set([0, 500, 502, 503, 504]);
const pause = (ms, signal) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, ms);
  signal?.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
});

/**
 * A write that is repeated with the same key until an answer came: on no answer, 500 and 502 to 504.
 * `onRetry(n, problem)` hears of each repeat. Any other answer, a refusal too, ends it.
 */
export async function write(method, path, options) {
  const { key, signal, onRetry = () => {}, ...rest } = options;
  if (!key) throw new Error("a write needs a key that its caller keeps");
  for (let tries = 1; ; tries += 1) {
    const answer = await call(method, path, { ...rest, key, signal });
    if (!AGAIN.has(answer.status)) return answer;
    onRetry(tries, answer.problem);
    const told = Number(answer.headers.get("Retry-After")) * 1000;
    const grown = Math.min(8000, 500 * 2 ** (tries - 1));
    await pause((told > 0 ? Math.min(told, 8000) : grown) * (0.8 + 0.4 * Math.random()), signal);
  }
}
