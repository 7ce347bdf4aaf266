// @ts-check
/** The charts of the board, as SVG. */
import { make } from "./dom.js";

/** @typedef {{item: string, name: string, votes: number, score: number | null, ci95: [number, number] | number | null}} Item */

const WIDE = 1072, HIGH = 160, FOOT = 24, SIDE = 36, SHOWN = 400;

/**
 * The ends of an item's interval; null if it has none yet.
 * @param {Item} item @returns {[number, number] | null}
 */
export function intervalOf({ score, ci95 }) {
  if (score === null || ci95 === null || ci95 === undefined) return null;
  return typeof ci95 === "number" ? [score - ci95, score + ci95] : ci95;
}

/**
 * The lowest and the highest value that is drawn.
 * @param {Item[]} items @returns {[number, number]}
 */
export function spanOf(items) {
  const values = items.flatMap((item) => [item.score ?? [], intervalOf(item) ?? []].flat());
  if (!values.length) return [0, 1];
  const low = Math.min(...values), high = Math.max(...values);
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

/** @param {number} value @returns {string} */
export function short(value) { return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2); }

/**
 * An interval as a line, on the axis of all items.
 * @param {Item} item @param {[number, number]} span @returns {SVGElement}
 */
export function intervalLine(item, [low, high]) {
  const interval = intervalOf(item), x = (/** @type {number} */ value) => (4 + (192 * (value - low)) / (high - low)).toFixed(2);
  return make("svg", { class: "span", viewBox: "0 0 200 20", preserveAspectRatio: "none", "aria-hidden": "true" },
    make("line", { class: "base", x1: 4, x2: 196, y1: 10, y2: 10 }),
    interval ? make("line", { class: "ci", x1: x(interval[0]), x2: x(interval[1]), y1: 10, y2: 10 }) : null,
    item.score === null ? null : make("rect", { class: "at", x: Number(x(item.score)) - 1, y: 4, width: 2, height: 12 }));
}

/**
 * How many items have 0, 1, 2 … votes.
 * @param {Item[]} items @returns {SVGElement}
 */
export function votesChart(items) {
  /** @type {Map<number, number>} */ const counts = new Map();
  for (const { votes } of items) counts.set(votes, (counts.get(votes) ?? 0) + 1);
  const most = Math.max(0, ...counts.keys()), tallest = Math.max(1, ...counts.values());
  const step = (WIDE - SIDE) / (most + 1), bar = Math.max(1, Math.min(64, step - 4)), every = Math.ceil((most + 1) / 24);
  const children = [];
  for (let votes = 0; votes <= most; votes++) {
    const count = counts.get(votes) ?? 0, high = (HIGH * count) / tallest, x = SIDE + step * votes + (step - bar) / 2;
    children.push(make("rect", { class: "bar", x, y: 16 + HIGH - high, width: bar, height: high }, make("title", {}, `${votes} votes: ${count} images`)));
    if (count && most < 40) children.push(make("text", { x: x + bar / 2, y: 12 + HIGH - high, "text-anchor": "middle" }, String(count)));
    if (votes % every === 0) children.push(make("text", { x: x + bar / 2, y: HIGH + 34, "text-anchor": "middle" }, String(votes)));
  }
  const label = `Images by votes: ${[...counts].sort((one, other) => one[0] - other[0]).map(([votes, count]) => `${count} with ${votes}`).join(", ")}`;
  return frame(HIGH + 16, label, children);
}

/**
 * The scores in order, each with its interval.
 * @param {Item[]} items @returns {SVGElement}
 */
export function scoresChart(items) {
  const scored = items.filter((item) => item.score !== null).sort((one, other) => Number(one.score) - Number(other.score));
  const drawn = thinned(scored, SHOWN), [low, high] = spanOf(drawn), step = (WIDE - SIDE) / Math.max(1, drawn.length);
  const y = (/** @type {number} */ value) => 8 + HIGH - (HIGH * (value - low)) / (high - low);
  const children = [
    make("text", { x: SIDE - 8, y: 14, "text-anchor": "end" }, short(high)),
    make("text", { x: SIDE - 8, y: HIGH + 10, "text-anchor": "end" }, short(low)),
  ];
  drawn.forEach((item, place) => {
    const x = SIDE + step * (place + 0.5), interval = intervalOf(item);
    if (interval) children.push(make("line", { class: "ci", x1: x, x2: x, y1: y(interval[0]), y2: y(interval[1]) }));
    children.push(make("circle", { class: "at", cx: x, cy: y(Number(item.score)), r: Math.max(1, Math.min(3, step / 3)) },
      make("title", {}, `${item.name}: ${short(Number(item.score))}`)));
  });
  const note = drawn.length < scored.length ? `every ${Math.round(scored.length / drawn.length)}th of ${scored.length} images` : `${scored.length} images`;
  children.push(make("text", { x: WIDE, y: HIGH + 28, "text-anchor": "end" }, scored.length ? note : "no scores yet"));
  return frame(HIGH + 12, `Scores from ${short(low)} to ${short(high)} of ${scored.length} images`, children);
}

/**
 * Evenly chosen from a long list.
 * @template T @param {T[]} list @param {number} most @returns {T[]}
 */
function thinned(list, most) {
  return list.length <= most ? list : Array.from({ length: most }, (_, place) => list[Math.round((place * (list.length - 1)) / (most - 1))]);
}

/** @param {number} foot @param {string} label @param {Node[]} children @returns {SVGElement} */
function frame(foot, label, children) {
  return make("svg", { viewBox: `0 0 ${WIDE} ${HIGH + FOOT + 16}`, role: "img", "aria-label": label },
    make("line", { class: "axis", x1: SIDE, x2: WIDE, y1: foot, y2: foot }), ...children);
}
