/* An allotment's codes, taken whole: resumed by the last whole line whenever the line breaks. */

const PAUSE_MS = 1000;
const TRIES_MAX = 30;
const TYPES = { ndjson: "application/x-ndjson", csv: "text/csv" };

/** The unit of a line, or null for a line of names. */
function unitOf(line, format) {
  if (format === "ndjson") return JSON.parse(line).unit;
  return /^\d/.test(line) ? Number(line.split(",", 1)[0]) : null;
}

/**
 * The lines of all units, as parts of a file. `told(n)` hears how many units there are so far.
 * Rejects with a problem when it is refused, and when it breaks too often.
 */
export async function codesOf(session, allotment, format, told) {
  const taken = { parts: [], units: 0, after: -1 };
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const query = new URLSearchParams({ sale: allotment.sale, after: taken.after });
    const path = `/v1/partner/allotments/${encodeURIComponent(allotment.id)}/codes?${query}`;
    try {
      const response = await fetch(path, { headers: { Authorization: session.auth, Accept: TYPES[format] }, cache: "no-store" });
      if (!response.ok && response.status < 500 && response.status !== 429) throw await response.json();
      if (response.ok) {
        await read(response.body, format, taken, told);
        if (taken.after === Number(response.headers.get("Dropgate-Last-Unit"))) return taken.parts;
      }
    } catch (problem) {
      if (problem?.code) throw problem;
    }
    await new Promise((resolve) => { setTimeout(resolve, PAUSE_MS); });
  }
  throw { code: "unreachable", status: 0 };
}

/** Add a body's whole lines to what was taken; a line that was cut is left to the next try. */
async function read(body, format, taken, told) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const text = rest + value;
    const end = text.lastIndexOf("\n") + 1;
    rest = text.slice(end);
    const lines = text.slice(0, end).split("\n").slice(0, -1);
    if (lines.length === 0) continue;
    taken.parts.push(text.slice(0, end));
    const units = lines.map((line) => unitOf(line, format)).filter((unit) => unit !== null);
    taken.units += units.length;
    taken.after = units.at(-1) ?? taken.after;
    told(taken.units);
  }
}
