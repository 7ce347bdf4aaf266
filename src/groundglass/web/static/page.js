// @ts-check
/** The rating page: brings trials, view, bar and keys together. */
import * as api from "./api.js";
import { Course } from "./course.js";
import { displayNow } from "./display.js";
import { afterPaint, find } from "./dom.js";
import * as ends from "./ends.js";
import { listen } from "./gestures.js";
import { actionOf, digitOf } from "./keys.js";
import { Loader, NoImage } from "./loader.js";
import { Panel } from "./panel.js";
import { Sliders } from "./sliders.js";
import { changeTheme } from "./theme_button.js";
import { View } from "./view.js";
import { keptHere } from "./words.js";

/** @typedef {import("./types.js").Trial} Trial */
/** @typedef {import("./types.js").Score} Score */
/** @typedef {import("./keys.js").Action} Action */

const AGAIN = 1500;

/** @param {import("./types.js").Session} session */
function run(session) {
  const { study } = session;
  /** @type {View} */ const view = new View(find("#canvas"), () => panel?.showView(view), () => refit());
  const loader = new Loader((width, height, frame) => view.fitSize(width, height, frame), showAhead);
  /** @type {Panel} */ let panel;
  /** @type {Trial | null} the trial that is on the screen */ let shown = null;
  /** @type {Trial | null} for undo, its pixels are kept */ let before = null;
  /** @type {Set<string>} trials whose images could not be shown */ const unseen = new Set();
  let comment = "", shownAt = 0, shownClock = 0, hidden = 0, hiddenSince = 0, loading = "", began = false, resting = false, practised = false;
  /** @type {number | undefined} */ let refitting = undefined;

  const course = new Course(session, {
    changed: () => { if (began && !resting) showCurrent(); else prepare(); },
    note: (text) => panel.note(text),
    feedback: (feedback) => (feedback ? panel.showFeedback(feedback) : goOn()),
    waiting: (waiting, offline) => {
      const was = !find("#offline").hidden;
      panel?.showWaiting(waiting, offline);
      if (offline && !was) panel?.note(keptHere(waiting));
      if (!offline && was) panel?.note(waiting ? "" : "The server is back, and has every answer.");
      if (document.body.dataset.state === "end") ends.end(course.finished ?? { done: true, answered: course.count, why: "" }, () => course.waiting);
    },
    lost: (code) => { began = false; ends.lost(code, course.waiting); },
  });
  panel = new Panel(study, act);
  const sliders = new Sliders(study, () => act({ act: "enter" }));
  listen(view, () => panel.showView(view));

  /** How many of the trials after this one are decoded: a key that comes now finds its image ready. */
  function showAhead() {
    document.body.dataset.ahead = String(course.trials.slice(1).filter((trial) => loader.now(trial)).length);
  }

  function refit() {
    clearTimeout(refitting);
    refitting = setTimeout(async () => { await loader.refit(course.trials); view.draw(); }, 60);
  }

  function prepare() { loader.keep(course.trials, before); }

  /** Puts the current trial on the screen, unless it is there. */
  async function showCurrent() {
    const trial = course.current;
    const there = trial && loader.now(trial);
    if (there) afterPaint(prepare);  // decoding the images that follow must not delay this one
    else prepare();
    if (!trial) {
      shown = null;
      if (course.finished) ends.end(course.finished, () => course.waiting);
      return;
    }
    if (document.body.dataset.state === "end") ends.close();
    if (trial.trial === shown?.trial || trial.trial === loading) return;
    shown = null;
    const pixels = there ?? await loaded(trial);
    if (!pixels || course.current?.trial !== trial.trial || shown || !began) return;
    view.show(pixels);
    sliders.reset();
    panel.showTrial(trial);
    if (practised && !trial.training) panel.note("Practice is over: from here on, every answer counts.");
    practised = trial.training;
    [shown, comment, hidden, shownAt, shownClock] = [trial, "", 0, performance.now(), Date.now()];
    document.body.dataset.trial = trial.trial;
    showAhead();
  }

  /** @param {Trial} trial @returns {Promise<import("./types.js").Pixels[] | null>} */
  async function loaded(trial) {
    try {
      loading = trial.trial;
      const pixels = await loader.load(trial);
      loading = "";
      return pixels;
    } catch (error) {
      if (error instanceof NoImage) {
        if (unseen.has(trial.trial)) {
          await ends.retry(error.message);
          ends.close();
        } else panel.note("An image cannot be shown. Another one takes its place.");
        unseen.add(trial.trial);
        loading = "";
        if (course.current?.trial === trial.trial) await course.giveUp(trial);
      } else await new Promise((resolve) => { setTimeout(resolve, AGAIN); });
      loading = "";
      showCurrent();
      return null;
    }
  }

  /** @param {Score} score @param {number} at when the key was pressed, on the steady clock */
  async function vote(score, at) {
    if (!shown || course.practice || course.current?.trial !== shown.trial) return;
    const trial = shown, reasons = score === "drop" ? [...panel.chosen] : [];
    const dwell = Math.max(0, at - shownAt - hidden) / 1000;
    course.answer({
      id: api.uuid(), trial: trial.trial, score, ...(reasons.length ? { reasons } : {}), ...(comment ? { comment } : {}),
      t_shown: shownClock / 1000, t_answer: (shownClock + at - shownAt) / 1000, dwell, flips: view.flips,
      zoom_max: view.zoomMax, mode: view.mode, ...displayNow(),
    });
    panel.closeReasons();
    if (trial.training) return;
    before = trial;
    panel.note(course.queue.fragile ? "This browser stores nothing: keep this page open until the server has every answer." : "");
    if (course.count % study.pause === 0 && course.current) await rest();
    await showCurrent();
  }

  async function rest() {
    resting = true;
    await ends.pause(course.count, session.total);
    ends.close();
    resting = false;
    find("#canvas").focus({ preventScroll: true });
  }

  function goOn() {
    course.goOn();
    showCurrent();
  }

  /** @param {Score} score @param {number} at */
  function scored(score, at) {
    if (score === "drop" && study.reasons.length && !panel.reasonsOpen) panel.openReasons();
    else vote(score, at);
  }

  /** @param {number} place @param {boolean} several @param {number} at */
  function reason(place, several, at) {
    if (panel.toggleReason(place) && !several) vote("drop", at);
  }

  /** @param {number} at */
  function enter(at) {
    if (course.practice) return find("#feedback").hidden ? undefined : goOn();
    if (panel.reasonsOpen) return vote("drop", at);
    if (study.protocol !== "slider") return undefined;
    const missing = sliders.missing();
    return missing ? panel.note(`Set ${missing} first: a digit, or ← and →.`) : vote(sliders.score(), at);
  }

  function undo() {
    if (course.practice) return panel.note("Practice answers cannot be undone.");
    if (panel.reasonsOpen) return panel.closeReasons();
    if (!course.undo()) return panel.note("There is no answer of this browser to undo.");
    before = null;
    if (ends.isOpen()) ends.close();
    shown = null;
    showCurrent();
    return panel.note("The last answer is undone. Answer this image again.");
  }

  /** @param {Action} action @param {number} [at] */
  function act({ act: name, value }, at = performance.now()) {
    const { canvas } = view;
    /** @type {Record<string, () => void>} */
    const does = {
      score: () => scored(value, at), reason: () => reason(value[0], value[1], at), enter: () => enter(at),
      tens: () => sliders.tens(value), step: () => sliders.step(value), dimension: () => sliders.move(value),
      flip: () => (course.practice && !find("#feedback").hidden ? goOn() : view.flip()), hold: () => view.hold(true),
      mode: () => view.nextMode(), one: () => view.oneToOne(), smooth: () => view.toggleSmooth(),
      zoom: () => view.zoomAt(value, canvas.width / 2, canvas.height / 2), split: () => view.splitAt(view.split + value),
      pan: () => view.pan(value[0] * devicePixelRatio, value[1] * devicePixelRatio),
      undo, legend: () => panel.legend(), theme: changeTheme, full: fullScreen, go: () => enter(at),
      comment: () => { if (shown) panel.comment(comment, (text) => { comment = text; }); },
    };
    does[name]?.();
  }

  addEventListener("keydown", (event) => {
    const dialog = /** @type {HTMLDialogElement | null} */ (document.querySelector("dialog[open]"));
    if (dialog) {
      if (event.key === "?" && dialog.id === "legend") { event.preventDefault(); dialog.close(); }
      return;
    }
    if (ends.isOpen()) {
      if (event.key === "Backspace" && document.body.dataset.state === "end") { event.preventDefault(); undo(); }
      return;
    }
    const target = /** @type {HTMLElement} */ (event.target);
    if (target.matches("button, summary") && (event.key === " " || event.key === "Enter")) return;
    const digit = panel.reasonsOpen ? digitOf(event) : -1;
    const action = digit > 0 ? { act: "reason", value: [digit - 1, event.shiftKey] }
      : event.key === "Enter" && !event.ctrlKey ? { act: "enter" }
      : event.key === " " && course.practice ? { act: "go" }
      : event.key === "Escape" && panel.reasonsOpen ? { act: "undo" } : actionOf(event, study);
    if (!action) return;
    event.preventDefault();
    // A key that is held down answers one image, not every image that follows.
    if (event.repeat && !["pan", "zoom", "step", "split"].includes(action.act)) return;
    act(action, event.timeStamp);
  });
  addEventListener("keyup", (event) => { if (event.key === "Shift") view.hold(false); });
  addEventListener("blur", () => view.hold(false));
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) hiddenSince = performance.now();
    else if (hiddenSince) hidden += performance.now() - Math.max(hiddenSince, shownAt);
  });

  async function begin() {
    course.queue.pump();
    course.fill();
    const read = await ends.begin(session);
    api.display({ ...displayNow(), read }).catch(() => { /* Each vote has these numbers too. */ });
    ends.close();
    began = true;
    find("#canvas").focus({ preventScroll: true });
    // The page may have been open for long before this: what was finished then may go on now.
    course.finished = null;
    await showCurrent();
    if (!course.current) await course.fill();
  }
  return begin();
}

function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.().catch(() => { /* The browser forbids it, for instance in a frame. */ });
}

/** Until there is a session, the page can only ask for one. */
async function start() {
  for (;;) {
    try {
      return await run(await api.session());
    } catch (error) {
      if (error instanceof api.Refused) return ends.lost(error.code, 0);
      if (!(error instanceof api.Unreachable)) throw error;
      ends.problem("offline", "The server does not answer", "This page tries again by itself. Answers that were kept in this browser are sent then.", "If it lasts, check your connection, or ask the owner of the study.");
      await new Promise((resolve) => { setTimeout(resolve, AGAIN); });
    }
  }
}

start();
