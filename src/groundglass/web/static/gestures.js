// @ts-check
/**
 * Mouse, pen and fingers on the image: drag moves it, wheel and two fingers zoom, a double click is 1:1 or fit, and a
 * finger that taps flips a pair.
 */

/** @typedef {import("./view.js").View} View */

const WHEEL = 0.0015, LINE = 16, NEAR = 12, STILL = 8, SHORT = 300;

/** @param {View} view @param {() => void} redrawn */
export function listen(view, redrawn) {
  const { canvas } = view;
  /** @type {Map<number, {x: number, y: number}>} */ const down = new Map();
  let dividing = false;
  /** @type {{id: number, x: number, y: number, at: number} | null} a finger that may become a tap */ let tap = null;

  canvas.addEventListener("wheel", (event) => {
    if (event.ctrlKey && event.deltaMode !== 0) return;
    event.preventDefault();
    const lines = event.deltaMode === 1 ? LINE : 1, at = place(event);
    view.zoomAt(Math.exp(-event.deltaY * lines * WHEEL * (event.ctrlKey ? 6 : 1)), at.x, at.y);
  }, { passive: false });

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const at = place(event);
    tap = event.pointerType === "touch" && !down.size ? { id: event.pointerId, ...at, at: event.timeStamp } : null;
    down.set(event.pointerId, at);
    dividing = view.mode === "split" && Math.abs(at.x - view.split * canvas.width) < NEAR * devicePixelRatio;
    canvas.setPointerCapture(event.pointerId);
  });

  canvas.addEventListener("pointermove", (event) => {
    const before = down.get(event.pointerId), at = place(event);
    if (!before) return;
    if (tap && distance(at, tap) < STILL * devicePixelRatio) return;  // a finger is never quite still
    tap = null;
    const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
    down.set(event.pointerId, at);
    if (dividing) view.splitAt(at.x / canvas.width);
    else if (other) {
      const factor = distance(at, other) / Math.max(1, distance(before, other));
      view.zoomAt(factor, (at.x + other.x) / 2, (at.y + other.y) / 2);
      view.pan((at.x - before.x) / 2, (at.y - before.y) / 2);
    } else view.pan(at.x - before.x, at.y - before.y);
  });

  canvas.addEventListener("pointerup", (event) => {
    if (tap?.id === event.pointerId && event.timeStamp - tap.at < SHORT) view.flip();
    tap = null;
  });
  for (const name of /** @type {const} */ (["pointerup", "pointercancel", "lostpointercapture"])) {
    canvas.addEventListener(name, (event) => { down.delete(event.pointerId); dividing = false; });
  }
  canvas.addEventListener("dblclick", () => { view.oneToOne(); redrawn(); });
}

/**
 * In screen pixels of the canvas.
 * @param {MouseEvent} event @returns {{x: number, y: number}}
 */
function place(event) {
  const canvas = /** @type {HTMLCanvasElement} */ (event.currentTarget), box = canvas.getBoundingClientRect();
  return { x: ((event.clientX - box.x) * canvas.width) / box.width, y: ((event.clientY - box.y) * canvas.height) / box.height };
}

/** @param {{x: number, y: number}} one @param {{x: number, y: number}} other */
function distance(one, other) { return Math.hypot(one.x - other.x, one.y - other.y); }
