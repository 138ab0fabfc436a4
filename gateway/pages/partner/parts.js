/* Parts that several of the partner's views have. */

import { fill, h, toast } from "../common/dom.js";
import { number, t } from "../common/i18n.js";
import { problemText } from "../common/problems.js";

/** A number of units in words. */
export const units = (n) => t(n === 1 ? "unit" : "units", { n: number(n) });

/** A notice with a problem's words. */
export const trouble = (problem, facts) => h("p", { class: "notice bad", role: "alert" }, h("span", {}, problemText(problem, facts)));

/** A table; on a phone each row is a card of its own. `heads` are texts, or [text, "number"]. */
export function table(label, heads, rows) {
  for (const row of rows) for (const [at, cell] of [...row.cells].entries()) cell.dataset.label = [heads[at]].flat()[0];
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
    h("table", { class: "table cards" },
      h("thead", {}, h("tr", {}, heads.map((head) => { const [text, kind] = [head].flat(); return h("th", { scope: "col", class: kind }, text); }))),
      h("tbody", {}, rows)));
}

/** A button that copies what `text()` says. */
export function copyButton(text, label = t("copy")) {
  return h("button", { class: "button", type: "button", onclick: async () => {
    try { await navigator.clipboard.writeText(text()); toast(t("copied")); } catch { toast(t("copy.not")); }
  } }, label);
}

/** Give the person a file. */
export function hand(name, parts, type) {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Run `work` with a button disabled, and its words changed meanwhile. */
export async function busy(button, words, work) {
  const before = button.textContent;
  button.disabled = true;
  button.textContent = words;
  try { return await work(); } finally { button.disabled = false; button.textContent = before; }
}

/** A place that says what is being waited for, until `work` has filled it. */
export function loaded(work) {
  const place = h("div", { class: "stack", "aria-busy": "true" }, h("p", { class: "muted" }, t("loading")));
  work(place).then((parts) => { if (parts) fill(place, parts); place.removeAttribute("aria-busy"); });
  return place;
}
