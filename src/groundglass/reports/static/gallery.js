// @ts-check
"use strict";

/** Selects and sorts the grid's images: the chips, the search, the source, the order, and a range of any column. */
const Gallery = (() => {
  const { make, find } = Dom;
  const CHANGED = -2, ALL = -1;

  /** @type {number} */ let step = -2;
  /** @type {Uint8Array} */ let status = new Uint8Array(0);
  let chip = ALL, sort = -1, down = false;
  /** @type {string[] | null} */ let searched = null;
  /** @type {string | null} */ let kind = null;

  /** The rows of the current step, null for the whole run. */
  function pool() { return step < 0 ? null : Model.steps[step].rows; }

  /** The row at an index of the pool. @param {number} i */
  function rowAt(i) { const rows = pool(); return rows ? rows[i] : i; }

  /** @param {number} i */
  function isChanged(i) { return step >= 0 && status[i] !== Model.steps[step].status[i]; }

  /** Show a step's images (or the whole run's, -1) with the outcome of each. @param {number} of @param {Uint8Array} judged */
  function show(of, judged) {
    const fresh = of !== step;
    step = of;
    status = judged;
    if (fresh) reset();
    refresh();
  }

  function reset() {
    const line = step >= 0 ? Model.steps[step].lines[0] : undefined;
    chip = step < 0 && status.includes(Model.KEPT) ? Model.KEPT : ALL;
    sort = line ? line.column : -1;
    down = Boolean(line && line.op.startsWith(">"));
    find("#search").value = "";
    kind = null;
    find("#source").value = "";
    find("#range-column").value = "-1";
    find(".range").hidden = true;
    fillSort();
  }

  function fillSort() {
    const home = find("#sort"), rows = pool();
    const usable = Model.columns.map((column, i) => ({ column, i })).filter(({ column }) => some(column.values, rows));
    home.replaceChildren(make("option", { value: "-1" }, "as listed"), ...usable.map(({ column, i }) => make("option", { value: i }, column.name)));
    home.value = String(sort);
    const range = find("#range-column");
    range.replaceChildren(make("option", { value: "-1" }, "any value"), ...usable.map(({ column, i }) => make("option", { value: i }, column.name)));
  }

  /** Whether a column has a number for any of the rows. @param {Float64Array} values @param {Int32Array | null} rows */
  function some(values, rows) {
    return rows ? rows.some((row) => !Number.isNaN(values[row])) : values.some((value) => !Number.isNaN(value));
  }

  /** @returns {string[]} */
  function haystack() {
    searched ??= Array.from({ length: Model.count }, (_, row) => `${Model.rows.uri[row]}\n${Model.word("reason", row)}\n${Model.said(row).map(([, text]) => text).join("\n")}`.toLowerCase());
    return searched;
  }

  /** The kind under which the reason of an image counts in this step, "" if it stayed. @param {number} i */
  function kindOf(i) {
    const { reason, counted } = Model.steps[step], code = reason.codes[i];
    return code < 0 ? "" : counted.words[counted.codes[code]];
  }

  /** A test for all controls except the chip. @returns {(i: number) => boolean} */
  function filter() {
    const text = find("#search").value.trim().toLowerCase(), source = find("#source").value;
    const column = Number(find("#range-column").value);
    const low = find("#range-low").value, high = find("#range-high").value;
    const values = column >= 0 && (low || high) ? Model.columns[column].values : null;
    const reasons = step >= 0 ? Model.steps[step].reason : null;
    const lowest = low === "" ? -Infinity : Number(low), highest = high === "" ? Infinity : Number(high);
    return (i) => {
      const row = rowAt(i);
      if (source && Model.rows.source.codes[row] !== Number(source)) return false;
      if (values && !(values[row] >= lowest && values[row] <= highest)) return false;
      if (kind !== null) return kindOf(i) === kind;
      if (!text || haystack()[row].includes(text)) return true;
      return Boolean(reasons && reasons.codes[i] >= 0 && reasons.words[reasons.codes[i]].toLowerCase().includes(text));
    };
  }

  function refresh() {
    const pass = filter();
    const counts = new Map();
    const shown = [], whole = !Model.partly || !find("#pictured").checked;
    let total = 0, hidden = 0;
    for (let i = 0; i < status.length; i++) {
      if (!pass(i)) continue;
      total++;
      counts.set(status[i], (counts.get(status[i]) ?? 0) + 1);
      if (isChanged(i)) counts.set(CHANGED, (counts.get(CHANGED) ?? 0) + 1);
      if (chip !== ALL && chip !== status[i] && !(chip === CHANGED && isChanged(i))) continue;
      if (whole || Thumbnail.has(rowAt(i))) shown.push(i); else hidden++;
    }
    drawChips(counts, total);
    display(sorted(shown));
    say(shown.length, hidden);
  }

  /** @param {number[]} places */
  function sorted(places) {
    if (sort < 0) return places;
    const values = Model.columns[sort].values, sign = down ? -1 : 1;
    return places.sort((a, b) => {
      const x = values[rowAt(a)], y = values[rowAt(b)];
      return Number.isNaN(x) ? (Number.isNaN(y) ? 0 : 1) : Number.isNaN(y) ? -1 : sign * (x - y);
    });
  }

  /** @param {number[]} places */
  function display(places) {
    const state = new Map(places.map((i) => [rowAt(i), i]));
    Grid.show(Int32Array.from(places, rowAt), {
      statusOf: (row) => status[/** @type {number} */ (state.get(row))],
      changed: (row) => isChanged(/** @type {number} */ (state.get(row))),
      tagOf: (row) => sort < 0 ? Model.word("reason", row).replaceAll("_", " ") : Model.format(Model.columns[sort].values[row]),
    });
    find("#order").textContent = down ? "↓" : "↑";
    find("#order").disabled = sort < 0;
  }

  /** @param {Map<number, number>} counts @param {number} total */
  function drawChips(counts, total) {
    const one = (/** @type {number} */ code, /** @type {string} */ title, /** @type {number} */ many, /** @type {Node | null} */ shape) =>
      make("button", { type: "button", class: "chip", "data-chip": code, "aria-pressed": chip === code, onclick: () => { chip = code; refresh(); } }, shape, title, make("span", { class: "muted" }, Model.whole(many)));
    const chips = [one(ALL, "All", total, null)];
    Model.TITLES.forEach((title, code) => {
      if (counts.has(code) || chip === code) chips.push(one(code, title, counts.get(code) ?? 0, make("span", { class: `glyph ${Model.NAMES[code]}` }, Model.SHAPES[code])));
    });
    if (counts.has(CHANGED) || chip === CHANGED) chips.push(one(CHANGED, "Changed by the threshold", counts.get(CHANGED) ?? 0, null));
    find(".chips").replaceChildren(...chips);
  }

  /** @param {number} many @param {number} hidden */
  function say(many, hidden) {
    const home = find(".nothing");
    home.hidden = many > 0;
    home.textContent = Model.count === 0 ? "" : hidden ? `${hidden === 1 ? "1 image matches, but it has no" : `${Model.whole(hidden)} images match, but none of them has a`} thumbnail. Untick “only with a thumbnail” to list them.` : "No images match. Choose All, or clear the search.";
  }

  /** Show the images that left for one reason; in a step, exactly those that are counted under it. @param {string} reason */
  function only(reason) {
    find("#search").value = reason;
    kind = step >= 0 ? reason : null;
    chip = ALL;
    refresh();
  }

  function start() {
    const names = Model.rows.source.words;
    find("#source").replaceChildren(make("option", { value: "" }, "all"), ...names.map((/** @type {string} */ name, /** @type {number} */ i) => make("option", { value: i }, name)));
    find("#source").closest("label").hidden = names.length < 2;
    find("#pictured").closest("label").hidden = !Model.partly;
    find("#search").addEventListener("input", () => { kind = null; });
    for (const id of ["search", "pictured", "source", "range-low", "range-high"]) find(`#${id}`).addEventListener("input", refresh);
    find("#sort").addEventListener("input", () => { sort = Number(find("#sort").value); refresh(); });
    find("#order").addEventListener("click", () => { down = !down; refresh(); });
    find("#range-column").addEventListener("input", () => { find(".range").hidden = find("#range-column").value === "-1"; refresh(); });
  }

  return { start, show, only };
})();
