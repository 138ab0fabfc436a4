/* The till's driver: holds, pays, gives back, reads orders. Every write has a key that is kept until an
   answer came, so that a reload or a lost answer never buys twice. What follows from what is till.js's. */

import { call, newKey, serverNow, write } from "../common/api.js";
import { withOrder } from "./memory.js";
import { keepLogin, leaveFor } from "./signin.js";
import { wayOut } from "./till.js";

/** Runs the till for `app`. */
export function runTill(app) {
  let busy = false;

  /** Who may read and pay an order: its buyer by the sign-in, or by the pass while that is good. */
  function owner() {
    const login = app.login();
    if (login) return `Bearer ${login.token}`;
    const { pass } = app.memory.get();
    return pass && pass.expiresMs > serverNow() ? `Pass ${pass.token}` : null;
  }

  /** Ask for units; `wish` is {lines, offer, quantity, seated}. It is kept before it is sent. */
  function hold(wish) {
    app.memory.set({ wish: { ...wish, key: newKey() }, notice: null });
    app.changed();
    act();
  }

  async function askForHold() {
    const { wish, pass } = app.memory.get();
    const answer = await write("POST", `/v1/sales/${app.saleId}/orders`, {
      auth: `Pass ${pass.token}`, body: { lines: wish.lines }, key: wish.key, onRetry: app.unsure,
    });
    app.sure();
    if (answer.ok) {
      const order = answer.body;
      app.order = order;
      app.memory.set({
        wish: null, refused: null, order: order.id, pass: { ...pass, used: order.id },
        orders: withOrder(app.memory.get().orders, { id: order.id, title: wish.offer.title, atMs: order.held_at_ms }),
      });
    } else {
      const out = wayOut(answer.problem, { quantity: wish.quantity, seated: wish.seated });
      app.refusal = { problem: answer.problem, ...out, wish };
      const line = out.way === "line" ? { pass: null, gone: { reason: answer.problem.code } } : {};
      app.memory.set({ wish: null, ...line });
    }
    app.changed();
  }

  async function read(id) {
    const auth = owner();
    if (auth === null) return { ok: false, problem: { code: "no_credential", status: 401 } };
    return call("GET", `/v1/orders/${id}`, { auth });
  }

  /** Read the order that is shown; one that is not ours is not shown any more. */
  async function readOrder() {
    const { order } = app.memory.get();
    const answer = await read(order);
    if (answer.ok) {
      app.order = answer.body;
      app.orderProblem = null;
    } else {
      app.orderProblem = answer.problem;
    }
    app.changed();
    return answer.ok;
  }

  function pay() {
    const { id, amount_minor: amount, currency } = app.order;
    const { payment } = app.memory.get();
    const state = payment?.order === id && payment.state ? payment.state : newKey();  // the same in another tab
    app.memory.set({ payment: { order: id, proof: null, state }, notice: null });
    leaveFor(app.sale.payment, { order: id, amount_minor: amount, currency, state });
  }

  async function confirm() {
    const { payment } = app.memory.get();
    const auth = owner();
    if (auth === null) return;  // the page asks to sign in; it goes on from here
    const answer = await write("POST", `/v1/orders/${payment.order}/confirm`, {
      auth, body: { payment: payment.proof }, key: `confirm-${payment.order}`, onRetry: app.unsure,
    });
    app.sure();
    if (answer.status === 401) {
      keepLogin(app.saleId, null);
      app.notice(answer.problem);
      app.changed();
      return;
    }
    if (answer.ok) app.order = answer.body;
    else app.notice(answer.problem);
    app.memory.set({ payment: null });
    if (!answer.ok) await readOrder();
    app.changed();
  }

  async function release() {
    const { order } = app.memory.get();
    const auth = owner();
    if (auth === null) return;
    const answer = await write("POST", `/v1/orders/${order}/release`, { auth, body: {}, key: `release-${order}`, onRetry: app.unsure });
    app.sure();
    if (answer.ok) app.order = answer.body;
    else app.notice(answer.problem);
    app.changed();
  }

  /** Whatever is under way goes on: after a press, a reload, or coming back from the payment page. */
  async function act() {
    if (busy) return;
    busy = true;
    try {
      const kept = app.memory.get();
      if (kept.wish && kept.pass) await askForHold();
      else if (kept.wish) app.memory.set({ wish: null });
      if (app.memory.get().payment?.proof) await confirm();
      const { order } = app.memory.get();
      if (order && app.order?.id !== order && owner() !== null) await readOrder();
    } finally {
      busy = false;
    }
  }

  app.memory.onChange((kept) => {
    if (kept.order && app.order?.id !== kept.order) act();
  });

  return { act, hold, pay, release, read, readOrder, owner };
}
