// @ts-check
/** The pages before, between and after the trials: begin, break, end, and what went wrong. */
import { displayCheck } from "./display.js";
import { cap, find, make, show } from "./dom.js";
import { legendOf } from "./keys.js";
import { counted, ofPairs, questionOf, taskOf } from "./words.js";

/** @typedef {import("./types.js").Session} Session */
/** @typedef {import("./types.js").Study} Study */

const screen = find("#screen"), work = find("#work");

/**
 * Shows a page instead of the image.
 * @param {string} state @param {...(Node | null)} content
 */
function open(state, ...content) {
  screen.replaceChildren(make("div", { class: "sheet" }, ...content));
  document.body.dataset.state = state;
  show(screen, true);
  work.inert = true;
  screen.scrollTop = 0;
  (find("[data-first]", screen) ?? screen).focus({ preventScroll: true });
}

export function close() {
  show(screen, false);
  screen.replaceChildren();
  work.inert = false;
  document.body.dataset.state = "trial";
}

/**
 * Whether a page is shown instead of the image.
 * @returns {boolean}
 */
export function isOpen() { return !screen.hidden; }

/**
 * A page whose button, or Enter, goes on.
 * @param {string} state @param {string} label @param {(Node | null)[]} content @returns {Promise<void>}
 */
function until(state, label, content) {
  return new Promise((resolve) => {
    const button = make("button", { type: "button", class: "main", "data-first": true }, label, " ", cap("Enter"));
    const go = () => { removeEventListener("keydown", key); resolve(); };
    const key = (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Enter" || event.repeat || event.isComposing || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      go();
    };
    button.addEventListener("click", go);
    addEventListener("keydown", key);
    open(state, ...content, make("p", { class: "go" }, button));
  });
}

/** @param {Session} session @returns {Promise<string>} how the display was read */
export async function begin(session) {
  const { study, done, rater } = session, check = displayCheck(), back = done > 0;
  const title = back ? "Welcome back" : questionOf(study);
  const sofar = back && make("p", { class: "lead" }, `${counted(done, "answer")} of yours ${done === 1 ? "is" : "are"} saved${session.total ? ` of ${session.total.toLocaleString("en")}` : ""}. ${questionOf(study)}`);
  await until("begin", back ? "Go on" : "Begin", [
    make("p", { class: "over" }, study.name, make("span", {}, `you are ${rater}`)),
    make("h1", {}, title), sofar || null,
    make("p", { class: back ? "" : "lead" }, taskOf(study)),
    make("p", {}, trainingText(study, back), `Every answer is saved at once; you can stop at any time and open your link again, on any device. ${study.protocol === "pairwise" ? "Judge the images, not their order: the sides are random." : "There is no hurry, and no right answer but yours."}`),
    make("section", { class: "keys" }, make("h2", {}, "Keys"), legendList(study)),
    check.node,
  ]);
  return check.read();
}

/** @param {Study} study @param {boolean} back @returns {string} */
function trainingText(study, back) {
  if (back || !study.training) return "";
  const unit = ofPairs(study) ? "pair" : "image";
  return study.training === 1 ? `The first ${unit} is for practice, and does not count. `
    : `The first ${counted(study.training, unit)} are for practice, and do not count. `;
}

/**
 * The keys of a study as a list.
 * @param {Study} study @returns {HTMLElement}
 */
export function legendList(study) {
  return make("dl", {}, ...legendOf(study).map((row) =>
    make("div", {}, make("dt", {}, ...row.caps.map((text) => (text === "–" ? "–" : cap(text)))), make("dd", {}, row.says))));
}

/** @param {number} done @param {number | null} total @returns {Promise<void>} */
export function pause(done, total) {
  const left = total && total > done ? make("p", {}, `${(total - done).toLocaleString("en")} are left. There is no need to finish today: your link opens at this place again.`) : null;
  return until("break", "Go on", [
    make("p", { class: "over" }, "A break, if you like"),
    make("h1", {}, counted(done, "answer"), " so far"),
    make("p", { class: "lead" }, "Look out of the window for a minute: tired eyes see fewer differences."), left,
  ]);
}

/** @param {import("./types.js").AllDone} finished @returns {string} why there is no trial now */
function whyNoMore({ why, minutes }) {
  if (why === "cap") return "That is all that is asked of one person.";
  if (why !== "sitting") return "There is nothing left to rate.";
  // A time of day, because this page may stay open: "in 60 minutes" would soon be wrong.
  const from = new Date(Date.now() + (minutes ?? 60) * 60000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return `That is enough for one sitting: tired eyes see fewer differences. From ${from} on you can go on: open the same link again, or reload this page.`;
}

/** @param {import("./types.js").AllDone} finished @param {() => number} waiting votes that are not on the server yet */
export function end(finished, waiting) {
  const kept = waiting(), later = finished.why === "sitting";
  open("end",
    make("p", { class: "over" }, later ? "Enough for now" : "Finished"),
    make("h1", { tabindex: "-1", "data-first": true }, "Thank you"),
    make("p", { class: "lead" }, `You gave ${counted(finished.answered, "answer")}. ${whyNoMore(finished)}`),
    make("p", { id: "kept" }, kept ? `${counted(kept, "vote")} still ${kept === 1 ? "waits" : "wait"} for the server: please leave this page open.` : "Every answer is on the server. You can close this page."));
}

/**
 * A page that says what went wrong.
 * @param {string} state @param {string} title @param {string} sentence @param {string} [hint]
 */
export function problem(state, title, sentence, hint) {
  open(state,
    make("h1", { tabindex: "-1", "data-first": true }, title),
    make("p", { class: "lead" }, sentence), hint ? make("p", {}, hint) : null);
}

/**
 * The page of a link that no longer works.
 * @param {string} code @param {number} waiting
 */
export function lost(code, waiting) {
  const kept = waiting ? ` ${counted(waiting, "vote")} that the server does not have yet ${waiting === 1 ? "is" : "are"} kept in this browser, and ${waiting === 1 ? "is" : "are"} sent when a link of yours works again.` : "";
  if (code === "revoked") {
    return problem("revoked", "This link was closed", `The owner of the study closed your link.${kept}`, "All answers that you gave before are saved. Ask the owner if you think that this is a mistake.");
  }
  if (code === "expired") {
    return problem("expired", "This link has expired", `Your link was valid for a limited time.${kept}`, "All answers that you gave before are saved. Ask the owner for a new link.");
  }
  return problem("no-session", "Open your link again", `This browser is not signed in to a study.${kept}`, "Open the link that you got from the owner of the study. It brings you to the place where you stopped.");
}

/** @param {string} sentence @returns {Promise<void>} */
export function retry(sentence) {
  return until("retry", "Try again", [
    make("h1", {}, "This image cannot be shown"), make("p", { class: "lead" }, sentence),
    make("p", {}, "No answer is lost. If it happens again, write to the owner of the study."),
  ]);
}
