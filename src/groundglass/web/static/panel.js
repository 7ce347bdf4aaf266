// @ts-check
/** All that surrounds the image: the bar, notes, reasons, feedback, the legend and the comment. */
import { afterPaint, cap, find, make, name, say, show } from "./dom.js";
import { legendList } from "./ends.js";
import { counted, gradesOf, ofPairs, questionOf, sideName } from "./words.js";

/** @typedef {import("./types.js").Study} Study */
/** @typedef {import("./types.js").Trial} Trial */
/** @typedef {import("./types.js").Feedback} Feedback */
/** @typedef {import("./view.js").View} View */
/** @typedef {import("./keys.js").Action} Action */

const READ = 4000;
const MODES = { flip: "flip", side: "side by side", split: "split", difference: "difference ×4" };

export class Panel {
  /** @param {Study} study @param {(action: Action) => void} act */
  constructor(study, act) {
    this.study = study;
    this.act = act;
    /** @type {Set<string>} */ this.chosen = new Set();
    this.reasonsOpen = false;
    /** @type {number | undefined} */ this.alarm = undefined;
    say(find("#question"), questionOf(study));
    find("#answers").replaceChildren(...this.answers());
    find("#legend-keys").replaceChildren(legendList(study));
    say(find("#legend-question"), questionOf(study));
    this.fillReasons();
    for (const tool of document.querySelectorAll("[data-act]")) {
      const { act: name } = /** @type {HTMLElement} */ (tool).dataset;
      tool.addEventListener("click", () => { this.act({ act: String(name) }); this.leave(); });
    }
    for (const node of document.querySelectorAll("[data-pairs]")) show(node, ofPairs(study));
  }

  /** The focus goes back to the image, so that Space and Enter mean the image and not the button that was used last. */
  leave() { find("#canvas").focus({ preventScroll: true }); }

  /** @returns {HTMLElement[]} */
  answers() {
    const { protocol } = this.study;
    /** @type {(key: string, text: string, action: Action) => HTMLElement} */
    const button = (key, text, action) => make("button",
      { type: "button", class: "answer", "aria-label": `${text} (key ${key})`, onclick: () => { this.act(action); this.leave(); } },
      cap(key), make("span", {}, text));
    /** @type {(key: string, text: string, value: any) => HTMLElement} */
    const scored = (key, text, value) => button(key, text, { act: "score", value });
    if (protocol === "acr") return gradesOf(this.study).map((name, place) => scored(String(place + 1), name, place + 1));
    if (protocol === "pairwise") return [scored("A", "A is better", "left"), scored("B", "B is better", "right"), scored("=", "not sure", "tie")];
    if (protocol === "slider") return [];
    return [scored("K", "keep", "keep"), scored("D", "drop", "drop")];
  }

  /** @param {Trial} trial */
  showTrial(trial) {
    const of = trial.total ? ` of ${trial.total.toLocaleString("en")}` : "", number = trial.number.toLocaleString("en");
    this.progress = trial.training ? "practice" : `${number}${of}`;
    say(find("#progress"), this.progress);
    if (trial.prompt) show(find("#prompt"), true);
    say(find("#prompt-text"), trial.prompt ?? "");
    this.closeReasons();
    show(find("#feedback"), false);
    const spoken = `${trial.training ? "Practice image" : `Image ${number}${of}`}. ${questionOf(this.study)}${trial.prompt ? ` Prompt: ${trial.prompt}` : ""}`;
    afterPaint(() => say(find("#spoken"), spoken));
  }

  /** @param {View} view */
  showView(view) {
    const side = view.sides[view.seen]?.side, title = side ? sideName(side) : "";
    const seen = !ofPairs(this.study) ? "" : view.mode === "flip" ? title : MODES[view.mode];
    say(find("#seen"), seen);
    say(find("#zoom-text"), view.zoomText);
    name(find("#zoom"), `Zoom ${view.zoomText}: change between 1:1 and fit (key Z)`);
    show(find("#smooth"), view.scale > 1);
    say(find("#smooth"), view.smooth ? "smooth" : "square");
    const label = `${seen ? `Image ${seen}` : "The image to judge"}, ${view.zoomText}`;
    name(find("#canvas"), label);
  }

  /** @param {number} waiting @param {boolean} offline */
  showWaiting(waiting, offline) {
    say(find("#offline"), waiting ? `offline · ${counted(waiting, "vote")} kept` : "offline");
    show(find("#offline"), offline);
  }

  /**
   * Says something for a few seconds, above the bar.
   * @param {string} text @param {boolean} [stays] until the next note
   */
  note(text, stays = false) {
    const node = find("#note");
    clearTimeout(this.alarm);
    say(node, text);
    show(node, text !== "");
    if (text && !stays) this.alarm = setTimeout(() => this.note(""), READ);
  }

  fillReasons() {
    find("#reasons-list").replaceChildren(...this.study.reasons.map((text, place) => make("button",
      { type: "button", "aria-pressed": "false", onclick: (/** @type {MouseEvent} */ event) => this.act({ act: "reason", value: [place, event.shiftKey] }) },
      cap(String(place + 1)), make("span", {}, text))));
  }

  openReasons() {
    this.reasonsOpen = true;
    this.note("");
    show(find("#reasons"), true);
    say(find("#spoken"), `Why? ${this.study.reasons.map((text, place) => `${place + 1} ${text}`).join(", ")}. Enter: no further reason.`);
  }

  closeReasons() {
    this.reasonsOpen = false;
    this.chosen.clear();
    show(find("#reasons"), false);
    for (const button of find("#reasons-list").children) button.setAttribute("aria-pressed", "false");
  }

  /** @param {number} place @returns {boolean} whether there is such a reason */
  toggleReason(place) {
    const text = this.study.reasons[place];
    if (text === undefined) return false;
    const on = !this.chosen.delete(text);
    if (on) this.chosen.add(text);
    find("#reasons-list").children[place].setAttribute("aria-pressed", String(on));
    return true;
  }

  /** @param {Feedback} feedback */
  showFeedback(feedback) {
    const node = find("#feedback");
    node.dataset.right = String(feedback.right);
    say(find("#feedback-mark"), feedback.right === null ? "○" : feedback.right ? "●" : "✕");
    say(find("#feedback-text"), feedback.sentence);
    this.note("");
    show(node, true);
  }

  legend() { toggle(find("#legend")); }

  /** @param {string} comment @param {(comment: string) => void} keep */
  comment(comment, keep) {
    const dialog = find("#comment"), text = find("#comment-text");
    text.value = comment;
    dialog.showModal();
    text.focus();
    const save = () => { keep(text.value.trim()); dialog.close(); this.leave(); };
    find("#comment-save").onclick = save;
    text.onkeydown = (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      save();
    };
  }
}

/** @param {HTMLDialogElement} dialog */
function toggle(dialog) {
  if (dialog.open) dialog.close();
  else dialog.showModal();
}

for (const dialog of /** @type {NodeListOf<HTMLDialogElement>} */ (document.querySelectorAll("dialog"))) {
  // A click on the shade closes it.
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  find("[data-close]", dialog)?.addEventListener("click", () => dialog.close());
}
