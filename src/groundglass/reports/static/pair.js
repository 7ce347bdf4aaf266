// @ts-check
"use strict";

/** The pair of an image that a step made: HQ and LQ at the same size, where they differ, and what the gates say. */
const Pair = (() => {
  const { make } = Dom;
  const EDGE = 16, CAPTION = 28, HIGH = 320, TINT = [255, 45, 125, 90], WHITE = [255, 255, 255, 255], BLACK = [0, 0, 0, 200];
  const SAID = { accepted: "HQ is a faithful sharper version of LQ.", rejected: "HQ is not a faithful version of LQ.", unknown: "The gates cannot judge this pair." };
  const GLYPHS = { accepted: ["kept", "●"], rejected: ["dropped", "✕"], unknown: ["failed", "○"] };
  let together = true, mapped = true;
  /** @type {"hq" | "lq"} */ let shown = "hq";

  /** The two images next to each other, or one of them. @param {number} row @param {number} wide @param {() => void} redraw */
  function stage(row, wide, redraw) {
    const pair = Model.pairOf(row);
    if (!pair) return null;
    const shares = sharesOf(row, pair), [w, h] = Model.size(pair.hq);
    const room = together ? (wide - 3 * EDGE) / 2 : wide - 2 * EDGE;
    const across = w * shares.hq[0], down = h * shares.hq[1];
    const scale = Math.min(room / across, (HIGH - 2 * EDGE - CAPTION) / down);
    const size = [Math.round(across * scale), Math.round(down * scale)];
    const act = () => { flip(); redraw(); };
    const sides = /** @type {("hq" | "lq")[]} */ (together ? ["hq", "lq"] : [shown]);
    return make("div", { class: `stage pair-stage${together ? "" : " one"}` }, ...sides.map((side) => half(row, pair, side, shares[side], size, act)));
  }

  /** @param {number} row @param {any} pair @param {"hq" | "lq"} side @param {number[]} share @param {number[]} size @param {() => void} act */
  function half(row, pair, side, share, size, act) {
    const which = pair[side], [w, h] = Model.size(which), name = side.toUpperCase();
    const facts = `${which === row ? pair.by : "origin"} · ${w} × ${h}`;
    const next = together ? `${name}, ${facts} px. Show it alone` : `${name}, ${facts} px. Show ${side === "hq" ? "LQ" : "HQ"} in its place`;
    const view = make("button", { type: "button", class: "view", "aria-label": next, title: together ? "Show one, and flip (x)" : "Flip (x)", onclick: () => { if (together) shown = side === "hq" ? "lq" : "hq"; act(); } },
      Thumbnail.fill(which, size[0], size[1], share) ?? make("span", { class: "none" }, "no thumbnail"),
      side === "hq" && mapped && pair.map && overlay(pair.map, size[0]));
    Object.assign(view.style, { width: `${size[0]}px`, height: `${size[1]}px` });
    return make("figure", { class: "half", "data-side": side }, make("figcaption", {}, make("strong", {}, name), ` ${facts}`), view);
  }

  /** The share of each image that the other one shows: a degraded image is of its origin without the last few px. @param {number} row @param {any} pair */
  function sharesOf(row, pair) {
    const [w, h, times] = (/\((\d+)x(\d+),x(\d+)/.exec(/** @type {string} */ (Model.word("region", row).split("/").pop())) ?? []).slice(1).map(Number);
    const [across, down] = Model.size(pair.hq);
    return { lq: [1, 1], hq: pair.by === "degraded" ? [w * times / across, h * times / down] : [1, 1] };
  }

  /**
   * Where HQ shows what LQ does not: the map's places tinted, with a white and a black line around them, which are seen
   * on any image.
   * @param {string} map base64 of a PNG @param {number} wide px of the screen
   */
  function overlay(map, wide) {
    const canvas = make("canvas", { class: "map" }), image = new Image(), brush = canvas.getContext("2d", { willReadFrequently: true });
    image.onload = () => {
      const w = image.naturalWidth, h = image.naturalHeight, line = Math.max(1, Math.round(devicePixelRatio)), times = Math.max(1, Math.round(wide * devicePixelRatio / w));
      [canvas.width, canvas.height] = [w, h];
      brush.drawImage(image, 0, 0);
      const grey = brush.getImageData(0, 0, w, h).data;
      const on = (/** @type {number} */ x, /** @type {number} */ y) => x >= 0 && y >= 0 && x < w * times && y < h * times && grey[4 * (Math.floor(y / times) * w + Math.floor(x / times))] > 0;
      [canvas.width, canvas.height] = [w * times, h * times];
      const drawn = brush.createImageData(canvas.width, canvas.height);
      for (let y = 0, i = 0; y < canvas.height; y++) {
        for (let x = 0; x < canvas.width; x++, i += 4) {
          const here = on(x, y), around = [on(x - line, y), on(x + line, y), on(x, y - line), on(x, y + line)];
          if (here) drawn.data.set(around.every(Boolean) ? TINT : WHITE, i); else if (around.some(Boolean)) drawn.data.set(BLACK, i);
        }
      }
      brush.putImageData(drawn, 0, 0);
      canvas.dataset.places = String(Array.from({ length: w * h }, (_, i) => Number(grey[4 * i] > 0)).reduce((sum, one) => sum + one, 0));
    };
    image.src = `data:image/png;base64,${map}`;
    return canvas;
  }

  /** The buttons of a pair. @param {number} row @param {() => void} redraw @returns {any[]} */
  function tools(row, redraw) {
    const pair = Model.pairOf(row);
    if (!pair) return [];
    const button = (/** @type {string} */ text, /** @type {string} */ title, /** @type {boolean | undefined} */ pressed, /** @type {() => void} */ act) =>
      make("button", { type: "button", class: "quiet", title, "aria-pressed": pressed === undefined ? undefined : String(pressed), onclick: () => { act(); redraw(); } }, text);
    return [
      pair.map && button("Map", "Mark the places in HQ that LQ does not show", mapped, () => { mapped = !mapped; }),
      button(together ? "Flip" : "Side by side", together ? "Show one, and flip (x)" : "Show both", undefined, () => { together = !together; }),
    ];
  }

  /** The verdict of the gates in words. @param {number} row @returns {any[]} */
  function story(row) {
    const pair = Model.pairOf(row);
    if (!pair) return [];
    const made = Model.text("made_with", row), verdict = /** @type {keyof typeof SAID} */ (pair.verdict);
    const [glyph, shape] = GLYPHS[verdict] ?? [];
    return [
      make("h3", {}, "Its pair"),
      verdict && make("div", { class: "verdict" }, make("span", { class: `glyph ${glyph}` }, shape), make("span", {}, `${verdict[0].toUpperCase()}${verdict.slice(1)}. ${SAID[verdict]}`),
        ...pair.reasons.split(" | ").filter(Boolean).map((reason) => make("span", { class: "why" }, reason))),
      verdict && pair.map && make("p", { class: "about" }, make("span", { class: "swatch" }), " where HQ shows what LQ does not"),
      verdict && make("p", { class: "about" }, "Invented texture that averages out at the size of LQ is invisible to all gates."),
      ...(made ? madeWith(made.split(" → ")) : []),
    ].filter(Boolean);
  }

  /** @param {string[]} steps */
  function madeWith(steps) {
    const list = make("ol", { class: "made-with" }, ...steps.map((step) => make("li", {}, step)));
    return [make("h3", {}, "Made with"), steps.length < 5 ? list : make("details", {}, make("summary", { class: "about" }, `${steps.length} steps`), list)];
  }

  /** Names of the text values that the story of a pair shows. @param {number} row @returns {string[]} */
  function names(row) { return Model.pairOf(row) ? [...Model.rows.pairs.flatMap((/** @type {any} */ one) => [one.verdict, one.reasons]), "made_with"] : []; }

  /** From both to one, then from one to the other. */
  function flip() {
    if (together) together = false;
    shown = shown === "hq" ? "lq" : "hq";
  }

  return { stage, tools, story, names, flip };
})();
