/* Work for a join, where many join from one network: finds the number that a challenge (ALTCHA, version 2)
   asks for, beside the page, so that nothing stands still and nobody is asked anything. */

const WORKERS_MAX = 4;
const DONE_WITHIN_MS = 120_000;

/**
 * The solution of a challenge, as the join takes it (`{"work": …}`). Rejects when this browser cannot
 * (only pages that came safely may compute), when it takes too long, and when `signal` ends it.
 */
export async function solve(challenge, { signal = undefined } = {}) {
  if (!globalThis.crypto?.subtle) throw new Error("no cryptography here");
  const step = Math.max(1, Math.min(WORKERS_MAX, navigator.hardwareConcurrency ?? 1));
  const workers = [];
  let solution;
  try {
    solution = await new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error("too much work")), DONE_WITHIN_MS);
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      for (let start = 0; start < step; start += 1) {
        const worker = new Worker(new URL("./work-tries.js", import.meta.url), { type: "module" });
        workers.push(worker);
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = (event) => reject(new Error(event.message));
        worker.postMessage({ parameters: challenge.parameters, start, step });
      }
    });
  } finally {
    workers.forEach((worker) => worker.terminate());
  }
  return btoa(JSON.stringify({ challenge, solution }));
}
