/* A place to try a signed call: every call of a partner, as the description has it. */

import { call, newKey } from "../common/api.js";
import { fill, h } from "../common/dom.js";
import { has, number, t } from "../common/i18n.js";
import { exampleOf, valueOf } from "./examples.js";
import { busy, copyButton, loaded, trouble } from "./parts.js";
import { dayOf } from "./session.js";

const SHOWN_CHARS = 100_000;
const TIMEOUT_MS = 30_000;
const HIDDEN = new Set(["partner_rotate"]); // it has its own place, where the new key is not lost
let chosen = "partner_me";

/** The view of trying. */
export function trialView(session) {
  return loaded(async () => {
    const [described, facts] = await Promise.all([call("GET", "/openapi.json"), factsOf(session)]);
    if (!described.ok) return trouble(described.problem);
    return trial(session, operationsOf(described.body), facts);
  });
}

/** What this partner has to name in calls: a sale, an offer of it, an allotment, today. */
async function factsOf(session) {
  const sale = session.me.sales.at(-1)?.id ?? "";
  const facts = { sale, offer: "", allotment: "", day: dayOf(Date.now(), session.zone) };
  if (!sale) return facts;
  const [offers, allotments] = await Promise.all([
    session.get(`/v1/sales/${sale}`, { query: { offers: 1, limit: 1 } }), session.get("/v1/partner/allotments", { query: { sale } })]);
  facts.offer = offers.body?.offers?.[0]?.offer ?? "";
  facts.allotment = allotments.body?.allotments?.[0]?.id ?? "";
  return facts;
}

/** The calls that a partner's key may make, out of the description. */
function operationsOf(description) {
  const all = Object.entries(description.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, said]) => ({
    id: said.operationId, method: method.toUpperCase(), path, summary: said.summary, parameters: said.parameters ?? [],
    media: Object.keys(said.requestBody?.content ?? {})[0] ?? null, mine: (said.security ?? []).some((one) => "partner" in one),
    accepts: [...new Set(Object.values(said.responses).flatMap((one) => Object.keys(one.content ?? {})))].filter((type) => !type.includes("problem")),
  })));
  return all.filter((one) => one.mine && !HIDDEN.has(one.id));
}

function trial(session, operations, facts) {
  const place = h("div", { class: "stack" });
  const select = h("select", { id: "operation", onchange: () => { chosen = select.value; draw(); } },
    operations.map((one) => h("option", { value: one.id }, `${one.method} ${one.path}`)));
  select.value = operations.some((one) => one.id === chosen) ? chosen : operations[0].id;
  const draw = () => fill(place, form(session, operations.find((one) => one.id === select.value), facts));
  draw();
  return h("section", { class: "card stack" }, h("h1", {}, t("try.title")), h("p", { class: "muted" }, t("try.text"), " ", h("a", { href: "/docs" }, t("try.docs"))),
    h("div", { class: "field" }, h("label", { for: "operation" }, t("try.call")), select), place);
}

const field = (id, label, input) => h("div", { class: "field" }, h("label", { for: id }, label), input);

