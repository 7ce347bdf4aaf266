// @ts-check
"use strict";

/** The page of two runs: the images that entered or left, as two strips, a grid and the drawer. */
const Changes = (() => {
  const { make, find, all } = Dom;
  const LINES = 2, WIDE = 120;

  /** A few of the images with one status, spread evenly over all. @param {any} home @param {number} status */
  function fillStrip(home, status) {
    /** @type {number[]} */ const rows = [];
    for (let row = 0; row < Model.count; row++) if (Model.last[row] === status && Thumbnail.has(row)) rows.push(row);
    const most = LINES * Math.max(1, Math.floor(home.clientWidth / WIDE)), step = Math.max(1, rows.length / most);
    const picked = Array.from({ length: Math.min(most, rows.length) }, (_, i) => rows[Math.floor(i * step)]);
    home.replaceChildren(...picked.map((row) => make("figure", {}, Thumbnail.cell(row, 96, Drawer.open))));
    if (!rows.length) home.append(make("p", { class: "empty" }, "None."));
  }

  /** @param {any} target */
  function onClick(target) {
    const reason = target.closest("[data-reason]");
    if (!reason) return;
    Gallery.only(reason.dataset.reason);
    find(".gallery").scrollIntoView({ block: "start" });
  }

  function start() {
    Drawer.start();
    Gallery.start();
    Grid.start(Drawer.open);
    Shell.start({}, onClick);
    find(".gallery").hidden = Model.count === 0;
    for (const strip of all("[data-strip]")) fillStrip(find(".cells", strip), Number(strip.dataset.strip));
    Gallery.show(-1, Model.last);
    Shell.ready();
  }

  return { start };
})();

document.addEventListener("DOMContentLoaded", Changes.start);
