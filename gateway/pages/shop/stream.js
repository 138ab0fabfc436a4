/* Frames as they change, by server-sent events, where browser and server have them. A stream is an offer:
   whoever gets none, or hears nothing of one, looks by the frame's own rule instead. */

const SILENT_MS = 20_000;
const REFUSED_MS = 60_000;

/**
 * The stream of `path`. `take` hears of each frame; `failed`, that it is to be looked at by hand again;
 * `look`, that nothing was heard for a while.
 */
export function frames(path, { take, failed, look }) {
  let source = null;
  let timer = null;
  let notBefore = 0;

  /** A gateway tells the frame each 5 s even when nothing changes, unless it cannot read it itself. */
  function listen() {
    clearTimeout(timer);
    timer = setTimeout(() => { look(); listen(); }, SILENT_MS);
  }

  function close() {
    clearTimeout(timer);
    source?.close();
    source = null;
  }

  function open() {
    source = new EventSource(path);
    listen();
    source.onmessage = (event) => {
      listen();
      take(JSON.parse(event.data));
    };
    source.onerror = () => {
      // Refused for good: there are as many as there may be. Else the browser comes back by itself.
      if (source?.readyState === EventSource.CLOSED) {
        notBefore = Date.now() + REFUSED_MS * (0.5 + Math.random());
        close();
      }
      failed();
    };
  }

  return {
    /** Whether it is there and works: no look is needed. */
    isOpen: () => source?.readyState === EventSource.OPEN,
    /** Open it, or close it. */
    want(wanted) {
      if (!wanted) close();
      else if (source === null && "EventSource" in window && Date.now() >= notBefore) open();
    },
    close,
  };
}
