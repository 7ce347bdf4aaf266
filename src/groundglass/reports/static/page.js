// @ts-check
"use strict";

/** The page as a whole: which view is shown, the keys, the theme, printing. */
const Page = (() => {
  const { make, find, all, copy } = Dom;
  const PRINTED = 36;
  /** @type {string | null} */ let asked = null;

  /** The view that the address names. */
  function viewName() {
    const name = decodeURIComponent(location.hash.slice(1));
    return document.getElementById(`view-${name}`) ? name : "overview";
  }

  function show() {
    const name = viewName();
    for (const view of all(".view")) view.hidden = view.dataset.view !== name;
    for (const link of all(".rail a")) mark(link, link.dataset.view === name);
    const tab = name === "sources" || name === "failures" ? name : "funnel";
    for (const link of all(".tabs a")) mark(link, link.dataset.tab === tab);
    find("#rail-now").textContent = find(".rail a[aria-current] .label")?.textContent ?? tab;
    find(".rail").classList.remove("open");
    find(".rail-toggle").setAttribute("aria-expanded", "false");
    find(".gallery").hidden = tab !== "funnel" || Model.count === 0;
    const notice = find(".notice");
    if (notice) notice.hidden = name !== "overview";
    if (tab === "funnel") showImages(name);
    if (asked !== null) Gallery.only(asked);
    asked = null;
    scrollTo(0, 0);
  }

  /** @param {HTMLElement} link @param {boolean} now */
  function mark(link, now) { if (now) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current"); }

  /** @param {string} name */
  function showImages(name) {
    if (name === "overview") { Gallery.show(-1, Model.last); return; }
    const view = find(`#view-${name}`), index = Number(view.dataset.step);
    if (find(".live-row", view)) Threshold.draw(view, Drawer.open);
    else Gallery.show(index, Model.steps[index].status);
  }

  /** @param {number} by */
  function neighbour(by) {
    const links = all(".rail a"), at = links.findIndex((link) => link.hasAttribute("aria-current"));
    links[Math.max(0, Math.min(links.length - 1, at + by))]?.click();
  }

  function turnTheme() {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : !matchMedia("(prefers-color-scheme: light)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("groundglass-theme", root.dataset.theme); } catch { /* no storage: for this visit only */ }
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(/** @type {any} */ (event.target).tagName);
    if (event.key === "Escape" && !find("dialog[open]")) { if (typing) /** @type {any} */ (event.target).blur(); else Drawer.close(); return; }
    if (typing) return;
    /** @type {Record<string, () => void>} */
    const keys = {
      j: () => neighbour(1), k: () => neighbour(-1), t: turnTheme, 1: Drawer.flip,
      "/": () => find("#search").focus(), "?": () => find("#legend").showModal(),
    };
    if (keys[event.key]) { keys[event.key](); event.preventDefault(); }
  }

  /** @param {MouseEvent} event */
  function onClick(event) {
    const target = /** @type {any} */ (event.target);
    const button = target.closest("[data-copy]"), reason = target.closest("a.reason");
    if (button) copy(button);
    if (reason) asked = reason.dataset.reason;
    if (target.closest("#theme")) turnTheme();
    if (target.closest("#keys")) find("#legend").showModal();
    if (target === find("#legend")) find("#legend").close();
    if (target.closest(".rail-toggle")) {
      const open = find(".rail").classList.toggle("open");
      find(".rail-toggle").setAttribute("aria-expanded", String(open));
    }
  }

  /** Two contact sheets for paper: images kept to the end, and images dropped, evenly drawn from all. */
  function forPaper() {
    const home = find("#print-sheets");
    home.replaceChildren();
    for (const details of all("details")) details.open = true;
    for (const [status, title] of /** @type {[number, string][]} */ ([[Model.KEPT, "Kept"], [Model.DROPPED, "Dropped"]])) {
      /** @type {number[]} */ const rows = [];
      for (let row = 0; row < Model.count; row++) if (Model.last[row] === status && Picture.box(row)[0] >= 0) rows.push(row);
      if (!rows.length) continue;
      const step = Math.max(1, rows.length / PRINTED);
      const picked = Array.from({ length: Math.min(PRINTED, rows.length) }, (_, i) => rows[Math.floor(i * step)]);
      const cells = make("div", { class: "cells" }, ...picked.map((row) => Picture.cell(row, 72, () => {})));
      home.append(make("h2", {}, `${title}: ${Model.whole(picked.length)} of ${Model.whole(rows.length)}`), cells);
    }
  }

  function start() {
    Drawer.start();
    Gallery.start();
    Grid.start(Drawer.open);
    for (const view of all(".view.step")) if (find(".live-row", view)) Threshold.bind(view, Drawer.open);
    addEventListener("hashchange", show);
    addEventListener("beforeprint", forPaper);
    document.addEventListener("keydown", onKey);
    document.addEventListener("click", onClick);
    show();
    document.documentElement.dataset.ready = String(Math.round(performance.now()));
  }

  return { start };
})();

document.addEventListener("DOMContentLoaded", Page.start);
