// @ts-check
/** The sliders of a trial: one for each dimension, without a value until the rater sets it. */
import { find, make, say, show } from "./dom.js";

/** @typedef {import("./types.js").Study} Study */

export class Sliders {
  /** @param {Study} study @param {() => void} send */
  constructor(study, send) {
    this.names = study.dimensions;
    /** @type {(number | null)[]} */ this.values = [];
    this.active = 0;
    this.home = find("#sliders");
    show(this.home, study.protocol === "slider");
    const low = study.scale?.low ?? 0, high = study.scale?.high ?? 100, labels = study.scale?.labels ?? [];
    this.inputs = this.names.map((name, place) => make("input", {
      type: "range", min: low, max: high, step: 1, "aria-label": name, id: `slider-${place}`,
      oninput: (/** @type {any} */ event) => this.set(place, Number(event.target.value)),
      onfocus: () => this.choose(place),
      // The page's own keys move a slider: the browser's would move it twice.
      onkeydown: (/** @type {KeyboardEvent} */ event) => { if (event.key.startsWith("Arrow")) event.preventDefault(); },
    }));
    this.outputs = this.names.map((_, place) => make("output", { for: `slider-${place}` }, "–"));
    this.rows = this.names.map((name, place) => make("div", { class: "slider" },
      make("label", { for: `slider-${place}` }, name),
      make("div", { class: "track" }, this.inputs[place],
        labels.length > 1 ? make("div", { class: "marks", "aria-hidden": "true" }, ...labels.map((text) => make("span", {}, text))) : null),
      this.outputs[place]));
    const button = make("button", { type: "button", class: "answer", onclick: send }, make("kbd", {}, "Enter"), " next");
    this.home.replaceChildren(...this.rows, button);
    this.reset();
  }

  /** For the next image: no value is set, so none is a mere leftover. */
  reset() {
    this.values = this.names.map(() => null);
    this.inputs.forEach((input, place) => {
      input.value = String((Number(input.min) + Number(input.max)) / 2);
      input.setAttribute("aria-valuetext", "not set");
      this.rows[place].dataset.unset = "";
      say(this.outputs[place], "–");
    });
    this.choose(0);
  }

  /** @param {number} place */
  choose(place) {
    this.active = (place + this.names.length) % this.names.length;
    this.rows.forEach((row, other) => row.toggleAttribute("data-active", other === this.active));
  }

  /** @param {number} place @param {number} value */
  set(place, value) {
    const input = this.inputs[place], kept = Math.min(Number(input.max), Math.max(Number(input.min), Math.round(value)));
    this.values[place] = kept;
    input.value = String(kept);
    input.removeAttribute("aria-valuetext");
    delete this.rows[place].dataset.unset;
    say(this.outputs[place], String(kept));
    this.choose(place);
  }

  /** @param {number} digit tens */
  tens(digit) { this.set(this.active, digit * 10); }

  /** @param {number} change */
  step(change) { this.set(this.active, (this.values[this.active] ?? Number(this.inputs[this.active].value)) + change); }

  /** @param {number} change */
  move(change) {
    this.choose(this.active + change);
    if (document.activeElement instanceof HTMLInputElement) this.inputs[this.active].focus();
  }

  /**
   * The first dimension without a value, which becomes the active one; null if all have one.
   * @returns {string | null}
   */
  missing() {
    const place = this.values.indexOf(null);
    if (place >= 0) this.choose(place);
    return place < 0 ? null : this.names[place];
  }

  /** @returns {number | Record<string, number>} */
  score() {
    const values = /** @type {number[]} */ (this.values);
    return this.names.length === 1 ? values[0] : Object.fromEntries(this.names.map((name, place) => [name, values[place]]));
  }
}
