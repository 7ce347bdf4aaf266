// @ts-check
/**
 * The course of a rater's trials: which one is next, what was answered here, and what was taken back. It never waits
 * for the server where it does not have to: a vote is kept, the next trial is shown, and the rest follows.
 */
import * as api from "./api.js";
import { afterPaint } from "./dom.js";
import { Queue } from "./queue.js";

/** @typedef {import("./types.js").Session} Session */
/** @typedef {import("./types.js").Trial} Trial */
/** @typedef {import("./types.js").Vote} Vote */
/** @typedef {import("./types.js").Kept} Kept */
/** @typedef {import("./types.js").Feedback} Feedback */
/**
 * @typedef {object} Told what the page does when something happens
 * @property {() => void} changed there are other trials than before
 * @property {(text: string) => void} note
 * @property {(feedback: Feedback | null) => void} feedback of a practice trial
 * @property {(waiting: number, offline: boolean) => void} waiting
 * @property {(code: string) => void} lost the link no longer works
 */

const AHEAD = 4, REMEMBERED = 20, SLOWEST = 15_000;

export class Course {
  /** @param {Session} session @param {Told} told */
  constructor(session, told) {
    this.told = told;
    /** @type {Trial[]} the first one is shown */ this.trials = [];
    /** @type {import("./types.js").AllDone | null} */ this.finished = null;
    /** @type {{id: string, code: string} | null} */ this.practice = null;
    this.count = session.done;
    this.changes = 0;
    this.tries = 0;
    this.offline = false;
    /** @type {Promise<void> | null} */ this.filling = null;
    /** @type {number | undefined} */ this.alarm = undefined;
    const name = `${session.rater}@${session.study.id}`;
    this.memory = `groundglass.answered.${name}`;
    /** @type {{vote: string, trial: Trial}[]} for undo, also after a reload */ this.history = remembered(this.memory);
    this.queue = new Queue(session.rater, session.study.id, {
      sent: (kept, answer) => this.sent(kept, answer),
      refused: (kept, error) => this.refused(kept, error),
      changed: () => this.tellWaiting(),
      elsewhere: (trial) => this.elsewhere(trial),
    });
    /** @type {Set<string>} trials that need no answer any more */ this.answered = new Set();
    for (const kept of this.queue.list()) {
      if (kept.kind === "vote") this.answered.add(kept.body.trial);
      else this.answered.delete(kept.trial);
    }
    addEventListener("online", () => this.fill());
  }

  /** @returns {Trial | null} */
  get current() { return this.trials[0] ?? null; }

  get waiting() { return this.queue.waiting.size; }

  /**
   * Keeps a vote on the current trial; of a practice trial the feedback follows, otherwise the next trial is current at once.
   * @param {Vote} vote
   */
  answer(vote) {
    const trial = this.trials[0];
    this.queue.add({ kind: "vote", body: vote, order: 0, tried: false });
    this.answered.add(trial.trial);
    this.changes += 1;
    if (trial.training) {
      this.practice = { id: vote.id, code: trial.trial };
      return;
    }
    this.count += 1;
    this.remember([...this.history, { vote: vote.id, trial }]);
    this.trials.shift();
  }

  /** After the feedback of a practice trial. */
  goOn() {
    this.practice = null;
    this.trials.shift();
    this.changes += 1;
    this.fill();
  }

  /**
   * Takes the last answer back, and makes its trial the current one again.
   * @returns {boolean}
   */
  undo() {
    const last = this.history.at(-1);
    if (!last || this.practice) return false;
    this.remember(this.history.slice(0, -1));
    if (!this.queue.takeBack(last.vote)) {
      this.queue.add({ kind: "undo", body: { id: api.uuid(), vote: last.vote }, trial: last.trial.trial, order: 0, tried: false });
    }
    this.answered.delete(last.trial.trial);
    this.trials = [last.trial, ...this.trials.filter((trial) => trial.trial !== last.trial.trial)];
    this.finished = null;
    this.count -= 1;
    this.changes += 1;
    return true;
  }

  /**
   * Gives up a trial whose image cannot be shown: the server puts another one in its place.
   * @param {Trial} trial
   */
  giveUp(trial) {
    this.trials = this.trials.filter((one) => one.trial !== trial.trial);
    this.changes += 1;
    return this.fill();
  }

  /**
   * Asks the server for the next trials; again later if it does not answer.
   * @returns {Promise<void>}
   */
  fill() {
    clearTimeout(this.alarm);
    this.filling ??= this.ask().finally(() => { this.filling = null; });
    return this.filling;
  }

