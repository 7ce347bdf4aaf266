// @ts-check
/** The keys: one table, from which the page reads what a key does, and the legend what it says. */
import { ofPairs } from "./words.js";

/** @typedef {import("./types.js").Study} Study */
/** @typedef {import("./types.js").Protocol} Protocol */
/** @typedef {{act: string, value?: any}} Action */
/**
 * @typedef {object} Row
 * @property {string[]} caps keys as they are printed in the legend
 * @property {string} says
 * @property {(study: Study) => boolean} goes whether a study has it
 * @property {(event: KeyboardEvent, study: Study) => Action | null} reads
 */

const ARROWS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const always = () => true;
/** @param {...Protocol} names */
const only = (...names) => (/** @type {Study} */ study) => names.includes(study.protocol);

/**
 * A digit, whatever Shift makes of it.
 * @param {KeyboardEvent} event @returns {number} -1: not a digit
 */
export function digitOf(event) {
  const match = /^(?:Digit|Numpad)([0-9])$/.exec(event.code);
  if (/^[0-9]$/.test(event.key)) return Number(event.key);
  return match && event.shiftKey ? Number(match[1]) : -1;
}

/**
 * A row for one key.
 * @param {string} key as the event names it @param {string} shown @param {string} says @param {Action} action @param {(study: Study) => boolean} [goes] @returns {Row}
 */
function one(key, shown, says, action, goes = always) {
  return { caps: [shown], says, goes, reads: (event) => (nameOf(event) === key ? action : null) };
}

/** @param {KeyboardEvent} event @returns {string} */
function nameOf(event) { return event.key.length === 1 ? event.key.toLowerCase() : event.key; }

/** @param {KeyboardEvent} event @param {number} step @returns {Action | null} */
function panned(event, step) {
  const way = /** @type {Record<string, number[]>} */ (ARROWS)[event.key];
  return way ? { act: "pan", value: [way[0] * step, way[1] * step] } : null;
}

/** @type {Row[]} */
export const ROWS = [
  {
    caps: ["1", "–", "5"], says: "grade the image: 1 is the worst, 5 the best", goes: only("acr"),
    reads: (event) => { const digit = digitOf(event); return digit >= 1 && digit <= 5 ? { act: "score", value: digit } : null; },
  },
  {
    caps: ["0", "–", "9"], says: "set the slider to 0, 10, … 90", goes: only("slider"),
    reads: (event) => { const digit = digitOf(event); return digit >= 0 ? { act: "tens", value: digit } : null; },
  },
  {
    caps: ["←", "→"], says: "move the slider by 1", goes: only("slider"),
    reads: (event) => (event.shiftKey ? null
      : event.key === "ArrowLeft" ? { act: "step", value: -1 } : event.key === "ArrowRight" ? { act: "step", value: 1 } : null),
  },
  {
    caps: ["↓", "↑"], says: "next slider, previous slider", goes: (study) => study.protocol === "slider" && study.dimensions.length > 1,
    reads: (event) => (event.shiftKey ? null
      : event.key === "ArrowDown" ? { act: "dimension", value: 1 } : event.key === "ArrowUp" ? { act: "dimension", value: -1 } : null),
  },
  one("Enter", "Enter", "send the values and go on", { act: "enter" }, only("slider")),
  one("a", "A", "image A is better", { act: "score", value: "left" }, only("pairwise")),
  one("b", "B", "image B is better", { act: "score", value: "right" }, only("pairwise")),
  one("=", "=", "not sure, or equally good", { act: "score", value: "tie" }, only("pairwise")),
  one("k", "K", "keep", { act: "score", value: "keep" }, only("accept", "pair_accept")),
  one("d", "D", "drop", { act: "score", value: "drop" }, only("accept", "pair_accept")),
  {
    caps: ["1", "–", "9"], says: "after D: the reason; with Shift, several, then Enter",
    goes: (study) => study.reasons.length > 0, reads: () => null,
  },
  one(" ", "Space", "flip to the other image", { act: "flip" }, ofPairs),
  {
    caps: ["Shift"], says: "hold: show the other image", goes: ofPairs,
    reads: (event) => (event.key === "Shift" ? { act: "hold" } : null),
  },
  one("m", "M", "flip, side by side, split, difference", { act: "mode" }, ofPairs),
  {
    caps: ["[", "]"], says: "split: move the line", goes: ofPairs,
    reads: (event) => (event.key === "[" ? { act: "split", value: -0.05 } : event.key === "]" ? { act: "split", value: 0.05 } : null),
  },
  one("z", "Z", "fit, or 1:1: each image pixel is one screen pixel", { act: "one" }),
  {
    caps: ["+", "−"], says: "zoom; the mouse wheel does too", goes: always,
    reads: (event) => (event.key === "+" ? { act: "zoom", value: Math.SQRT2 } : event.key === "-" ? { act: "zoom", value: Math.SQRT1_2 } : null),
  },
  one("s", "S", "above 1:1: square or smooth pixels", { act: "smooth" }),
  {
    caps: ["←", "→", "↑", "↓"], says: "move a zoomed image; dragging does too", goes: (study) => study.protocol !== "slider",
    reads: (event) => panned(event, event.shiftKey ? 240 : 60),
  },
  {
    caps: ["Shift", "←", "→", "↑", "↓"], says: "move a zoomed image; dragging does too", goes: only("slider"),
    reads: (event) => (event.shiftKey ? panned(event, 60) : null),
  },
  one("Backspace", "Backspace", "undo the last answer", { act: "undo" }),
  one("c", "C", "comment on this image", { act: "comment" }),
  one("f", "F", "full screen", { act: "full" }),
  one("t", "T", "dark or light bar", { act: "theme" }),
  one("?", "?", "show or hide these keys", { act: "legend" }),
];

/**
 * The rows of a study's legend.
 * @param {Study} study @returns {Row[]}
 */
export function legendOf(study) { return ROWS.filter((row) => row.goes(study)); }

/**
 * What a key does in a trial.
 * @param {KeyboardEvent} event @param {Study} study @returns {Action | null}
 */
export function actionOf(event, study) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return null;
  for (const row of legendOf(study)) {
    const action = row.reads(event, study);
    if (action) return action;
  }
  return null;
}
