// @ts-check
"use strict";

/** Pictures cut out of the sprite sheets. */
const Picture = (() => {
  const HEIGHT = 160;
  const { make } = Dom;

  /** A row's picture on its sheet: [sheet, x, y, width, height]; sheet is -1 where there is none. @param {number} row */
  function box(row) { return Model.boxes.subarray(5 * row, 5 * row + 5); }

  /** Whether a row can be shown: it has a picture, or there is none to be had. @param {number} row */
  function has(row) { return !Model.partly || box(row)[0] >= 0 || Model.last[row] === Model.FAILED; }

  /** The width that a row takes at the grid's height. @param {number} row */
  function width(row) {
    const [sheet, , , w, h] = box(row);
    return sheet < 0 ? HEIGHT : Math.min(2.25 * HEIGHT, Math.max(.4 * HEIGHT, HEIGHT * w / h));
  }

  /** The picture of a row inside a room, its pixels never enlarged by more than `enlarge`. @param {number} row @param {number} wide @param {number} high @param {number} [enlarge] */
  function draw(row, wide, high, enlarge = 1.75) {
    const [sheet, x, y, w, h] = box(row);
    if (sheet < 0) return make("span", { class: "none" }, Model.word("reason", row).replaceAll("_", " ") || "no thumbnail");
    const file = Model.sheets.files[sheet];
    const scale = Math.min(wide / w, high / h, enlarge);
    const node = make("span", { class: "picture" });
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
   * Where a region of a photograph lies: the photograph drawn sx × sy times its size and moved by -x, -y shows it
   * in a window of w × h. The text is the one of the run's tables, such as "crop(0,0,512,512)".
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
