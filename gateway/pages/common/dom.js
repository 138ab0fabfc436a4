/* Small helpers over the page's elements: making them, saying things aloud, asking back. */

import { t } from "./i18n.js";

/** The first element of a selector. */
export const $ = (selector, root = document) => root.querySelector(selector);

/** All elements of a selector, as an array. */
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/**
 * An element. `props` are attributes; `onclick` and its like are listeners, `class` is the class,
 * `value`/`checked`/`disabled`/`hidden` are properties, null and false leave an attribute out.
 * Children are elements, texts, or lists of them. Text is never read as HTML.
 */
export function h(tag, props = {}, ...children) {
  const svg = ["svg", "path", "circle", "rect", "line", "g"].includes(tag);
  const made = svg
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (["value", "checked", "disabled", "hidden"].includes(name)) made[name] = value;
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false));
  return made;
}

/** Put children in place of all that an element has. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false));
  return element;
}

let speaker = null;
/** Where what is said aloud stands: there before the first word, or a screen reader would miss that one. */
export function openSpeaker() {
  speaker ??= { polite: h("div", { "aria-live": "polite", class: "visually-hidden" }),
                assertive: h("div", { "aria-live": "assertive", class: "visually-hidden" }) };
  if (!speaker.polite.isConnected) document.body.append(speaker.polite, speaker.assertive);
  return speaker;
}

/** Have a screen reader say a text; `urgent` interrupts what it is saying. */
export function announce(text, urgent = false) {
  const place = openSpeaker()[urgent ? "assertive" : "polite"];
  place.textContent = place.textContent === text ? `${text}\u00a0` : text;
}

/** A short message that goes away by itself; said aloud too. */
export function toast(text, ms = 5000) {
  let place = $(".toasts");
  if (place === null) document.body.append((place = h("div", { class: "toasts" })));
  const shown = h("div", {}, text);
  place.append(shown);
  announce(text);
  setTimeout(() => shown.remove(), ms);
}

/**
 * Ask back before something that cannot be undone. Resolves to true or false.
 * With `typed` the same text must be typed first.
 */
export function confirmDialog({ title, text, action, danger = false, typed = null }) {
  return new Promise((resolve) => {
    const go = h("button", { class: `button ${danger ? "danger" : "primary"}`, value: "yes", disabled: typed !== null }, action);
    const field = typed === null ? null : h("div", { class: "field" },
      h("label", { for: "dialog-typed" }, t("dialog.type", { text: typed })),
      h("input", { id: "dialog-typed", autocomplete: "off", oninput: (event) => { go.disabled = event.target.value.trim() !== typed; } }));
    const dialog = h("dialog", { "aria-labelledby": "dialog-title" },
      h("form", { method: "dialog", class: "stack" },
        h("h2", { id: "dialog-title" }, title), h("p", {}, text), field,
        h("div", { class: "row" }, h("button", { class: "button", value: "no", type: "submit", formnovalidate: true }, t("dialog.cancel")), go)));
    dialog.addEventListener("close", () => { dialog.remove(); resolve(dialog.returnValue === "yes"); });
    document.body.append(dialog);
    dialog.showModal();
  });
}
