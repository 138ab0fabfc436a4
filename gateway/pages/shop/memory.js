/* What this browser keeps of one sale, the same in every tab: place, pass, what is under way, orders.
   The sign-in stays in its tab alone (sessionStorage): who closes the tab is signed out of it. */

/** The memory of a sale. `onChange` hears of changes of this tab and of others. */
export function memory(sale) {
  const key = `dropgate.shop.${sale}`;
  const listeners = new Set();
  let fallback = {};

  function read() {
    try {
      return JSON.parse(localStorage.getItem(key)) ?? {};
    } catch {
      return fallback;
    }
  }

  let kept = read();
  const tell = () => listeners.forEach((listener) => listener(kept));

  addEventListener("storage", (event) => {
    if (event.key !== key && event.key !== null) return;
    kept = read();
    tell();
  });

  return {
    get: () => kept,
    /** Change some of it; null forgets a part. Another tab's changes to other parts stay. */
    set(changes) {
      kept = Object.fromEntries(Object.entries({ ...read(), ...changes }).filter(([, value]) => value !== null));
      fallback = kept;
      try {
        localStorage.setItem(key, JSON.stringify(kept));
      } catch { /* no storage: it lasts as long as the page */ }
      tell();
    },
    onChange: (listener) => listeners.add(listener),
  };
}

const ORDERS_MAX = 50;

/** The orders of this browser with one more in front, or with a newer title for it. */
export const withOrder = (orders, order) => [order, ...(orders ?? []).filter((one) => one.id !== order.id)].slice(0, ORDERS_MAX);

/** Everything of a purchase that is over or was somebody else's. */
export const FRESH = {
  place: null, shown: null, told: null, pass: null, gone: null, joinKey: null, armed: null, later: null, wish: null, order: null, payment: null, notice: null,
};
