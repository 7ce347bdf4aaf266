// @ts-check
"use strict";

/** Parts of every page: keys, the theme, buttons that copy, the legend. */
const Shell = (() => {
  const { find, copy } = Dom;

  function turnTheme() {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : !matchMedia("(prefers-color-scheme: light)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("groundglass-theme", root.dataset.theme); } catch { /* no storage: for this visit only */ }
  }

  /** @param {KeyboardEvent} event @param {Record<string, () => void>} more */
  function onKey(event, more) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(/** @type {any} */ (event.target).tagName);
    if (event.key === "Escape" && !find("dialog[open]")) { if (typing) /** @type {any} */ (event.target).blur(); else Drawer.close(); return; }
    if (typing) return;
    /** @type {Record<string, () => void>} */
    const keys = { ...more, t: turnTheme, 1: Drawer.flip, x: Drawer.swap, "/": () => find("#search").focus(), "?": () => find("#legend").showModal() };
    if (keys[event.key]) { keys[event.key](); event.preventDefault(); }
  }

  /** @param {MouseEvent} event @param {(target: any) => void} more */
  function onClick(event, more) {
    const target = /** @type {any} */ (event.target), button = target.closest("[data-copy]");
    if (button) copy(button);
    if (target.closest("#theme")) turnTheme();
    if (target.closest("#keys")) find("#legend").showModal();
    if (target === find("#legend")) find("#legend").close();
    more(target);
  }

  /** @param {Record<string, () => void>} keys of this page @param {(target: any) => void} click more handling of a click */
  function start(keys, click) {
    document.addEventListener("keydown", (event) => onKey(event, keys));
    document.addEventListener("click", (event) => onClick(event, click));
  }

  /** Marks the page as ready, with the ms that it took. */
  function ready() { document.documentElement.dataset.ready = String(Math.round(performance.now())); }

  return { start, ready };
})();