  async ask() {
    const before = this.changes;
    /** @type {import("./types.js").NextTrial | import("./types.js").AllDone} */ let found;
    try {
      found = await api.next(AHEAD);
    } catch (error) {
      if (error instanceof api.Refused) return this.refusedAll(error);
      this.offline = true;
      this.tries += 1;
      this.later(error instanceof api.Unreachable ? error.wait : 0);
      return this.tellWaiting();
    }
    this.tries = 0;
    this.offline = false;
    this.tellWaiting();
    // An answer to a question from before the last vote may list what is already answered, or not list what was undone.
    const stale = before !== this.changes || this.waiting > 0;
    if ("done" in found) {
      if (stale) return undefined;
      this.finished = found;
      this.trials = [];
      return this.told.changed();
    }
    this.merge([found, ...found.ahead].filter((trial) => !this.answered.has(trial.trial)), stale);
    return undefined;
  }

  /** @param {Trial[]} listed @param {boolean} stale */
  merge(listed, stale) {
    const current = this.trials[0], names = new Set(this.trials.map((trial) => trial.trial));
    if (stale) this.trials.push(...listed.filter((trial) => !names.has(trial.trial)));
    else if (!current || this.practice) this.trials = current ? [current, ...listed] : listed;
    else if (listed.some((trial) => trial.trial === current.trial)) {
      this.trials = [current, ...listed.filter((trial) => trial.trial !== current.trial)];
    } else {
      this.trials = listed;
      this.told.note("The last image was answered in another tab or on another device.");
    }
    if (!this.trials.length) this.later(1);
    this.told.changed();
  }

  /** @param {number} wait seconds */
  later(wait) {
    this.alarm = setTimeout(() => this.fill(), Math.max(wait * 1000, Math.min(SLOWEST, 500 * 2 ** this.tries)));
  }

  tellWaiting() { this.told.waiting(this.waiting, this.offline || this.queue.offline); }

  /** @param {Kept} kept @param {any} answer */
  sent(kept, answer) {
    if (kept.kind === "undo") {
      this.undone(answer.trial);
    } else if (this.practice?.id === kept.body.id) {
      this.told.feedback(answer.feedback);
      return;
    }
    if (!this.waiting || this.trials.length < 2) this.fill();
  }

  /**
   * The server says which trial an undoing brought back; it is nearly always the one that is already shown.
   * @param {Trial | undefined} trial
   */
  undone(trial) {
    if (!trial || this.answered.has(trial.trial) || this.trials.some((one) => one.trial === trial.trial)) return;
    this.trials.unshift(trial);
    this.changes += 1;
    this.told.changed();
  }

  /** @param {Kept} kept @param {api.Refused} error */
  refused(kept, error) {
    if (error.endsSession) return this.refusedAll(error);
    this.changes += 1;
    if (kept.kind === "undo") {
      this.answered.add(kept.trial);
      this.told.note(`That answer can no longer be undone. ${error.message}`);
    } else {
      this.remember(this.history.filter((one) => one.vote !== kept.body.id));
      const done = error.status === 409 || error.status === 404;
      if (!done) this.answered.delete(kept.body.trial);
      this.told.note(error.code === "answered" ? "This image was already answered in another tab or on another device. That answer counts."
        : `An answer was not accepted. ${error.message}`);
      if (this.practice?.id === kept.body.id) {
        this.practice = null;
        if (done) this.trials.shift();
      } else this.count -= 1;
    }
    this.told.changed();
    this.fill();
    return undefined;
  }

  /** @param {api.Refused} error */
  refusedAll(error) {
    if (error.endsSession) {
      this.queue.stop();
      clearTimeout(this.alarm);
      this.told.lost(error.code);
    } else {
      this.told.note(error.message);
      this.later(5);
    }
  }

  /**
   * Another tab answers a trial: this one goes on.
   * @param {string} trial
   */
  elsewhere(trial) {
    if (this.practice?.code === trial) return;
    this.answered.add(trial);
    this.changes += 1;
    const shown = this.trials[0]?.trial === trial;
    this.trials = this.trials.filter((one) => one.trial !== trial);
    if (shown) {
      this.told.note("That image was answered in another tab.");
      this.told.changed();
    }
    this.later(0);
  }

  /** @param {{vote: string, trial: Trial}[]} history */
  remember(history) {
    this.history = history.slice(-REMEMBERED);
    afterPaint(() => {
      try {
        localStorage.setItem(this.memory, JSON.stringify(this.history));
      } catch {
        // Without storage, undo ends with this page.
      }
    });
  }
}

/** @param {string} key @returns {{vote: string, trial: Trial}[]} */
function remembered(key) {
  try {
    const found = JSON.parse(localStorage.getItem(key) ?? "[]");
    return Array.isArray(found) ? found.filter((one) => typeof one?.vote === "string" && Array.isArray(one?.trial?.images)) : [];
  } catch {
    return [];
  }
}
