/* Telling somebody who looks away that the turn has come: sound, vibration, a notification. Asked for first. */

import { t } from "../common/i18n.js";

const GESTURES = ["pointerup", "keydown"];

let sound = null;

/** Whether this browser can do any of it. */
export const canAlert = () => "AudioContext" in window || "Notification" in window || "vibrate" in navigator;

/** Whether it could sound, but may not before somebody touches the page: browsers ask that of each load anew. */
export const isMute = () => "AudioContext" in window && sound?.state !== "running";

/** Ask for it, from a press of a button: browsers let nothing sound before that. */
export async function allowAlerts() {
  if (await openSound()) beep(0, 0.03);
  if ("Notification" in window && Notification.permission === "default") await Notification.requestPermission();
}

/** While `isWanted()`, each touch of the page lets it sound again: after a reload, or when a phone took the sound away. */
export function keepAlerts(isWanted, changed) {
  for (const gesture of GESTURES) addEventListener(gesture, () => isWanted() && isMute() && openSound().then(changed));
}

async function openSound() {
  if (!("AudioContext" in window)) return false;
  sound ??= new AudioContext();
  await sound.resume().catch(() => {});
  return sound.state === "running";
}

function beep(afterS, loudness = 0.2) {
  if (isMute()) return;
  const tone = sound.createOscillator();
  const gain = sound.createGain();
  tone.frequency.value = 880;
  gain.gain.value = loudness;
  tone.connect(gain).connect(sound.destination);
  tone.start(sound.currentTime + afterS);
  tone.stop(sound.currentTime + afterS + 0.18);
}

/** The turn has come. */
export function alertTurn(title) {
  for (const afterS of [0, 0.3, 0.6]) beep(afterS);
  navigator.vibrate?.([200, 100, 200, 100, 400]);
  if ("Notification" in window && Notification.permission === "granted" && document.hidden) notify(title);
}

function notify(title) {
  try {
    const shown = new Notification(t("alert.turn"), { body: title, tag: "dropgate-turn", requireInteraction: true });
    shown.onclick = () => {
      window.focus();
      shown.close();
    };
  } catch {
    // Phones show notifications through a service worker alone; sound and vibration must do there.
  }
}
