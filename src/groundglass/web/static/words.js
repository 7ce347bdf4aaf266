// @ts-check
/** The sentences of the rating screen that depend on the study. */

/** @typedef {import("./types.js").Study} Study */
/** @typedef {import("./types.js").Side} Side */

const QUESTIONS = {
  acr: "How good is the quality of this image?",
  slider: "How good is this image?",
  pairwise: "Which image is better?",
  accept: "Should this image be kept?",
  pair_accept: "Should this pair be kept?",
};

const TASKS = {
  acr: "You see one image at a time and give it a grade from 1 to 5. The next image follows at once.",
  slider: "You see one image at a time and set a value from 0 to 100, then press Enter.",
  pairwise: "You see two images in the same place and flip between them. Choose the better one, or say that you are not sure.",
  accept: "You see one image at a time and decide whether to keep it or to drop it.",
  pair_accept: "You see a low-quality and a high-quality image in the same place and flip between them. Decide whether to keep the pair.",
};

const GRADES = ["bad", "poor", "fair", "good", "excellent"];

/** @type {Record<Side, string>} */
const SIDES = { single: "", left: "A", right: "B", lq: "Low quality", hq: "High quality" };

/** @param {Study} study @returns {string} */
export function questionOf(study) { return study.question || QUESTIONS[study.protocol]; }

/** @param {Study} study @returns {string} */
export function taskOf(study) { return TASKS[study.protocol]; }

/**
 * The names of the five grades.
 * @param {Study} study @returns {string[]}
 */
export function gradesOf(study) { return study.scale?.labels?.length === 5 ? study.scale.labels : GRADES; }

/** @param {Side} side @returns {string} */
export function sideName(side) { return SIDES[side]; }

/** @param {number} count @param {string} one @param {string} [many] @returns {string} */
export function counted(count, one, many = `${one}s`) { return `${count.toLocaleString("en")} ${count === 1 ? one : many}`; }

/** @param {number} count @returns {string} */
export function keptHere(count) {
  return count ? `Offline: ${counted(count, "vote")} ${count === 1 ? "is" : "are"} kept here and sent when the server is back.`
    : "Offline: the server does not answer. This page tries again by itself.";
}

/** @param {Study} study @returns {boolean} */
export function ofPairs(study) { return study.protocol === "pairwise" || study.protocol === "pair_accept"; }
