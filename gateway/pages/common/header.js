/* The top of a page: where one is, the language, light or dark. */

import { $, $$, h, openSpeaker } from "./dom.js";
import { lang, languages, onLanguage, setLang, t, translate } from "./i18n.js";

const KEY = "dropgate.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

function asked() {
  try { return localStorage.getItem(KEY); } catch { return null; }
}

function theme() {
  const wanted = asked();
  return wanted === "light" || wanted === "dark" ? wanted : dark.matches ? "dark" : "light";
}

function showTheme() {
  document.documentElement.dataset.theme = theme();
  document.dispatchEvent(new CustomEvent("themechange"));
}

function turnTheme() {
  try { localStorage.setItem(KEY, theme() === "dark" ? "light" : "dark"); } catch { return; }
  showTheme();
}

const mark = () => h("svg", { viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": "2.2", "stroke-linecap": "round", "aria-hidden": "true" },
  h("path", { d: "M5 21V9a7 7 0 0 1 14 0v12" }), h("path", { d: "M12 7v9m-3.2-3L12 16.2 15.2 13" }));

const half = () => h("svg", { viewBox: "0 0 24 24", width: "20", height: "20", "aria-hidden": "true" },
  h("circle", { cx: "12", cy: "12", r: "8", fill: "none", stroke: "currentColor", "stroke-width": "2" }),
  h("path", { d: "M12 4a8 8 0 0 1 0 16Z", fill: "currentColor" }));

/** Between two languages: one press. */
function toggle() {
  const root = h("button", { class: "button quiet", type: "button", onclick: () => setLang(lang() === "en" ? "zh" : "en") });
  return {
    root,
    update() {
      root.textContent = t("head.lang");
      root.setAttribute("aria-label", t("head.lang.label"));
      root.lang = lang() === "en" ? "zh-CN" : "en";
    },
  };
}

/** Among several: each by its own name, so that one's own is found in whatever stands there. */
function choice() {
  const options = languages().map(([code, name]) => h("option", { value: code, lang: code }, name));
  const root = h("select", { class: "language", onchange: () => setLang(root.value) }, options);
  return {
    root,
    update() {
      root.value = lang();
      root.setAttribute("aria-label", t("head.languages"));
    },
  };
}

/** Put the header before the page's <main>. `title` is a key of words; `home` a path or null. */
export function mountHeader({ title, home = "/", tools = [] }) {
  const skip = h("a", { class: "skip", href: "#main" });
  const words = h("span", {});
  const language = languages().length > 2 ? choice() : toggle();
  const shade = h("button", { class: "button quiet", type: "button", onclick: turnTheme }, half());
  const brand = home === null ? h("span", { class: "brand" }, mark(), words) : h("a", { class: "brand", href: home }, mark(), words);
  for (const written of $$("body > .skip, body > .top")) written.remove();  // the server's own, on a page that it writes
  document.body.prepend(skip, h("header", { class: "top" }, brand, h("div", { class: "tools" }, ...tools, language.root, shade)));
  const show = () => {
    skip.textContent = t("head.skip");
    words.textContent = t(title);
    language.update();
    shade.setAttribute("aria-label", t("head.theme"));
    shade.title = t("head.theme");
  };
  $("main").id = "main";
  $("main").tabIndex = -1;
  openSpeaker();
  onLanguage(show);
  dark.addEventListener("change", showTheme);
  show();
  showTheme();
  translate(document);
}
