// @ts-check
"use strict";

/** One image's story: the image, its rank in every measure, each verdict, and the command that explains them. */
const Drawer = (() => {
  const { make, find } = Dom;
  /** @type {any} */ let home;
  /** @type {HTMLElement | null} */ let cameFrom = null;
  let row = -1, actual = false;
  const FATES = ["kept", "dropped", "failed", "held out", "went on"];

  function isOpen() { return !home.hidden; }

  /** @param {number} which */
  function open(which) {
    const fresh = home.hidden;
    if (fresh) cameFrom = /** @type {any} */ (document.activeElement);
    row = which;
    Grid.point(row);
    home.hidden = false;
    document.body.classList.add("has-drawer");
    home.replaceChildren(stage(), tools(), story());
    home.scrollTop = 0;
    if (fresh && innerWidth <= 860) find(".close", home).focus();
  }

  function close() {
    if (home.hidden) return;
    home.hidden = true;
    document.body.classList.remove("has-drawer");
    cameFrom?.focus({ preventScroll: true });
  }

  function flip() { actual = !actual; redraw(); }

  /** The other image of a pair. */
  function swap() { if (isOpen() && Model.pairOf(row)) { Pair.flip(); redraw(); } }

  /** Draw the same image again; the keyboard stays at the same button. */
  function redraw() {
    if (!isOpen()) return;
    const at = [...home.querySelectorAll("button")].indexOf(document.activeElement), top = home.scrollTop, text = document.activeElement?.textContent;
    open(row);
    home.scrollTop = top;
    const buttons = [...home.querySelectorAll("button")];
    if (at >= 0) (buttons.find((button) => text && button.textContent === text) ?? buttons[Math.min(at, buttons.length - 1)]).focus({ preventScroll: true });
  }

  /** Whether the photograph's file shows the image. */
  function isFile() { return Model.word("path", row).startsWith("/") && !Model.isMade(row); }

  /** Its pair if a step made it; else the image itself if its file is still on this disk, otherwise its thumbnail. */
  function stage() {
    const pair = Pair.stage(row, home.clientWidth || 440, redraw);
    if (pair) return pair;
    const node = make("div", { class: `stage${actual ? " actual" : ""}` });
    const path = Model.word("path", row);
    node.append(Thumbnail.draw(row, home.clientWidth || 440, 320, 1.5));
    if (isFile() && location.protocol === "file:" && Model.last[row] !== Model.FAILED) showFile(node, path);
    return node;
  }

  /** @param {any} node @param {string} path */
  function showFile(node, path) {
    const mine = row;
    const image = new Image();
    image.onload = () => { if (mine === row && node.isConnected) { node.replaceChildren(framed(image)); find(".spread", home).textContent = ""; } };
    image.onerror = () => { if (mine === row && node.isConnected) find(".spread", home).textContent = "file not found; thumbnail"; };
    image.src = `file://${path.split("/").map(encodeURIComponent).join("/")}`;
    image.alt = Model.rows.uri[row];
  }

  /** The region of a photograph, fit into the stage or one image pixel to one screen pixel. @param {HTMLImageElement} image */
  function framed(image) {
    const at = Thumbnail.window(Model.word("region", row), image.naturalWidth, image.naturalHeight);
    const real = 1 / devicePixelRatio;
    const room = Math.min((home.clientWidth || 440) / at.w, 320 / at.h);
    // A small image is upscaled by a whole number, so that each pixel stays a sharp square.
    const scale = actual ? real : room / real >= 2 ? Math.floor(room / real) * real : Math.min(room, 1);
    const frame = make("div", { class: "frame" }, image);
    Object.assign(frame.style, { width: `${at.w * scale}px`, height: `${at.h * scale}px`, overflow: "hidden", margin: actual ? "auto" : "" });
    Object.assign(image.style, {
      width: `${image.naturalWidth * at.sx * scale}px`, height: `${image.naturalHeight * at.sy * scale}px`, maxWidth: "none", maxHeight: "none",
      transform: `translate(${-at.x * scale}px, ${-at.y * scale}px)`, imageRendering: scale > 1 ? "pixelated" : "auto",
    });
    return frame;
  }

  function tools() {
    const button = (/** @type {string} */ label, /** @type {string} */ sign, /** @type {() => void} */ act, kind = "icon") =>
      make("button", { type: "button", class: kind, "aria-label": label, title: label, onclick: act }, sign);
    return make("div", { class: "drawer-tools" },
      button("Previous image", "←", () => Grid.step(-1)), button("Next image", "→", () => Grid.step(1)),
      make("span", { class: "spread" }, Model.pairOf(row) ? "thumbnails" : Model.shownBy[row] < 0 ? "" : "thumbnail"),
      ...Pair.tools(row, redraw),
      isFile() && button("Fit or 1:1 (1)", actual ? "Fit" : "1:1", flip, "quiet"),
      button("Close (Esc)", "✕", close, "icon close"));
  }

  function story() {
    return make("div", { class: "story" }, make("h2", {}, Model.rows.uri[row]), ...about(), ...Pair.story(row), ...said(), ...family(), ...verdicts(), ...measures(), ...command());
  }

  function about() {
    const [wide, high] = Model.size(row);
    const size = Number.isNaN(wide) ? "" : `${wide} × ${high} px`;
    const region = Model.word("region", row);
    const facts = [size, Model.word("format", row), Model.word("source", row), Model.word("licence", row), Model.word("author", row)].filter(Boolean);
    return [make("p", { class: "about" }, facts.join(" · ")), region ? make("p", { class: "about" }, region) : null, Model.word("path", row) ? make("p", { class: "about" }, Model.word("path", row)) : null, Model.word("warning", row) ? make("p", { class: "about" }, `warning: ${Model.word("warning", row)}`) : null].filter(Boolean);
  }

  /** Its text values: models' answers, and texts from measures. */
  function said() {
    const above = Pair.names(row), list = Model.said(row).filter(([name]) => !above.includes(name));
    return list.length ? [make("h3", {}, "Captions, tags and other text"), ...list.map(([name, text]) => make("p", { class: "about" }, make("strong", {}, name), ` ${text}`))] : [];
  }

  /** The photograph that it was made from, or the images that were made from it. */
  function family() {
    const up = Model.parent[row];
    if (up >= 0) return [make("h3", {}, "Made from"), Model.shownBy[up] < 0 ? make("button", { type: "button", class: "link", onclick: () => open(up) }, nameOf(up)) : make("div", { class: "children" }, Thumbnail.cell(up, 48, open))];
    const made = [];
    for (let other = 0; other < Model.count; other++) if (Model.parent[other] === row) made.push(other);
    if (!made.length) return [];
    const kept = made.filter((other) => Model.last[other] === Model.KEPT).length;
    return [make("h3", {}, `${Model.whole(made.length)} made from it, ${Model.whole(kept)} kept`), make("div", { class: "children" }, ...made.slice(0, 24).map((other) => Thumbnail.cell(other, 48, open)))];
  }

  function verdicts() { return Model.sides.flatMap(storyOf); }

  /** Its verdicts in one run. @param {any} side */
  function storyOf(side) {
    const list = side.steps.map((/** @type {any} */ step, /** @type {number} */ index) => ({ step, index, at: Model.placeIn(step, row) }));
    const said = list.filter(({ step, index, at }) => at >= 0 && partOf(side, step, index)).map(({ step, index, at }) => verdict(side, step, index, at));
    if (side.there && !side.there[row]) said.push(make("p", { class: "about" }, `It was not in this run: ${Model.word("reason", row).replaceAll("_", " ")}.`));
    return said.length ? [make("h3", {}, side.title), ...said] : [];
  }

  /** Whether a step is part of an image's story: it judged it, made it, or lost it. @param {any} side @param {any} step @param {number} index */
  function partOf(side, step, index) { return ["source", "select", "hold_out", "transform"].includes(step.kind) || side.left[row] === index; }

  /** @param {any} side @param {any} step @param {number} index @param {number} at */
  function verdict(side, step, index, at) {
    const status = step.status[at];
    const reason = (step.reason.codes[at] >= 0 ? step.reason.words[step.reason.codes[at]] : "").replaceAll("_", " ");
    const margin = step.margin ? step.margin[at] : NaN;
    const values = step.lines.map((/** @type {any} */ line) => `${Model.columns[line.column].name} ${Model.format(Model.columns[line.column].values[row])}, limit ${Model.format(line.limit)}`);
    // A reason that only repeats the deciding value is left out.
    const again = step.lines.some((/** @type {any} */ line) => reason.startsWith(`${Model.columns[line.column].name.replaceAll("_", " ")} `));
    const why = [values.join("; "), again ? "" : reason].filter(Boolean).join(" · ");
    return make("div", { class: "verdict" },
      make("span", { class: `glyph ${Model.NAMES[status]}`, title: FATES[status] }, Model.SHAPES[status]),
      side.own ? make("a", { href: `#step-${index + 1}` }, step.label) : make("span", {}, step.label),
      make("span", { class: "margin", title: "margin: distance from the threshold, + on the kept side" }, Number.isNaN(margin) ? "" : `${margin < 0 ? "−" : "+"}${Model.format(Math.abs(margin))}`),
      why && make("span", { class: "why" }, why));
  }

  function measures() {
    const pool = Model.parent[row] >= 0 || Model.word("region", row) ? 1 : 0;
    const list = Model.columns.filter((column) => !Number.isNaN(column.values[row]));
    return list.length ? [make("h3", {}, pool ? "Its values, compared with all derived images" : "Its values, compared with all photographs"), ...list.map((column) => measure(column, column.pools[pool]))] : [];
  }

  /** @param {any} column @param {any} spread */
  function measure(column, spread) {
    const value = column.values[row];
    return make("div", { class: "measure", title: column.meaning },
      make("span", { class: "name" }, column.name), spread ? bullet(spread, value) : make("span"),
      make("span", { class: "value" }, Model.format(value), column.unit && make("span", { class: "muted" }, ` ${column.unit}`)));
  }

  /** @param {any} spread @param {number} value */
  function bullet(spread, value) {
    const at = 1 + 118 * Model.place(spread.axis, value);
    return make("svg", { class: "bullet", viewBox: "0 0 120 16", preserveAspectRatio: "none", "aria-hidden": "true" },
      make("path", { class: "dist", d: spread.path }), make("path", { class: "base", d: "M0 15.5H120" }), make("path", { class: "limit", d: `M${at} 0V16` }));
  }

  /** A word as a shell reads it. @param {string} text */
  function shell(text) { return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`; }

  /** The name of an image in the run's tables. @param {number} of */
  function nameOf(of) { const region = Model.word("region", of); return Model.rows.uri[of] + (region ? `#${region}` : ""); }

  function command() {
    const name = nameOf(row), guard = name.startsWith("-") ? "-- " : "";
    const sides = Model.sides.filter((side) => !side.there || side.there[row]);
    return [make("h3", {}, "On the command line"), ...sides.map((side) => make("div", { class: "copyable" },
      make("code", {}, `groundglass why ${shell(side.folder)} ${guard}${shell(name)}`),
      make("button", { type: "button", class: "quiet", "data-copy": "", "aria-label": "Copy the command" }, "Copy")))];
  }

  function start() { home = find("#drawer"); }

  return { start, open, close, isOpen, flip, swap };
})();
