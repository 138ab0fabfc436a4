/* Runs before the page is painted, so that a dark room is not flashed at. */
(() => {
  let wanted = null;
  try { wanted = localStorage.getItem("dropgate.theme"); } catch { /* no storage: follow the device */ }
  if (wanted !== "light" && wanted !== "dark") wanted = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.dataset.theme = wanted;
})();
