// @ts-check
"use strict";

/** Thumbnails, cut out of the sprite sheets. */
const Thumbnail = (() => {
  const HEIGHT = 160;
  const { make } = Dom;

  /** A row's thumbnail on its sheet: [sheet, x, y, width, height]; sheet is -1 if there is none. @param {number} row */
  function box(row) { return Model.boxes.subarray(5 * row, 5 * row + 5); }

  /** Whether a row is shown: it has a thumbnail, or it cannot have one. @param {number} row */
  function has(row) { return !Model.partly || box(row)[0] >= 0 || Model.last[row] === Model.FAILED; }

  /** The width of a row's thumbnail at the grid's height. @param {number} row */
  function width(row) {
    const [sheet, , , w, h] = box(row);
    return sheet < 0 ? HEIGHT : Math.min(2.25 * HEIGHT, Math.max(.4 * HEIGHT, HEIGHT * w / h));
  }

  /** The thumbnail of a row, fit into a box, never upscaled by more than `most`. @param {number} row @param {number} wide @param {number} high @param {number} [most] */
  function draw(row, wide, high, most = 1.75) {
    const [sheet, x, y, w, h] = box(row);
    if (sheet < 0) return make("span", { class: "none" }, Model.word("reason", row).replaceAll("_", " ") || "no thumbnail");
    const file = Model.sheets.files[sheet];
    const scale = Math.min(wide / w, high / h, most);
    const node = make("span", { class: "thumbnail" });
    node.style.width = `${Math.round(w * scale)}px`;
    node.style.height = `${Math.round(h * scale)}px`;
    node.style.backgroundImage = `url("${Model.sheetUrl(sheet)}")`;
    node.style.backgroundSize = `${file.width * scale}px ${file.height * scale}px`;
    node.style.backgroundPosition = `${-x * scale}px ${-y * scale}px`;
    return node;
  }

  /** A cell that is not part of the grid. @param {number} row @param {number} high @param {(row: number) => void} open */
  function cell(row, high, open) {
    const wide = Math.round(width(row) * high / HEIGHT);
    const node = make("button", { type: "button", class: "cell", "aria-label": Model.rows.uri[row], onclick: () => open(row) }, draw(row, wide, high));
    node.style.width = `${wide}px`;
    return node;
  }

  /**
   * The place of a region in its photograph: the photograph, scaled by sx × sy and moved by -x, -y, shows the region
   * in a window of w × h. The text has the form of the run's tables, such as "crop(0,0,512,512)".
   * @param {string} region @param {number} w @param {number} h
   */
  function window_(region, w, h) {
    const at = { sx: 1, sy: 1, x: 0, y: 0, w, h };
    for (const part of region ? region.split("/") : []) {
      const [a, b, c, d] = (part.match(/\d+/g) ?? []).map(Number);
      if (part.startsWith("crop")) Object.assign(at, { x: at.x + a, y: at.y + b, w: c, h: d });
      else {
        const fx = a / at.w, fy = b / at.h;
        Object.assign(at, { sx: at.sx * fx, sy: at.sy * fy, x: at.x * fx, y: at.y * fy, w: a, h: b });
      }
    }
    return at;
  }

  return { HEIGHT, box, has, width, draw, cell, window: window_ };
})();
