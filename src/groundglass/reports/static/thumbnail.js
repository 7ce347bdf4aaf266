// @ts-check
"use strict";

/** Thumbnails, cut out of the sprite sheets. */
const Thumbnail = (() => {
  const HEIGHT = 160;
  const { make } = Dom;

  /** The shortest side, in px of a thumbnail, of a part that is worth showing alone. */
  const LEAST = 48;

  /** A row's thumbnail on its sheet: [sheet, x, y, width, height]; sheet is -1 if there is none. @param {number} row */
  function box(row) { return Model.boxes.subarray(5 * row, 5 * row + 5); }

  /** Whether a row is shown: it has a thumbnail, or it cannot have one. @param {number} row */
  function has(row) { return !Model.partly || Model.shownBy[row] >= 0 || Model.last[row] === Model.FAILED; }

  /**
   * The part of a sheet that shows a row, in px of the sheet; null if there is none. An image without a thumbnail of its
   * own is a part of another one's. If that part is too small to show anything, it is the whole with a frame around the part.
   * @param {number} row
   * @returns {{sheet: number, x: number, y: number, w: number, h: number, frame: {x: number, y: number, w: number, h: number} | null} | null}
   */
  function place(row) {
    const by = Model.shownBy[row];
    if (by < 0 || box(by)[0] < 0) return null;
    const [sheet, x, y, w, h] = box(by);
    if (by === row) return { sheet, x, y, w, h, frame: null };
    const [wide, high] = Model.size(by), whole = Model.word("region", by), region = Model.word("region", row);
    const at = window_(whole ? region.slice(whole.length + 1) : region, wide, high);
    const kx = w / (wide * at.sx), ky = h / (high * at.sy);
    const part = { x: at.x * kx, y: at.y * ky, w: at.w * kx, h: at.h * ky };
    if (!(Math.min(part.w, part.h) >= LEAST)) return { sheet, x, y, w, h, frame: part };
    return { sheet, x: x + part.x, y: y + part.y, w: part.w, h: part.h, frame: null };
  }

  /** The width of a row's thumbnail at the grid's height. @param {number} row */
  function width(row) {
    const at = place(row);
    return at ? Math.min(2.25 * HEIGHT, Math.max(.4 * HEIGHT, HEIGHT * at.w / at.h)) : HEIGHT;
  }

  /** The thumbnail of a row, fit into a box, never upscaled by more than `most`. @param {number} row @param {number} wide @param {number} high @param {number} [most] */
  function draw(row, wide, high, most = 1.75) {
    const at = place(row);
    if (!at) return make("span", { class: "none" }, Model.word("reason", row).replaceAll("_", " ") || "no thumbnail");
    // A part of a thumbnail has few px; small on grey, it would show less than large and soft.
    const scale = Math.min(wide / at.w, high / at.h, Model.shownBy[row] === row ? most : 2 * most);
    return sprite(at, scale, scale);
  }

  /** The upper left share of a row's thumbnail stretched to a size. Null if there is none. @param {number} row @param {number} wide @param {number} high @param {number[]} share */
  function fill(row, wide, high, share) {
    const at = place(row);
    if (!at) return null;
    Object.assign(at, { w: at.w * share[0], h: at.h * share[1] });
    const node = sprite(at, wide / at.w, high / at.h);
    // Pixels of a small image stay sharp squares, because smooth ones would hide its damage.
    if (wide / at.w > 1.75 && Model.shownBy[row] === row) node.style.imageRendering = "pixelated";
    return node;
  }

  /** @param {any} at a place @param {number} sx @param {number} sy */
  function sprite(at, sx, sy) {
    const file = Model.sheets.files[at.sheet];
    const node = make("span", { class: "thumbnail" }, at.frame && frameOf(at.frame, sx, sy));
    node.style.width = `${Math.round(at.w * sx)}px`;
    node.style.height = `${Math.round(at.h * sy)}px`;
    node.style.backgroundImage = `url("${Model.sheetUrl(at.sheet)}")`;
    node.style.backgroundSize = `${file.width * sx}px ${file.height * sy}px`;
    node.style.backgroundPosition = `${-at.x * sx}px ${-at.y * sy}px`;
    return node;
  }

  /** The frame around a part. @param {any} part @param {number} sx @param {number} sy */
  function frameOf(part, sx, sy) {
    const node = make("span", { class: "part-of" });
    Object.assign(node.style, { left: `${part.x * sx}px`, top: `${part.y * sy}px`, width: `${Math.max(4, part.w * sx)}px`, height: `${Math.max(4, part.h * sy)}px` });
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
   * in a window of w × h. The text has the form of the run's tables, such as "crop(0,0,512,512)", without a step that
   * made an image: the photograph does not show it.
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

  return { HEIGHT, box, has, width, draw, fill, cell, window: window_ };
})();
