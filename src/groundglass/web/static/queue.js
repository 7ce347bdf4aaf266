// @ts-check
/**
 * Votes on their way to the server. A vote is written to this browser's storage before anything else happens, and
 * leaves it when the server has it on disk or refuses it. So neither a reload nor a lost connection loses one, and
 * since each has its own UUID, sending one twice does no harm.
 */
import * as api from "./api.js";
import { afterPaint } from "./dom.js";

/** @typedef {import("./types.js").Kept} Kept */

const SLOWEST = 15_000;

export class Queue {
  /**
   * @param {string} rater @param {string} study its id: votes of another rater or study in this browser are left alone
   * @param {{sent: (kept: Kept, answer: any) => void, refused: (kept: Kept, error: api.Refused) => void,
   *   changed: (waiting: number, offline: boolean) => void, elsewhere: (trial: string) => void}} told
   */
  constructor(rater, study, told) {
    this.prefix = `groundglass.kept.${rater}@${study}.`;
    this.told = told;
    /** @type {Map<string, Kept>} */ this.waiting = new Map();
    this.offline = false;
    this.sending = false;
    this.stopped = false;
    this.attempts = 0;
    this.order = 0;
    /** Whether storage failed: then votes survive only as long as this page. */
    this.fragile = false;
    /** @type {number | undefined} */ this.alarm = undefined;
    for (const kept of this.stored()) this.waiting.set(kept.body.id, kept);
    addEventListener("online", () => this.retry());
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.retry(); });
    addEventListener("storage", (event) => this.otherTab(event));
  }

  /** @returns {Kept[]} in the order in which they were given */
  stored() {
    const found = [];
    try {
      for (let place = 0; place < localStorage.length; place++) {
        const key = localStorage.key(place) ?? "";
        if (!key.startsWith(this.prefix)) continue;
        const kept = parsed(localStorage.getItem(key));
        if (kept) found.push({ ...kept, tried: true });
      }
    } catch {
      this.fragile = true;
    }
    return found.sort((one, other) => one.order - other.order);
  }

  /**
   * Everything that waits, oldest first.
   * @returns {Kept[]}
   */
  list() { return [...this.waiting.values()].sort((one, other) => one.order - other.order); }

  /**
   * Keeps something and sends it as soon as possible.
   * @param {Kept} kept
   */
  add(kept) {
    this.order = Math.max(this.order + 1, Date.now() * 1000);
    kept.order = this.order;
    this.write(kept);
    this.waiting.set(kept.body.id, kept);
    this.told.changed(this.waiting.size, this.offline);
    // The request must not delay the next image.
    afterPaint(() => this.pump());
  }

  /**
   * Takes a vote back that was never sent.
   * @param {string} id @returns {boolean}
   */
  takeBack(id) {
    const kept = this.waiting.get(id);
    if (!kept || kept.tried) return false;
    this.remove(id);
    return true;
  }

  retry() {
    clearTimeout(this.alarm);
    this.attempts = 0;
    this.pump();
  }

  /** Stops sending: the link no longer works. Unsent votes stay in storage. */
  stop() {
    this.stopped = true;
    clearTimeout(this.alarm);
  }

  async pump() {
    if (this.sending || this.stopped) return;
    clearTimeout(this.alarm);
    this.sending = true;
    try {
      for (let kept = this.list()[0]; kept && !this.stopped; kept = this.list()[0]) await this.send(kept);
      this.attempts = 0;
    } catch (error) {
      this.offline = true;
      this.attempts += 1;
      const wait = error instanceof api.Unreachable ? error.wait * 1000 : 0;
      this.alarm = setTimeout(() => this.pump(), Math.max(wait, Math.min(SLOWEST, 500 * 2 ** this.attempts)));
      this.told.changed(this.waiting.size, true);
    } finally {
      this.sending = false;
    }
  }

  /** @param {Kept} kept */
  async send(kept) {
    kept.tried = true;
    /** @type {any} */ let answer;
    try {
      answer = kept.kind === "vote" ? await api.vote(kept.body) : await api.undo(kept.body);
    } catch (error) {
      if (!(error instanceof api.Refused)) throw error;
      this.offline = false;
      if (!error.endsSession) this.remove(kept.body.id);
      this.told.refused(kept, error);
      return;
    }
    this.offline = false;
    this.remove(kept.body.id);
    this.told.sent(kept, answer);
  }

  /** @param {Kept} kept */
  write(kept) {
    try {
      localStorage.setItem(this.prefix + kept.body.id, JSON.stringify(kept));
    } catch {
      this.fragile = true;
    }
  }

  /** @param {string} id */
  remove(id) {
    this.waiting.delete(id);
    try {
      localStorage.removeItem(this.prefix + id);
    } catch {
      this.fragile = true;
    }
    this.told.changed(this.waiting.size, this.offline);
  }

  /**
   * Another tab of this rater keeps a vote: its trial needs no second answer.
   * @param {StorageEvent} event
   */
  otherTab(event) {
    if (!event.key?.startsWith(this.prefix) || event.newValue === null) return;
    const kept = parsed(event.newValue);
    if (kept?.kind === "vote") this.told.elsewhere(kept.body.trial);
  }
}

/** @param {string | null} text @returns {Kept | null} */
function parsed(text) {
  try {
    const kept = JSON.parse(text ?? "null");
    return kept && typeof kept.body?.id === "string" && (kept.kind === "vote" || kept.kind === "undo") ? kept : null;
  } catch {
    return null;
  }
}
