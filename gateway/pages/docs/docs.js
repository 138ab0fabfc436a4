/* The description of the interface, shown by a vendored viewer; it asks nobody but this origin. */

import { $ } from "../common/dom.js";
import { mountHeader } from "../common/header.js";
import { addWords, onLanguage, t } from "../common/i18n.js";

addWords({
  en: {
    "docs.head": "API", "docs.title": "The interface", "docs.json": "openapi.json", "docs.try": "Try it with a partner's key",
    "docs.text": "Every call, with what it takes, answers and refuses. It is made from the very types that the server reads with.",
  },
  zh: {
    "docs.head": "接口", "docs.title": "接口说明", "docs.json": "openapi.json", "docs.try": "用合作方密钥试调用",
    "docs.text": "所有调用及其参数、答复和拒绝原因，由服务器实际使用的类型生成。以下内容为英文。",
  },
});

function shade() {
  document.documentElement.classList.toggle("dark-mode", document.documentElement.dataset.theme === "dark");
}

document.addEventListener("themechange", shade);
mountHeader({ title: "docs.head", home: null });
const title = () => { document.title = `${t("docs.head")} · Dropgate`; };
onLanguage(title);
title();
shade();
const viewer = $("#viewer");
viewer.lang = "en";
// Its examples scroll by themselves: a keyboard must be able to get into them.
new MutationObserver(() => {
  for (const one of viewer.querySelectorAll("pre:not([tabindex]), .microlight:not([tabindex])")) one.tabIndex = 0;
}).observe(viewer, { childList: true, subtree: true });
window.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#viewer",
  deepLinking: false, // its links would stand inside buttons
  validatorUrl: null, // the viewer's own way would ask a server of somebody else's
  persistAuthorization: false,
  displayRequestDuration: true,
  filter: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
});