function form(session, operation, facts) {
  const inputs = operation.parameters.filter((one) => one.in !== "header").map((one) => ({
    ...one, input: h("input", { id: `p-${one.name}`, value: valueOf(one.name, facts), autocomplete: "off", spellcheck: "false", oninput: () => draw() }),
  }));
  const takesKey = operation.parameters.some((one) => one.name === "Idempotency-Key");
  const key = h("input", { id: "p-key", class: "mono", value: newKey(), autocomplete: "off", oninput: () => draw() });
  const example = exampleOf(operation.id, facts);
  const json = operation.media === "application/json";
  const text = json ? JSON.stringify(example ?? {}, null, 2) : "";
  const body = operation.media && h("textarea", { id: "p-body", rows: Math.max(4, text.split("\n").length), spellcheck: "false", value: text, oninput: () => draw() });
  const accept = h("select", { id: "p-accept", onchange: () => draw() }, operation.accepts.map((type) => h("option", { value: type }, type)));
  const reveal = h("input", { id: "reveal", type: "checkbox", onchange: () => draw() });
  const curl = h("pre", { class: "code", id: "curl", tabindex: "0" });
  const told = h("div", { class: "stack", id: "answer", "aria-live": "polite" });
  const wrong = h("p", { class: "notice bad", hidden: true, role: "alert" });
  const send = h("button", { class: "button primary", type: "submit" }, t("try.send"));

  const asked = () => {
    const path = operation.path.replace(/{(\w+)}/g, (_, name) => encodeURIComponent(inputs.find((one) => one.name === name).input.value));
    const query = new URLSearchParams(inputs.filter((one) => one.in === "query" && one.input.value !== "").map((one) => [one.name, one.input.value])).toString();
    return { method: operation.method, url: query ? `${path}?${query}` : path, key: takesKey ? key.value : null,
      accept: operation.accepts.length > 1 ? accept.value : null, body: body ? body.value : undefined, type: operation.media };
  };
  const draw = () => { curl.textContent = curlOf(asked(), reveal.checked ? session.key : "$KEY"); };
  const run = async (event) => {
    event.preventDefault();
    wrong.hidden = true;
    if (body && json) {
      try { JSON.parse(body.value || "{}"); } catch (error) { wrong.hidden = false; fill(wrong, h("span", {}, t("try.badjson", { why: error.message }))); body.focus(); return; }
    }
    const { method, url, ...rest } = asked();
    const begun = performance.now();
    const answer = await busy(send, t("try.sending"), () => call(method, url, { ...rest, auth: session.auth, timeoutMs: TIMEOUT_MS }));
    fill(told, shown(answer, performance.now() - begun, takesKey));
    if (document.activeElement === document.body) send.focus();
  };
  draw();
  return h("form", { class: "stack", onsubmit: run, novalidate: true }, h("p", {}, operation.summary),
    inputs.length > 0 && h("div", { class: "grid" }, inputs.map((one) => field(`p-${one.name}`, `${one.name}${one.required ? "" : ` (${t("try.optional")})`}`, one.input))),
    takesKey && h("div", { class: "row bottom" }, h("div", { class: "field grow" }, h("label", { for: "p-key" }, "Idempotency-Key"), key),
      h("button", { class: "button", type: "button", onclick: () => { key.value = newKey(); draw(); } }, t("try.newkey"))),
    takesKey && h("p", { class: "small muted" }, t("try.keynote")),
    operation.accepts.length > 1 && field("p-accept", "Accept", accept),
    body && field("p-body", `${t("try.body")} (${operation.media})`, body), wrong,
    h("div", {}, send), told,
    h("h2", {}, "curl"), curl, h("div", { class: "row" }, copyButton(() => curl.textContent), h("label", { class: "row check" }, reveal, t("try.reveal"))));
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** The same call as a line for a shell; the key is a variable of the shell unless it is revealed. */
export function curlOf({ method, url, key, accept, body, type }, secret) {
  const parts = [`curl --silent --show-error --include --request ${method} ${quoted(location.origin + url)}`, `--header "Authorization: Bearer ${secret}"`];
  if (key !== null) parts.push(`--header ${quoted(`Idempotency-Key: ${key}`)}`);
  if (accept !== null) parts.push(`--header ${quoted(`Accept: ${accept}`)}`);
  if (body !== undefined) parts.push(`--header ${quoted(`Content-Type: ${type}`)}`, `--data-binary ${quoted(body)}`);
  return parts.join(" \\\n  ");
}

function shown(answer, ms, takesKey) {
  if (answer.status === 0) return [trouble(answer.problem), takesKey && h("p", { class: "small muted" }, t("try.again"))];
  const replayed = answer.headers.get("Idempotent-Replayed") === "true";
  const code = answer.problem?.code;
  return [
    h("div", { class: "row" }, h("span", { class: `badge ${answer.ok ? "good" : "bad"}`, id: "status" }, answer.status), code && h("code", {}, code),
      replayed && h("span", { class: "badge accent" }, t("try.replayed")), h("span", { class: "muted small" }, t("try.took", { ms: number(ms) }))),
    code && has(`problem.${code}`) && trouble(answer.problem),
    h("details", {}, h("summary", {}, t("try.headers")), h("pre", { class: "code", tabindex: "0" }, [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n"))),
    h("pre", { class: "code", id: "body", tabindex: "0" }, pretty(answer))];
}

function pretty(answer) {
  let { text } = answer;
  try { text = JSON.stringify(JSON.parse(text), null, 2); } catch { /* no JSON: as it came */ }
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}\n… ${t("try.cut", { n: number(text.length) })}` : text || t("try.empty");
}
