// @ts-check
"use strict";

/**
 * The run's data in the page. `data.js` assigned the raw form to `window.GROUNDGLASS`; columns are unpacked at
 * their first use.
 *
 * @typedef {{low: number, high: number, log: boolean}} Axis
 * @typedef {{words: string[], codes: number[]}} Coded
 * @typedef {{column: number, op: "<" | "<=" | ">" | ">=", limit: number}} Line
 * @typedef {{name: string, kind: string, label: string, unit: string, rule: string, rowsIn: number, rowsOut: number, lines: Line[],
 *   rows: Int32Array, status: Uint8Array, margin: Float64Array | null, reason: Coded, counted: Coded}} Step
 * @typedef {{axis: Axis, path: string}} Spread
 * @typedef {{name: string, unit: string, better: string, meaning: string, values: Float64Array,
 *   pools: (Spread | null)[]}} Column
 */
const Model = (() => {
  const raw = /** @type {any} */ (window).GROUNDGLASS;

  const KEPT = 0, DROPPED = 1, FAILED = 2, HELD_OUT = 3, PASSED_ON = 4;
  const SHAPES = ["●", "✕", "○", "◇", "→"];
  const NAMES = ["kept", "dropped", "failed", "held_out", "passed_on"];

  /** Base64 of little-endian numbers. @template T @param {string} text @param {new (b: ArrayBuffer) => T} Type @returns {T} */
  function unpack(text, Type) {
    const chars = atob(text);
    const bytes = new Uint8Array(chars.length);
    for (let i = 0; i < chars.length; i++) bytes[i] = chars.charCodeAt(i);
    return new Type(bytes.buffer);
  }

  /** A property that is computed once, at its first use. @param {any} target @param {string} name @param {() => any} make */
  function lazy(target, name, make) {
    Object.defineProperty(target, name, {
      configurable: true, enumerable: true,
      get() { const value = make(); Object.defineProperty(target, name, { value }); return value; },
    });
  }

  /** @param {any} from @returns {Step} */
  function readStep(from) {
    const step = { ...from };
    lazy(step, "rows", () => from.rows === null ? Int32Array.from({ length: raw.rows.count }, (_, i) => i) : unpack(from.rows, Int32Array));
    lazy(step, "status", () => unpack(from.status, Uint8Array));
    lazy(step, "margin", () => from.margin === null ? null : unpack(from.margin, Float64Array));
    return step;
  }

  /** @param {any} from @returns {Column} */
  function readColumn(from) {
    const column = { ...from };
    lazy(column, "values", () => unpack(from.values, Float64Array));
    return column;
  }

  /** @type {Step[]} */
  const steps = raw.steps.map(readStep);
  /** @type {Column[]} */
  const columns = raw.columns.map(readColumn);
  const rows = raw.rows;
  const count = /** @type {number} */ (rows.count);
  const born = unpack(rows.born, Int32Array), left = unpack(rows.left, Int32Array);
  const parent = unpack(rows.parent, Int32Array), last = unpack(rows.status, Uint8Array);
  const boxes = unpack(raw.sheets.boxes, Int32Array), shownBy = unpack(rows.shownBy, Int32Array);

  const units = new Set(steps.filter((step) => step.kind === "transform").map((step) => step.unit));
  const becomes = units.size === 1 ? [...units][0] : "other images";
  const TITLES = raw.titles ?? ["Kept", "Dropped", "Failed", "Held out", `Went on as ${becomes}`];

  /**
   * The runs in an image's story: this one, and on the page of two runs also the one before it.
   * @typedef {{title: string, folder: string, steps: Step[], left: Int32Array, there: Uint8Array | null, own: boolean}} Side
   * @type {Side[]}
   */
  const sides = (raw.sides ?? [{ title: "Outcome", folder: raw.run.folder }]).map((/** @type {any} */ side) => ({
    title: side.title, folder: side.folder, own: !raw.sides,
    steps: side.steps ? side.steps.map(readStep) : steps,
    left: side.left ? unpack(side.left, Int32Array) : left,
    there: side.there ? unpack(side.there, Uint8Array) : null,
  }));

  // A photograph that a transform replaced by derived images was neither kept nor dropped: it went on as these.
  for (let row = 0; row < count; row++) if (last[row] === KEPT && left[row] < steps.length) last[row] = PASSED_ON;

  // In very large runs only some images have a thumbnail: then the others are counted, but not shown.
  let pictured = 0, without = 0;
  for (let row = 0; row < count; row++) if (shownBy[row] >= 0) pictured++; else if (last[row] !== FAILED) without++;
  const partly = pictured > 0 && without > 0;

  /** The address of a sheet: a file next to the page or, if the page is a single file, an element in it. @param {number} sheet */
  function sheetUrl(sheet) {
    const file = raw.sheets.files[sheet];
    if (!file.url) {
      const part = document.getElementById(`sheet-${sheet}`);
      file.url = part ? URL.createObjectURL(new Blob([unpack(part.textContent ?? "", Uint8Array)], { type: "image/jpeg" })) : `sheets/${file.name}`;
    }
    return file.url;
  }

  /** The word of a coded column for a row, "" where there is none. @param {string} name @param {number} row */
  function word(name, row) {
    const coded = rows[name];
    return coded && coded.codes[row] >= 0 ? /** @type {string} */ (coded.words[coded.codes[row]]) : "";
  }

  /** The text values of an image, with the names of their columns. @param {number} row @returns {[string, string][]} */
  function said(row) {
    return Object.entries(rows.said ?? {}).filter(([, coded]) => coded.codes[row] >= 0).map(([name, coded]) => [name, coded.words[coded.codes[row]]]);
  }

  /** Whether a step made an image or the image that it was cut from, so that its photograph's file does not show it. @param {number} row */
  function isMade(row) { return /(^|\/)(degraded|restored)\(/.test(word("region", row)); }

  /**
   * The pair of an image that a step made: the rows of LQ and HQ, and what the measure `pair` says about them.
   * Null if the image is not one, or if this page does not have the image that it was made from.
   * @param {number} row @returns {{lq: number, hq: number, by: string, verdict: string, reasons: string, map: string} | null}
   */
  function pairOf(row) {
    const made = /(?:^|\/)(degraded|restored)\([^/]*\)$/.exec(word("region", row)), from = parent[row];
    if (!made || from < 0) return null;
    const [lq, hq] = made[1] === "degraded" ? [row, from] : [from, row];
    const names = rows.pairs.find((/** @type {any} */ one) => text(one.verdict, row));
    return { lq, hq, by: made[1], verdict: text(names?.verdict, row), reasons: text(names?.reasons, row), map: rows.maps?.[row] ?? "" };
  }

  /** A text value of an image, "" if it has none. @param {string | undefined} name @param {number} row */
  function text(name, row) {
    const coded = name === undefined ? undefined : rows.said?.[name];
    return coded && coded.codes[row] >= 0 ? /** @type {string} */ (coded.words[coded.codes[row]]) : "";
  }

  /** The size of an image, px; NaN if it is not known. @param {number} row @returns {[number, number]} */
  function size(row) {
    const [w, h] = ["width", "height"].map((name) => columns.find((column) => column.name === name)?.values[row] ?? NaN);
    return [w, h];
  }

  /** @param {number} value @param {Line["op"]} op @param {number} limit */
  function passes(value, op, limit) {
    return op === "<" ? value < limit : op === "<=" ? value <= limit : op === ">" ? value > limit : value >= limit;
  }

  /**
   * The outcome of each image that a step judged, for other limits. For the recipe's own limits it returns the run's
   * own outcomes, so that the page can never contradict the run.
   * @param {Step} step @param {number[]} limits @returns {Uint8Array}
   */
  function judge(step, limits) {
    if (step.lines.every((line, i) => line.limit === limits[i])) return step.status;
    const judged = Uint8Array.from(step.status);
    const tests = step.lines.map((line, i) => ({ op: line.op, limit: limits[i], values: columns[line.column].values }));
    for (let i = 0; i < judged.length; i++) {
      if (judged[i] > DROPPED) continue;
      judged[i] = tests.every((test) => passes(test.values[step.rows[i]], test.op, test.limit)) ? KEPT : DROPPED;
    }
    return judged;
  }

  /** The index of a row in a step's pool, -1 if it is not there. @param {Step} step @param {number} row */
  function placeIn(step, row) {
    let low = 0, high = step.rows.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (step.rows[middle] === row) return middle;
      if (step.rows[middle] < row) low = middle + 1; else high = middle - 1;
    }
    return -1;
  }

  /** The position of a value on an axis, 0 to 1. @param {Axis} axis @param {number} value */
  function place(axis, value) {
    const share = axis.log
      ? Math.log(Math.max(value, axis.low) / axis.low) / Math.log(axis.high / axis.low)
      : (value - axis.low) / (axis.high - axis.low);
    return Math.min(1, Math.max(0, share));
  }

  /** The value at a position of an axis, rounded to a precision that a hand can set. @param {Axis} axis @param {number} share */
  function valueAt(axis, share) {
    const at = Math.min(1, Math.max(0, share));
    if (axis.log) return Number((axis.low * (axis.high / axis.low) ** at).toPrecision(3));
    const step = grain(axis);
    return Number((Math.round((axis.low + at * (axis.high - axis.low)) / step) * step).toPrecision(12));
  }

  /** The smallest useful step on a linear axis. @param {Axis} axis */
  function grain(axis) { return 10 ** Math.floor(Math.log10((axis.high - axis.low) / 100)); }

  /** @param {number} value */
  function format(value) {
    if (!Number.isFinite(value)) return "–";
    if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en-US");
    return String(Number(value.toPrecision(4)));
  }

  /** @param {number} value */
  function whole(value) { return value.toLocaleString("en-US"); }

  return {
    run: raw.run, steps, columns, rows, count, born, left, parent, last, boxes, shownBy, sheets: raw.sheets, sides, pictured, partly, sheetUrl,
    KEPT, DROPPED, FAILED, HELD_OUT, PASSED_ON, SHAPES, NAMES, TITLES,
    word, text, said, isMade, pairOf, size, judge, passes, placeIn, place, valueAt, grain, format, whole,
  };
})();
