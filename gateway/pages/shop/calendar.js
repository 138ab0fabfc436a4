/* An order as an iCalendar file (RFC 5545). Codes are not in it: calendars are shared and synchronised. */

const stamp = (ms) => new Date(ms).toISOString().replace(/[-:]/g, "").replace(/\.\d{3}/, "");
const text = (value) => value.replace(/[\\;,]/g, "\\$&").replace(/\n/g, "\\n");

/* Lines have at most 75 bytes; what follows stands on the next one after a space. */
function folded(line) {
  const lines = [""];
  let bytes = 0;
  for (const symbol of line) {
    const size = new TextEncoder().encode(symbol).length;
    if (bytes + size > 74) {
      lines.push(" ");
      bytes = 1;
    }
    lines[lines.length - 1] += symbol;
    bytes += size;
  }
  return lines.join("\r\n");
}

/** The file. `events` are {id, title, startsMs, endsMs, place, note}. */
export function calendar(events, nowMs, host) {
  const lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Dropgate//shop//EN"];
  for (const one of events) {
    lines.push(
      "BEGIN:VEVENT", `UID:${one.id}@${host}`, `DTSTAMP:${stamp(nowMs)}`,
      `DTSTART:${stamp(one.startsMs)}`, `DTEND:${stamp(one.endsMs)}`,
      `SUMMARY:${text(one.title)}`, `LOCATION:${text(one.place)}`, `DESCRIPTION:${text(one.note)}`,
      "END:VEVENT",
    );
  }
  return [...lines, "END:VCALENDAR", ""].map(folded).join("\r\n");
}
