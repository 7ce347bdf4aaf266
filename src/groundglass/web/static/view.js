// @ts-check
/**
 * The view: one canvas that has exactly the screen's pixels. Every image of a trial is drawn into the same place, and
 * each draw replaces the whole content at once, so no frame between two images is blank.
 */
import { eachFrame } from "./dom.js";
import { frameOf } from "./loader.js";
import { CLOSEST, FARTHEST, centreOf, fitScale, panesOf, placeOf, zoomText } from "./pixels.js";

/** @typedef {import("./types.js").Pixels} Pixels */
/** @typedef {import("./types.js").Mode} Mode */
/** @typedef {import("./pixels.js").Box} Box */
/** @typedef {import("./pixels.js").Size} Size */

/** @type {Mode[]} */
export const MODES = ["flip", "side", "split", "difference"];
/** 18 % grey, without chroma. */
const SURROUND = "#767676", DIVIDER = "#ffffff";

export class View {
  /** @param {HTMLCanvasElement} canvas @param {() => void} changed after every draw @param {() => void} resized when a fitted image has another size than before */
  constructor(canvas, changed, resized) {
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    this.changed = changed;
    this.resized = resized;
    /** @type {Pixels[]} */ this.sides = [];
    this.current = 0;
    this.held = false;
    /** @type {number | "fit"} screen pixels for each pixel of the frame; stays the same over flips and trials */
    this.zoom = "fit";
    this.centre = { x: 0.5, y: 0.5 };
    this.smooth = false;
    /** @type {Mode} */ this.wantedMode = "flip";
    this.split = 0.5;
    this.flips = 0;
    this.zoomMax = 0;
    this.redraw = eachFrame(() => this.draw());
    new ResizeObserver(() => this.resize()).observe(/** @type {HTMLElement} */ (canvas.parentElement));
    this.watchRatio();
  }

  /** @returns {Mode} of a single image there is only one */
  get mode() { return this.sides.length > 1 ? this.wantedMode : "flip"; }

  /** @returns {Size} */
  get frame() { return this.sides.length ? frameOf(this.sides) : { width: 1, height: 1 }; }

  get panes() { return panesOf(this.canvas, this.mode === "side"); }

  get scale() { return this.zoom === "fit" ? fitScale(this.frame, this.panes[0]) : this.zoom; }

  get zoomText() { return zoomText(this.zoom, this.scale); }

  /** The index of the image that is seen in the mode flip. */
  get seen() { return this.sides.length > 1 && this.held ? 1 - this.current : this.current; }

  /**
   * The size on screen that an image has when it is fitted; null if it is not made smaller.
   * @param {number} width @param {number} height @param {Size} frame @returns {Size | null}
   */
  fitSize(width, height, frame) {
    if (!this.canvas.width) return null;
    const [pane] = panesOf(this.canvas, this.wantedMode === "side");
    const place = placeOf(frame, pane, fitScale(frame, pane), this.centre);
    return place.width < width && place.height < height ? { width: place.width, height: place.height } : null;
  }

  /**
   * Shows another trial; zoom, place and mode stay.
   * @param {Pixels[]} sides
   */
  show(sides) {
    this.sides = sides;
    this.current = 0;
    this.held = false;
    this.flips = 0;
    this.zoomMax = 0;
    this.draw();
  }

  flip() {
    if (this.sides.length < 2) return;
    this.current = 1 - this.current;
    this.flips += 1;
    this.draw();
  }

  /**
   * Shows the other image as long as a key is held.
   * @param {boolean} held
   */
  hold(held) {
    if (this.sides.length < 2 || this.held === held) return;
    this.held = held;
    if (held) this.flips += 1;
    this.draw();
  }

  nextMode() {
    if (this.sides.length < 2) return;
    this.wantedMode = MODES[(MODES.indexOf(this.wantedMode) + 1) % MODES.length];
    this.draw();
    this.resized();
  }

  oneToOne() {
    this.zoom = this.zoom === "fit" || this.scale !== 1 ? 1 : "fit";
    if (this.zoom === "fit") this.centre = { x: 0.5, y: 0.5 };
    this.draw();
  }

  toggleSmooth() {
    this.smooth = !this.smooth;
    this.draw();
  }

  /**
   * Zooms by a factor; the point under the pointer stays where it is.
   * @param {number} factor @param {number} x screen pixels @param {number} y
   */
  zoomAt(factor, x, y) {
    const pane = this.panes.find((one) => x >= one.x && x < one.x + one.width) ?? this.panes[0];
    const before = placeOf(this.frame, pane, this.scale, this.centre);
    const point = { x: (x - before.x) / before.width, y: (y - before.y) / before.height };
    const scale = this.scale, wanted = Math.min(CLOSEST, Math.max(FARTHEST, scale * factor));
    // 1:1 is a stop on the way: passing it by a hair would look the same and be wrong.
    this.zoom = (scale < 1 && wanted > 1) || (scale > 1 && wanted < 1) ? 1 : wanted;
    const size = { width: this.frame.width * this.zoom, height: this.frame.height * this.zoom };
    this.moveTo(pane, {
      x: (pane.x + pane.width / 2 - (x - point.x * size.width)) / size.width,
      y: (pane.y + pane.height / 2 - (y - point.y * size.height)) / size.height,
    });
  }

