// @ts-check
/** The geometry of the view, in screen pixels (not CSS pixels): pure functions. */

/**
 * @typedef {{width: number, height: number}} Size
 * @typedef {{x: number, y: number, width: number, height: number}} Box
 */

export const CLOSEST = 32, FARTHEST = 1 / 16;

/**
 * Screen pixels for each pixel of the frame when it is fitted: never larger than 1:1.
 * @param {Size} frame @param {Size} pane @returns {number}
 */
export function fitScale(frame, pane) {
  return Math.min(1, pane.width / frame.width, pane.height / frame.height);
}

/**
 * The place of the frame in a pane: whole screen pixels, so that 1:1 shows exactly the image's pixels.
 * @param {Size} frame @param {Box} pane @param {number} scale @param {{x: number, y: number}} centre share of the frame at the pane's centre
 * @returns {Box}
 */
export function placeOf(frame, pane, scale, centre) {
  const width = Math.max(1, Math.round(frame.width * scale)), height = Math.max(1, Math.round(frame.height * scale));
  return {
    x: pane.x + along(pane.width, width, centre.x), y: pane.y + along(pane.height, height, centre.y), width, height,
  };
}

/**
 * A frame that fits into the pane stays in its middle; a larger one covers it.
 * @param {number} pane @param {number} length @param {number} centre @returns {number}
 */
function along(pane, length, centre) {
  if (length <= pane) return Math.round((pane - length) / 2);
  return Math.round(Math.min(0, Math.max(pane - length, pane / 2 - centre * length)));
}

/**
 * The centre that the place has in truth, after it was kept inside the pane.
 * @param {Box} place @param {Box} pane @returns {{x: number, y: number}}
 */
export function centreOf(place, pane) {
  return {
    x: (pane.x + pane.width / 2 - place.x) / place.width, y: (pane.y + pane.height / 2 - place.y) / place.height,
  };
}

/**
 * The panes of the canvas: two next to each other, with a line between them, or one.
 * @param {Size} canvas @param {boolean} two @returns {Box[]}
 */
export function panesOf(canvas, two) {
  if (!two) return [{ x: 0, y: 0, width: canvas.width, height: canvas.height }];
  const gap = 2, width = Math.floor((canvas.width - gap) / 2);
  return [
    { x: 0, y: 0, width, height: canvas.height },
    { x: canvas.width - width, y: 0, width, height: canvas.height },
  ];
}

/**
 * A zoom as it is written in the bar.
 * @param {number | "fit"} zoom @param {number} scale @returns {string}
 */
export function zoomText(zoom, scale) {
  const share = Math.abs(scale - 1) < 1e-6 ? "1:1" : `${Number((scale * 100).toPrecision(3))} %`;
  return zoom === "fit" && share !== "1:1" ? `fit ${share}` : share;
}
