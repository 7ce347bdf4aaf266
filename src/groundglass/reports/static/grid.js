// @ts-check
"use strict";

/**
 * The grid of images: lines of similar height, filled from edge to edge. Only the lines near the screen have elements,
 * because a browser is slow with tens of thousands.
 */
const Grid = (() => {
  const GAP = 4, TALLEST = 208, BEYOND = 480;
  const { make, find, eachFrame } = Dom;

  /** @type {HTMLElement} */ let home;
  /** @type {Int32Array} */ let rows = new Int32Array(0);
  /** @type {(row: number) => number} */ let statusOf = () => 0;
  /** @type {(row: number) => boolean} */ let changed = () => false;
  /** @type {(row: number) => string} */ let tagOf = () => "";
  /** @type {(row: number) => void} */ let open = () => {};
  let current = -1;

  // Layout: the place of each item, and the first item and top of each line.
  let lefts = new Float32Array(0), widths = new Float32Array(0);
  /** @type {number[]} */ let firsts = [];
  /** @type {number[]} */ let tops = [];
  /** @type {number[]} */ let heights = [];
  /** @type {Map<number, HTMLElement>} */ const cells = new Map();

  function layOut() {
    const wide = home.clientWidth;
    lefts = new Float32Array(rows.length);
    widths = new Float32Array(rows.length);
    [firsts, tops, heights] = [[], [], []];
    let first = 0, sum = 0, top = 0;
    for (let i = 0; i < rows.length; i++) {
      sum += Thumbnail.width(rows[i]);
      if (sum + (i - first) * GAP >= wide) { top = putLine(first, i + 1, sum, top, wide); first = i + 1; sum = 0; }
    }
    if (first < rows.length) top = putLine(first, rows.length, 0, top, wide);
    home.style.height = `${Math.max(0, top - GAP)}px`;
  }

  /** Place items first … end - 1 as one line; `sum` 0 leaves them at their own size. @param {number} first @param {number} end @param {number} sum @param {number} top @param {number} wide */
  function putLine(first, end, sum, top, wide) {
    const scale = sum ? Math.min(TALLEST / Thumbnail.HEIGHT, (wide - (end - first - 1) * GAP) / sum) : 1;
    const high = Math.round(Thumbnail.HEIGHT * scale);
    let x = 0;
    for (let i = first; i < end; i++) {
      lefts[i] = Math.round(x);
      const right = Math.min(wide, x + Thumbnail.width(rows[i]) * scale);
      widths[i] = Math.round(right) - lefts[i];
      x = right + GAP;
    }
    firsts.push(first); tops.push(top); heights.push(high);
    return top + high + GAP;
  }

  /** The line whose top is the last at or above y. @param {number} y */
  function lineAt(y) {
    let low = 0, high = tops.length - 1;
    while (low < high) { const middle = (low + high + 1) >> 1; if (tops[middle] <= y) low = middle; else high = middle - 1; }
    return low;
  }

  /** The line that an item is in. @param {number} item */
  function lineOf(item) {
    let low = 0, high = firsts.length - 1;
    while (low < high) { const middle = (low + high + 1) >> 1; if (firsts[middle] <= item) low = middle; else high = middle - 1; }
    return low;
  }

  /** @param {number} line */
  function endOf(line) { return line + 1 < firsts.length ? firsts[line + 1] : rows.length; }

  function draw() {
    if (!home.offsetParent || !rows.length) { for (const cell of cells.values()) cell.remove(); cells.clear(); return; }
    const start = -home.getBoundingClientRect().top;
    const from = lineAt(start - BEYOND), to = lineAt(start + innerHeight + BEYOND);
    const first = firsts[from], end = endOf(to);
    for (const [item, cell] of cells) if (item < first || item >= end) { cell.remove(); cells.delete(item); }
    const fresh = document.createDocumentFragment();
    for (let line = from; line <= to; line++) {
      for (let item = firsts[line]; item < endOf(line); item++) {
        if (!cells.has(item)) { const cell = makeCell(item, line); cells.set(item, cell); fresh.append(cell); }
      }
    }
    home.append(fresh);
  }

  /** @param {number} item @param {number} line @returns {HTMLElement} */
  function makeCell(item, line) {
    const row = rows[item], status = statusOf(row);
    const uri = /** @type {string} */ (Model.rows.uri[row]);
    const mark = status === Model.KEPT ? null : make("span", { class: "mark" }, Model.SHAPES[status]);
    const tag = make("span", { class: "tag" }, make("span", {}, make("bdi", {}, uri)), make("span", {}, tagOf(row)));
    const label = `${uri}, ${Model.TITLES[status].toLowerCase()}${tagOf(row) ? `, ${tagOf(row)}` : ""}`;
    const node = make("div", {
      class: `cell ${Model.NAMES[status]}${changed(row) ? " changed" : ""}${item === current ? " current" : ""}`, id: `cell-${item}`, role: "option",
      "aria-label": label, "aria-selected": item === current, "aria-setsize": rows.length, "aria-posinset": item + 1,
      onclick: () => { move(item, false); open(row); home.focus({ preventScroll: true }); },
    }, Thumbnail.draw(row, widths[item], heights[line]), mark, tag);
    Object.assign(node.style, { left: `${lefts[item]}px`, top: `${tops[line]}px`, width: `${widths[item]}px`, height: `${heights[line]}px` });
    return node;
  }

  /** Make an item the current one. @param {number} item @param {boolean} [scroll] */
  function move(item, scroll = true) {
    const old = cells.get(current);
    old?.classList.remove("current");
    old?.setAttribute("aria-selected", "false");
    current = Math.max(0, Math.min(rows.length - 1, item));
    if (scroll) reveal(lineOf(current));
    draw();
    const now = cells.get(current);
    now?.classList.add("current");
    now?.setAttribute("aria-selected", "true");
    home.setAttribute("aria-activedescendant", `cell-${current}`);
  }

  /** Scroll just far enough to show a complete line. @param {number} line */
  function reveal(line) {
    const top = home.getBoundingClientRect().top + tops[line];
    const above = 72 - top, below = top + heights[line] + 16 - innerHeight;
    if (above > 0) scrollBy(0, -above); else if (below > 0) scrollBy(0, below);
  }

  /** The item of the next line that is below (or above) this one. @param {number} item @param {number} by */
  function vertical(item, by) {
    const line = lineOf(item), target = line + by;
    if (target < 0 || target >= firsts.length) return item;
    const middle = lefts[item] + widths[item] / 2;
    let best = firsts[target];
    for (let i = best; i < endOf(target); i++) {
      if (Math.abs(lefts[i] + widths[i] / 2 - middle) < Math.abs(lefts[best] + widths[best] / 2 - middle)) best = i;
    }
    return best;
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (!rows.length || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = Math.max(0, current), screen = Math.max(1, Math.floor((innerHeight - 120) / (Thumbnail.HEIGHT + GAP)));
    /** @type {Record<string, () => number>} */
    const moves = {
      ArrowRight: () => current + 1, ArrowLeft: () => at - 1,
      ArrowDown: () => current < 0 ? 0 : vertical(at, 1), ArrowUp: () => vertical(at, -1),
      PageDown: () => vertical(at, Math.min(screen, firsts.length - 1 - lineOf(at))),
      PageUp: () => vertical(at, -Math.min(screen, lineOf(at))), Home: () => 0, End: () => rows.length - 1,
    };
    if (moves[event.key]) { move(moves[event.key]()); if (Drawer.isOpen()) open(rows[current]); }
    else if (event.key === "Enter" || event.key === " ") { move(at); open(rows[at]); }
    else return;
    event.preventDefault();
  }

  /** The next image in the grid's order, for the drawer. @param {number} by */
  function step(by) {
    if (!rows.length) return;
    move(current + by);
    open(rows[current]);
  }

  /**
   * Show these rows, in this order.
   * @param {Int32Array} list
   * @param {{statusOf: typeof statusOf, changed: typeof changed, tagOf: typeof tagOf}} how
   */
  function show(list, how) {
    ({ statusOf, changed, tagOf } = how);
    const keep = rows[current];
    rows = list;
    current = keep === undefined ? -1 : rows.indexOf(keep);
    redraw();
  }

  /** Make a row that was opened elsewhere the current one, if it is here. @param {number} row */
  function point(row) {
    if (rows[current] === row) return;
    const item = rows.indexOf(row);
    if (item >= 0) move(item, false);
  }

  function redraw() {
    for (const cell of cells.values()) cell.remove();
    cells.clear();
    if (!home.offsetParent) return;
    layOut();
    draw();
  }

  /** @param {(row: number) => void} onOpen */
  function start(onOpen) {
    home = find("#grid");
    open = onOpen;
    home.addEventListener("keydown", onKey);
    addEventListener("scroll", eachFrame(draw), { passive: true });
    let wide = 0;
    new ResizeObserver(eachFrame(() => { if (home.clientWidth !== wide) { wide = home.clientWidth; redraw(); if (current >= 0 && Drawer.isOpen()) reveal(lineOf(current)); } })).observe(home);
  }

  return { start, show, step, point };
})();
