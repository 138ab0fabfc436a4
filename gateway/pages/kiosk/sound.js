/* A tone for each kind of verdict, made on the spot. */

const TONES = {
  good: [[880, 0, 0.12], [1320, 0.13, 0.2]],
  warn: [[520, 0, 0.16], [520, 0.22, 0.16]],
  bad: [[200, 0, 0.35]],
};
let context = null;

/** Play the tone of "good", "warn" or "bad". Silent where the browser allows no sound yet. */
export function play(tone) {
  try {
    context ??= new AudioContext();
    if (context.state !== "running") { context.resume().catch(() => {}); }
    for (const [pitch, begins, lasts] of TONES[tone]) {
      const source = new OscillatorNode(context, { frequency: pitch, type: tone === "bad" ? "square" : "sine" });
      const loudness = new GainNode(context, { gain: tone === "bad" ? 0.08 : 0.2 });
      source.connect(loudness).connect(context.destination);
      source.start(context.currentTime + begins);
      source.stop(context.currentTime + begins + lasts);
    }
  } catch { /* no sound here */ }
}
