// @ts-check
"use strict";

/** The report: which view is shown, and printing. */
const Page = (() => {
  const { make, find, all } = Dom;
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
    const tab = ["sources", "settings", "failures"].includes(name) ? name : "funnel";
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

  /** @param {any} target */
  function onClick(target) {
    const reason = target.closest("a.reason");
    if (reason) asked = reason.dataset.reason;
    if (target.closest(".rail-toggle")) {
      const open = find(".rail").classList.toggle("open");
      find(".rail-toggle").setAttribute("aria-expanded", String(open));
    }
  }

  /** Two contact sheets for paper: images kept to the end, and images dropped, each spread evenly over all. */
  function forPaper() {
    const home = find("#print-sheets");
    home.replaceChildren();
    for (const details of all("details")) details.open = true;
    for (const [status, title] of /** @type {[number, string][]} */ ([[Model.KEPT, "Kept"], [Model.DROPPED, "Dropped"]])) {
      /** @type {number[]} */ const rows = [];
      for (let row = 0; row < Model.count; row++) if (Model.last[row] === status && Thumbnail.box(row)[0] >= 0) rows.push(row);
      if (!rows.length) continue;
      const step = Math.max(1, rows.length / PRINTED);
      const picked = Array.from({ length: Math.min(PRINTED, rows.length) }, (_, i) => rows[Math.floor(i * step)]);
      const cells = make("div", { class: "cells" }, ...picked.map((row) => Thumbnail.cell(row, 72, () => {})));
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
    Shell.start({ j: () => neighbour(1), k: () => neighbour(-1) }, onClick);
    show();
    Shell.ready();
  }

  return { start };
})();

document.addEventListener("DOMContentLoaded", Page.start);
