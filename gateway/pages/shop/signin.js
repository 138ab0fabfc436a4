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

const LOGIN_STATE = "dropgate.login.state";

/** Leave to sign in; false where nothing can be kept, for then the way back could not be checked. */
export function leaveToSignIn(page) {
  const state = newKey();
  session(LOGIN_STATE, state);
  if (session(LOGIN_STATE) !== state) return false;
  leaveFor(page, { state });
  return true;
}

/** Leave for a page of the shop; `facts` go into its query, among them the `state` that must come back. */
export function leaveFor(page, facts) {
  const address = new URL(page);
  for (const [name, value] of Object.entries({ ...facts, return_to: location.origin + location.pathname })) address.searchParams.set(name, value);
  location.assign(address);
}

/**
 * What the browser has just come back with: {login} or {order, payment} (payment null: not paid);
 * {forged: true} when it is an answer to something that was not asked here; else null. A sign-in was asked
 * for by this tab; a payment by this browser (`paying`), for a bank's app comes back in a tab of its own.
 */
export function cameBack(paying) {
  const told = new URLSearchParams(location.hash.slice(1));
  const purpose = told.has("login") ? "login" : told.has("order") ? "payment" : null;
  if (purpose === null) return null;
  history.replaceState(null, "", location.pathname + location.search);
  if (purpose === "payment") {
    if (!paying?.state || told.get("state") !== paying.state || told.get("order") !== paying.order) return { forged: true };
    return { order: told.get("order"), payment: told.get("payment") };
  }
  const expected = session(LOGIN_STATE);
  session(LOGIN_STATE, null);
  return expected && told.get("state") === expected ? { login: told.get("login") } : { forged: true };
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
