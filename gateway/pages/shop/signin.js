/* The way to the shop and back: sign-in and payment happen on its own pages, which come back with what
   they signed behind the # of the address. That never reaches a server, and is taken out at once. */

import { newKey } from "../common/api.js";

function session(name, value = undefined) {
  try {
    if (value === undefined) return sessionStorage.getItem(name);
    if (value === null) sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, value);
  } catch { /* no storage: the way back cannot be checked, so nothing is taken from it */ }
  return null;
}

/** Leave for a page of the shop; `purpose` is "login" or "payment", `facts` go into its query. */
export function leaveFor(page, purpose, facts = {}) {
  const state = newKey();
  session(`dropgate.${purpose}.state`, state);
  const address = new URL(page);
  const told = { ...facts, return_to: location.origin + location.pathname, state };
  for (const [name, value] of Object.entries(told)) address.searchParams.set(name, value);
  location.assign(address);
}

/**
 * What the browser has just come back with: {login} or {order, payment} (payment null: not paid);
 * {forged: true} when it is an answer to something that this tab has not asked; else null.
 */
export function cameBack() {
  const told = new URLSearchParams(location.hash.slice(1));
  const purpose = told.has("login") ? "login" : told.has("order") ? "payment" : null;
  if (purpose === null) return null;
  history.replaceState(null, "", location.pathname + location.search);
  const name = `dropgate.${purpose}.state`;
  const expected = session(name);
  session(name, null);
  if (!expected || told.get("state") !== expected) return { forged: true };
  return purpose === "login" ? { login: told.get("login") } : { order: told.get("order"), payment: told.get("payment") };
}

/** The sign-in of this tab at a sale: {token, name, expiresMs}, or null when there is none in its time. */
export function login(sale, nowMs) {
  const token = session(`dropgate.login.${sale}`);
  const claims = token ? claimsOf(token) : null;
  if (!claims || typeof claims.sub !== "string" || claims.exp * 1000 <= nowMs) return null;
  return { token, name: claims.sub, expiresMs: claims.exp * 1000 };
}

/** Keep a sign-in for this tab; null forgets it. */
export const keepLogin = (sale, token) => session(`dropgate.login.${sale}`, token);

/** The claims of a JWT, unchecked: checking is the gateway's. */
export function claimsOf(token) {
  try {
    const part = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(part), (one) => one.charCodeAt(0))));
  } catch {
    return null;
  }
}
