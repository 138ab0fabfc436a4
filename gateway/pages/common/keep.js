/* What a page keeps in its browser, as JSON; where that keeps nothing, it lasts as long as the page. */

/** The store of a tab ("sessionStorage") or of the browser ("localStorage"); null forgets a thing. */
export function keeper(kind) {
  const here = new Map();
  return {
    read(name) {
      if (here.has(name)) return here.get(name);
      try { return JSON.parse(window[kind].getItem(name)); } catch { return null; }
    },
    keep(name, value) {
      here.delete(name);
      try {
        if (value === null) window[kind].removeItem(name);
        else window[kind].setItem(name, JSON.stringify(value));
      } catch { here.set(name, value); }
    },
  };
}