  /**
   * Moves the image.
   * @param {number} dx screen pixels @param {number} dy
   */
  pan(dx, dy) {
    const pane = this.panes[0], place = placeOf(this.frame, pane, this.scale, this.centre);
    this.moveTo(pane, { x: this.centre.x - dx / place.width, y: this.centre.y - dy / place.height });
  }

  /** @param {Box} pane @param {{x: number, y: number}} centre */
  moveTo(pane, centre) {
    const place = placeOf(this.frame, pane, this.scale, centre);
    this.centre = centreOf(place, pane);
    this.redraw();
  }

  /** @param {number} share of the canvas's width that the first image covers in the mode split */
  splitAt(share) {
    this.split = Math.min(1, Math.max(0, share));
    this.redraw();
  }

  draw() {
    const { context, canvas } = this;
    context.globalCompositeOperation = "source-over";
    context.fillStyle = SURROUND;
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (this.sides.length) {
      this.zoomMax = Math.max(this.zoomMax, this.scale);
      this.drawMode();
    }
    this.changed();
  }

  drawMode() {
    const { context, canvas, sides } = this, [first, second] = this.panes;
    if (this.mode === "side") {
      this.put(sides[0], first, first);
      this.put(sides[1], second, second);
    } else if (this.mode === "split") {
      const at = Math.round(canvas.width * this.split);
      this.put(sides[0], first, { ...first, width: at });
      this.put(sides[1], first, { x: at, y: 0, width: canvas.width - at, height: canvas.height });
      context.fillStyle = DIVIDER;
      context.fillRect(at - 1, 0, 2, canvas.height);
    } else if (this.mode === "difference") {
      const place = placeOf(this.frame, first, this.scale, this.centre);
      context.fillStyle = "#000000";
      context.fillRect(place.x, place.y, place.width, place.height);
      this.put(sides[0], first, first);
      this.put(sides[1], first, first, "difference");
      // Twice onto itself: four times the difference, since most are too small to be seen.
      for (let n = 0; n < 2; n++) {
        context.globalCompositeOperation = "lighter";
        const { x, y, width, height } = meet(place, first);
        context.drawImage(canvas, x, y, width, height, x, y, width, height);
      }
      context.globalCompositeOperation = "source-over";
    } else {
      this.put(sides[this.seen], first, first);
    }
  }

  /**
   * Draws an image into its place in a pane, as far as a box shows it.
   * @param {Pixels} side @param {Box} pane @param {Box} box @param {GlobalCompositeOperation} [how]
   */
  put(side, pane, box, how = "source-over") {
    const { context } = this, place = placeOf(this.frame, pane, this.scale, this.centre);
    context.save();
    context.beginPath();
    context.rect(box.x, box.y, box.width, box.height);
    context.clip();
    context.globalCompositeOperation = how;
    const { fitted } = side;
    if (fitted && fitted.width === place.width && fitted.height === place.height) {
      context.imageSmoothingEnabled = false;
      context.drawImage(fitted, place.x, place.y);
    } else {
      // Made smaller, pixels are always averaged: leaving some out would show patterns that are not in the image.
      context.imageSmoothingEnabled = this.smooth || place.width < side.width;
      context.imageSmoothingQuality = "high";
      context.drawImage(side.bitmap, place.x, place.y, place.width, place.height);
    }
    context.restore();
  }

  /** A window that moves to another screen keeps its size in CSS pixels, but not in screen pixels. */
  watchRatio() {
    const query = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
    query.addEventListener("change", () => { this.resize(); this.watchRatio(); }, { once: true });
  }

  /** Gives the canvas as many pixels as the screen has in its place, and exactly that size: a fraction more would blur it. */
  resize() {
    const { canvas } = this, box = /** @type {HTMLElement} */ (canvas.parentElement).getBoundingClientRect();
    const [width, height] = [box.width, box.height].map((length) => Math.floor(length * devicePixelRatio + 0.01));
    canvas.style.width = `${width / devicePixelRatio}px`;
    canvas.style.height = `${height / devicePixelRatio}px`;
    if (!width || !height || (width === canvas.width && height === canvas.height)) return;
    // A canvas that gets another size is cleared, so it is drawn again before the browser paints.
    canvas.width = width;
    canvas.height = height;
    this.draw();
    this.resized();
  }
}

/**
 * The part of a box inside another.
 * @param {Box} one @param {Box} other @returns {Box}
 */
function meet(one, other) {
  const x = Math.max(one.x, other.x), y = Math.max(one.y, other.y);
  return {
    x, y, width: Math.max(1, Math.min(one.x + one.width, other.x + other.width) - x),
    height: Math.max(1, Math.min(one.y + one.height, other.y + other.height) - y),
  };
}
