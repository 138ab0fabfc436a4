/* Words and formats in the visitor's language. Pages add their own words with `addWords`; a page that has
   words in more than English and Chinese says so with `speak` before it says anything. */

/** Every language: its name in itself, the locale of its numbers and times, and how it is written. */
const LANGUAGES = {
  en: { name: "English", locale: "en-GB", tag: "en", dir: "ltr" },
  zh: { name: "中文", locale: "zh-CN", tag: "zh-CN", dir: "ltr" },
  fi: { name: "Suomi", locale: "fi-FI", tag: "fi", dir: "ltr" },
  ar: { name: "العربية", locale: "ar-EG", tag: "ar", dir: "rtl" },
};
const words = { en: {}, zh: {}, fi: {}, ar: {} };
const listeners = new Set();
const KEY = "dropgate.lang";

function stored(name) {
  try { return localStorage.getItem(name); } catch { return null; }
}
let spoken = ["en", "zh"];
let current = first();

function first() {
  const asked = new URLSearchParams(location.search).get("lang") ?? stored(KEY);
  if (spoken.includes(asked)) return asked;
  const wanted = (navigator.languages ?? [navigator.language]).map((one) => one.toLowerCase().split("-")[0]);
  return wanted.find((one) => spoken.includes(one)) ?? "en";
}

/** The page has words in these languages. */
export function speak(languages) {
  spoken = languages;
  current = first();
}

/** The languages of this page, as [code, its name in itself]. */
export const languages = () => spoken.map((one) => [one, LANGUAGES[one].name]);

/** The language now, by its code. */
export const lang = () => current;

/** Change the language, remember it, and tell everybody who listens. */
export function setLang(to) {
  current = to;
  try { localStorage.setItem(KEY, to); } catch { /* a private window: it lasts as long as the page */ }
  translate(document);
  for (const listener of listeners) listener(current);
}

/** Call `listener` whenever the language changes. */
export function onLanguage(listener) { listeners.add(listener); }

/** Add words: `{en: {key: "text {name}"}, zh: {…}}`. */
export function addWords(more) {
  for (const [language, texts] of Object.entries(more)) Object.assign(words[language], texts);
}

/** Whether there are words for a key. */
export const has = (key) => key in words[current] || key in words.en;

/** The keys that a language has words for, and their words. */
export const allWords = (language) => ({ ...words[language] });

/** The words of a key, with `{name}` filled from `facts`. A key without words is shown itself. */
export function t(key, facts = {}) {
  const text = words[current][key] ?? words.en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in facts ? String(facts[name]) : whole));
}

/** Fill every element that names its words: data-t, data-t-label, data-t-placeholder. */
export function translate(root) {
  document.documentElement.lang = LANGUAGES[current].tag;
  document.documentElement.dir = LANGUAGES[current].dir;
  for (const one of root.querySelectorAll("[data-t]")) one.textContent = t(one.dataset.t);
  for (const one of root.querySelectorAll("[data-t-label]")) one.setAttribute("aria-label", t(one.dataset.tLabel));
  for (const one of root.querySelectorAll("[data-t-placeholder]")) one.placeholder = t(one.dataset.tPlaceholder);
}

const locale = () => LANGUAGES[current].locale;

/** An amount of minor units in its currency: 760, "CNY" → ¥7.60. */
export function money(minor, currency) {
  const format = new Intl.NumberFormat(locale(), { style: "currency", currency, currencyDisplay: "narrowSymbol" });
  return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
}

/** A whole or short decimal number. */
export const number = (value, digits = 0) => new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(value);

/** The time of day in a time zone (the device's own by default). */
export const time = (ms, zone = undefined, seconds = false) => new Intl.DateTimeFormat(locale(), {
  hour: "2-digit", minute: "2-digit", ...(seconds ? { second: "2-digit" } : {}), hour12: false, timeZone: zone,
}).format(ms);

/** The day, with its weekday, in a time zone. */
export const date = (ms, zone = undefined) => new Intl.DateTimeFormat(locale(), {
  weekday: "short", day: "numeric", month: "short", timeZone: zone,
}).format(ms);

/** A countdown: 93784000 → "1 d 02:03:04", 184000 → "3:04". */
export function countdown(ms) {
  const all = Math.max(0, Math.ceil(ms / 1000));
  const digits = (least) => new Intl.NumberFormat(locale(), { minimumIntegerDigits: least, useGrouping: false }).format;
  const [one, two] = [digits(1), digits(2)];
  const [days, hours, minutes, seconds] = [Math.floor(all / 86400), Math.floor(all / 3600) % 24, Math.floor(all / 60) % 60, all % 60];
  if (days > 0) return `${one(days)}${t("unit.day")} ${two(hours)}:${two(minutes)}:${two(seconds)}`;
  return hours > 0 ? `${one(hours)}:${two(minutes)}:${two(seconds)}` : `${one(minutes)}:${two(seconds)}`;
}

/** A span in words, rounded as a person would: "less than a minute", "about 12 min". */
export function duration(ms) {
  const minutes = ms / 60000;
  if (minutes < 1) return t("span.less");
  if (minutes < 90) return t("span.minutes", { n: Math.round(minutes) });
  return t("span.hours", { n: number(minutes / 60, 1) });
}

addWords({
  en: {
    "dialog.cancel": "Cancel", "dialog.type": "Type {text} to go on",
    "head.skip": "Skip to the content", "head.languages": "Language", "head.lang": "中文", "head.lang.label": "切换到中文",
    "head.theme": "Change between light and dark",
    "unit.day": " d", "span.less": "less than a minute", "span.minutes": "about {n} min", "span.hours": "about {n} h",
    "net.again": "No answer yet. Asking again with the same key, so nothing happens twice.",
  },
  zh: {
    "dialog.cancel": "取消", "dialog.type": "输入 {text} 以继续",
    "head.skip": "跳到正文", "head.languages": "语言", "head.lang": "EN", "head.lang.label": "Switch to English",
    "head.theme": "切换浅色与深色",
    "unit.day": " 天", "span.less": "不到一分钟", "span.minutes": "约 {n} 分钟", "span.hours": "约 {n} 小时",
    "net.again": "还没有收到答复。正在用同一个键重试，不会重复处理。",
  },
  fi: {
    "dialog.cancel": "Peruuta", "dialog.type": "Kirjoita {text} jatkaaksesi",
    "head.skip": "Siirry sisältöön", "head.languages": "Kieli", "head.lang": "EN", "head.lang.label": "Switch to English",
    "head.theme": "Vaihda vaalea tai tumma",
    "unit.day": " pv", "span.less": "alle minuutti", "span.minutes": "noin {n} min", "span.hours": "noin {n} h",
    "net.again": "Vastausta ei ole vielä tullut. Kysytään uudelleen samalla avaimella, joten mitään ei tapahdu kahdesti.",
  },
  ar: {
    "dialog.cancel": "إلغاء", "dialog.type": "اكتب {text} للمتابعة",
    "head.skip": "انتقل إلى المحتوى", "head.languages": "اللغة", "head.lang": "EN", "head.lang.label": "Switch to English",
    "head.theme": "تبديل بين الفاتح والداكن",
    "unit.day": " يوم", "span.less": "أقل من دقيقة", "span.minutes": "نحو {n} دقيقة", "span.hours": "نحو {n} ساعة",
    "net.again": "لم تصل إجابة بعد. نسأل مرة أخرى بالمفتاح نفسه، فلا يحدث شيء مرتين.",
  },
});
