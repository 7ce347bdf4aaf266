// @ts-check
"use strict";

/** The movable threshold: the images that would remain, and the recipe line for it. */
const Threshold = (() => {
  const { make, find, all, eachFrame } = Dom;
  const NEAREST = 16;

  /** @type {Map<number, number[]>} */ const moved = new Map();

  /** A step's current limits. @param {number} index */
  function limitsOf(index) { return moved.get(index) ?? Model.steps[index].lines.map((line) => line.limit); }

  /** The outcome of a step's images with its current limits. @param {number} index */
  function statusOf(index) { return Model.judge(Model.steps[index], limitsOf(index)); }

  /** A number as a recipe writes it. @param {number} value */
  function plain(value) { return String(Number(value.toPrecision(12))); }

  /** A YAML string in quotes. @param {string} text */
  function quoted(text) { return text.includes('"') || text.includes("\\") ? `'${text.replaceAll("'", "''")}'` : `"${text}"`; }

  /** A column as an expression writes it. @param {string} name */
  function named(name) { return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`; }

  /** The number that a ranking must keep: counted, or scaled up if the report shows a sample of the run. @param {any} step @param {number} kept @param {Uint8Array} status */
  function wanted(step, kept, status) {
    if (status === step.status) return step.rowsOut;
    return step.rowsIn > status.length ? Math.round(kept * step.rowsIn / status.length) : kept;
  }

  /** The recipe line of a step with these limits. @param {any} step @param {number[]} limits @param {Uint8Array} status */
  function recipeLine(step, limits, status) {
    const kept = status.filter((code) => code === Model.KEPT).length;
    const by = step.lines.length ? Model.columns[step.lines[0].column].name : "";
    if (step.rule === "top_k") return `- select: {top_k: ${wanted(step, kept, status)}, by: ${by}}`;
    if (step.rule === "quantile") {
      const judged = status.filter((code) => code <= Model.DROPPED).length;
      return `- select: {quantile: ${plain(Number(((judged - kept) / Math.max(1, judged)).toFixed(4)))}, by: ${by}}`;
    }
    const tests = step.lines.map((/** @type {any} */ line, /** @type {number} */ i) => `${named(Model.columns[line.column].name)} ${line.op} ${plain(limits[i])}`);
    return `- select: {where: ${quoted(tests.join(" and "))}}`;
  }

  /** Moves the threshold in a chart. @param {any} box @param {number} limit */
  function drawLine(box, limit) {
    const axis = JSON.parse(box.dataset.axis), svg = find("svg.bars", box);
    const wide = svg.viewBox.baseVal.width, share = Model.place(axis, limit), at = share * wide;
    const below = box.dataset.side === "below";
    /** @param {string} part @param {number} x @param {number} width */
    const put = (part, x, width) => { const rect = find(`rect[data-part=${part}]`, svg); rect.setAttribute("x", x); rect.setAttribute("width", Math.max(0, width)); };
    put(below ? "kept" : "dropped", 0, at);
    put(below ? "dropped" : "kept", at, wide - at);
    find("[data-part=limit]", svg).setAttribute("transform", `translate(${at} 0)`);
    const handle = find(".handle", box);
    handle.style.left = `${100 * share}%`;
    handle.setAttribute("aria-valuenow", limit);
    handle.setAttribute("aria-valuetext", Model.format(limit));
  }

  /** Updates everything in a step's view that depends on its thresholds. @param {any} view @param {(row: number) => void} open */
  function draw(view, open) {
    const index = Number(view.dataset.step), step = Model.steps[index];
    const limits = limitsOf(index), status = statusOf(index);
    for (const box of all(".chart-box.live", view)) drawLine(box, limits[box.dataset.line]);
    for (const input of all(".limits input", view)) {
      if (document.activeElement !== input) input.value = String(Number(limits[input.dataset.line].toPrecision(6)));
    }
    say(view, step, status);
    find(".recipe code", view).textContent = recipeLine(step, limits, status);
    find(".back", view).hidden = !moved.has(index);
    const axes = all(".chart-box.live", view).map((box) => JSON.parse(box.dataset.axis));
    fillStrip(find("[data-strip=kept] .cells", view), step, { limits, status, axes }, Model.KEPT, open);
    fillStrip(find("[data-strip=dropped] .cells", view), step, { limits, status, axes }, Model.DROPPED, open);
    Gallery.show(index, status);
  }

  /** @param {any} view @param {any} step @param {Uint8Array} status */
  function say(view, step, status) {
    const kept = status.filter((code) => code === Model.KEPT).length;
    const before = step.status.filter((/** @type {number} */ code) => code === Model.KEPT).length;
    const same = status === step.status, more = kept - before;
    const against = same ? "" : more === 0 ? ", as many as in the run" : `, ${Model.whole(Math.abs(more))} ${more > 0 ? "more" : "fewer"} than in the run`;
    find(".remain", view).replaceChildren(make("b", {}, Model.whole(kept)), ` of ${Model.whole(status.length)}${step.rowsIn > status.length ? " shown here" : ""} ${same ? "remain" : "would remain"}${against}`);
  }

  /**
   * The images nearest to the threshold, on one side of it; with several thresholds, nearest to any of them. An image
   * that more than one threshold drops is left out: moving one of them would not bring it back.
   * @param {any} home @param {any} step @param {any} judged limits, status and the charts' axes @param {number} side @param {(row: number) => void} open
   */
  function fillStrip(home, step, { limits, status, axes }, side, open) {
    const near = [];
    const sees = step.lines.map((/** @type {any} */ line) => Model.columns[line.column].values);
    for (let i = 0; i < status.length; i++) {
      if (status[i] !== side) continue;
      const row = step.rows[i];
      if (!Thumbnail.has(row)) continue;
      const tests = step.lines.map((/** @type {any} */ line, /** @type {number} */ n) => ({
        n, value: sees[n][row], good: Model.passes(sees[n][row], line.op, limits[n]),
        away: Math.abs(Model.place(axes[n], sees[n][row]) - Model.place(axes[n], limits[n])),
      }));
      const decided = side === Model.DROPPED ? tests.filter((/** @type {any} */ test) => !test.good) : tests;
      if (side === Model.DROPPED && decided.length > 1) continue;
      const by = decided.reduce((/** @type {any} */ a, /** @type {any} */ b) => b.away < a.away ? b : a, decided[0] ?? tests[0]);
      if (!Number.isNaN(by.value)) near.push({ row, ...by, exact: Math.abs(by.value - limits[by.n]) });
    }
    near.sort((a, b) => a.away - b.away || a.exact - b.exact || a.row - b.row);
    const name = (/** @type {number} */ n) => step.lines.length > 1 ? `${Model.columns[step.lines[n].column].name} ` : "";
    home.replaceChildren(...near.slice(0, NEAREST).map(({ row, n, value }) =>
      make("figure", {}, Thumbnail.cell(row, 96, open), make("figcaption", {}, `${name(n)}${Model.format(value)}`))));
    if (!near.length) home.append(make("p", { class: "empty" }, "None."));
  }

  /** Lets the user move a step's thresholds by pointer, by keys and by number. @param {any} view @param {(row: number) => void} open */
  function bind(view, open) {
    const index = Number(view.dataset.step), own = Model.steps[index].lines.map((line) => line.limit);
    const redraw = eachFrame(() => draw(view, open));
    /** @param {number} line @param {number} value */
    const set = (line, value) => {
      if (!Number.isFinite(value)) return;
      const limits = [...limitsOf(index)];
      limits[line] = value;
      if (limits.every((limit, i) => limit === own[i])) moved.delete(index); else moved.set(index, limits);
      redraw();
    };
    for (const box of all(".chart-box.live", view)) bindChart(box, () => limitsOf(index)[Number(box.dataset.line)], (value) => set(Number(box.dataset.line), value));
    for (const input of all(".limits input", view)) input.addEventListener("input", () => { if (input.value !== "") set(Number(input.dataset.line), Number(input.value)); });
    for (const code of all(".knee .copyable code", view)) code.textContent = recipeLine(Model.steps[index], [Number(code.closest(".knee").dataset.knee)], Model.steps[index].status);
    find(".back", view).addEventListener("click", () => { moved.delete(index); redraw(); });
  }

  /** @param {any} box @param {() => number} get @param {(value: number) => void} set */
  function bindChart(box, get, set) {
    const axis = JSON.parse(box.dataset.axis), plot = find(".plot", box), handle = find(".handle", box);
    const follow = (/** @type {PointerEvent} */ event) => {
      const place = plot.getBoundingClientRect();
      set(Model.valueAt(axis, (event.clientX - place.left) / place.width));
    };
    plot.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      if (event.button !== 0) return;
      plot.setPointerCapture(event.pointerId);
      handle.focus({ preventScroll: true });
      follow(event);
      event.preventDefault();
    });
    plot.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => { if (plot.hasPointerCapture(event.pointerId)) follow(event); });
    handle.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      const by = keyMove(event);
      if (by === null) return;
      set(nudged(axis, get(), by));
      event.preventDefault();
    });
  }

  /** The number of smallest steps that a key moves the threshold; ±Infinity is the axis's end. @param {KeyboardEvent} event */
  function keyMove(event) {
    /** @type {Record<string, number>} */
    const moves = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10, End: Infinity, Home: -Infinity };
    const by = moves[event.key];
    return by === undefined ? null : event.shiftKey ? 10 * by : by;
  }

  /** @param {Axis} axis @param {number} value @param {number} by */
  function nudged(axis, value, by) {
    if (!Number.isFinite(by)) return by > 0 ? axis.high : axis.low;
    if (axis.log) return Model.valueAt(axis, Model.place(axis, value) + by / 200);
    const grain = Model.grain(axis);
    const next = (Math.round(value / grain) + by) * grain;
    return Math.min(axis.high, Math.max(axis.low, Number(next.toPrecision(12))));
  }

  return { bind, draw, statusOf };
})();
