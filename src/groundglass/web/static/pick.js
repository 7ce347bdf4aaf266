// @ts-check
/** Picking by eye: a grid of candidates, each image at 1:1 by a key, and every pick saved at once. */
import * as api from "./api.js";
import { cap, copy, find, make, name, say, show } from "./dom.js";
import { listen } from "./gestures.js";
import { View } from "./view.js";

/** @typedef {{split: string, wanted: number | null, images: {id: string, name: string}[], picked: string[], key: string, csrf: string}} State */

const AGAIN = 1500, PAN = 60;
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** @param {State} state */
function run(state) {
  const { images } = state, grid = find("#grid"), viewer = find("#viewer");
  let picked = new Set(state.picked);
  /** @type {Map<string, boolean>} picked or not: images with a change that is not on disk yet */ const changes = new Map();
  /** @type {View} */ const view = new View(find("#canvas"), () => say(find("#zoom-text"), viewer.hidden ? "" : view.zoomText), () => {});
  listen(view, () => {});
  const tiles = images.map(tile);
  let at = 0, asked = 0, saving = false;
  grid.replaceChildren(...tiles);
  api.useToken(state.csrf);
  document.title = `Pick for ${state.split}`;
  say(find("#title"), `${images.length} candidates for ${state.split}, best first`);
  find("#keys").replaceChildren(cap("← ↑ ↓ →"), " move ", cap("Space"), " pick ", cap("Enter"), " or ", cap("Z"), " large, 1:1 ", cap("Esc"), " back");
  find("#choose").addEventListener("click", () => { toggle(); leave(); });
  find("#look").addEventListener("click", () => { if (viewer.hidden) open(); else close(); leave(); });
  find("#copy").addEventListener("click", () => copy(find("#copy"), line(), find("#copy")));

  /** @param {{id: string, name: string}} image @param {number} place @returns {HTMLElement} */
  function tile(image, place) {
    const shown = make("img", { src: `/small/${state.key}/${place}`, alt: "", loading: "lazy", draggable: "false" });
    const node = make("div", {
      class: "tile", role: "option", tabindex: "-1", "aria-label": image.name, title: image.name,
      onclick: () => { move(place); toggle(); }, ondblclick: () => { toggle(); open(); },
    }, shown);
    shown.addEventListener("error", () => { node.classList.add("gone"); node.replaceChildren(`${image.name} cannot be shown`); });
    return node;
  }

  /** The focus goes back to the image, so that Space and Enter mean it and not the button that was used last. */
  function leave() { if (viewer.hidden) tiles[at].focus(); else /** @type {HTMLElement} */ (document.activeElement)?.blur(); }

  function line() { return `pick: ${JSON.stringify(images.filter(({ id }) => picked.has(id)).map(({ id }) => id))}`; }

  /** @param {number} place */
  function move(place) {
    tiles[at].tabIndex = -1;
    at = Math.min(images.length - 1, Math.max(0, place));
    tiles[at].tabIndex = 0;
    if (viewer.hidden) tiles[at].focus();
    else load();
  }

  function toggle() {
    const { id } = images[at];
    if (!picked.delete(id)) picked.add(id);
    changes.set(id, picked.has(id));
    update();
    save();
  }

  function update() {
    images.forEach(({ id }, place) => tiles[place].setAttribute("aria-selected", String(picked.has(id))));
    viewer.toggleAttribute("data-picked", picked.has(images[at].id));
    say(find("#count"), `${picked.size} picked${state.wanted === null ? ` of ${images.length}` : `, ${state.wanted} wanted`}`);
  }

  /** One request after the other, with the changes only: another tab may pick too, and its picks come back. */
  async function save() {
    if (saving) return;
    saving = true;
    do {
      const sent = [...changes], idsOf = (/** @type {boolean} */ on) => sent.filter(([, now]) => now === on).map(([id]) => id);
      if (sent.length) say(find("#saved"), "…");
      try {
        picked = new Set((await api.savePicks({ pick: idsOf(true), drop: idsOf(false) })).picked);
        for (const [id, on] of sent) if (changes.get(id) === on) changes.delete(id);
        for (const [id, on] of changes) if (on) picked.add(id); else picked.delete(id);
        update();
        delete find("#saved").dataset.late;
        say(find("#saved"), sent.length ? "saved" : "");
      } catch (error) {
        find("#saved").dataset.late = "";
        say(find("#saved"), `○ not saved, this page tries again: ${/** @type {Error} */ (error).message}`);
        await new Promise((resolve) => { setTimeout(resolve, AGAIN); });
      }
    } while (changes.size);
    saving = false;
  }

  async function load() {
    const mine = ++asked, image = images[at];
    update();
    document.body.dataset.shown = "";
    const answer = await fetch(`/image/${state.key}/${at}`, { credentials: "same-origin" }).catch(() => null);
    const bitmap = answer?.ok ? await createImageBitmap(await answer.blob()).catch(() => null) : null;
    if (mine !== asked) return bitmap?.close();
    for (const side of view.sides) side.bitmap.close();
    view.show(bitmap ? [{ side: "single", bitmap, fitted: null, width: bitmap.width, height: bitmap.height }] : []);
    name(view.canvas, bitmap ? image.name : `${image.name} cannot be shown`);
    document.body.dataset.shown = image.id;
    return undefined;
  }

  function open() {
    if (!viewer.hidden) return;
    show(viewer, true);
    find("#grid-home").inert = true;
    say(find("#look"), "Back");
    view.resize();
    load();
  }

  function close() {
    asked += 1;
    show(viewer, false);
    find("#grid-home").inert = false;
    say(find("#look"), "Large");
    say(find("#zoom-text"), "");
    tiles[at].focus();
  }

  /** @returns {number} */
  function columns() {
    const next = tiles.findIndex((one) => one.offsetTop !== tiles[0].offsetTop);
    return next < 0 ? tiles.length : next;
  }

  /** @param {KeyboardEvent} event @returns {(() => void) | undefined} */
  function actionOf(event) {
    const way = ARROWS[event.key], key = event.key.toLowerCase(), large = !viewer.hidden;
    if (way && large && view.zoom !== "fit") return () => view.pan(way[0] * PAN * devicePixelRatio, way[1] * PAN * devicePixelRatio);
    if (way) return () => move(at - way[0] - (large ? way[1] : way[1] * columns()));
    if (key === "home" || key === "end") return () => move(key === "home" ? 0 : images.length - 1);
    if (key === " ") return toggle;
    if (key === "enter") return large ? close : open;
    if (key === "escape" && large) return close;
    if (key === "z") return large ? () => view.oneToOne() : open;
    if (large && (key === "+" || key === "-")) return () => view.zoomAt(key === "+" ? Math.SQRT2 : Math.SQRT1_2, view.canvas.width / 2, view.canvas.height / 2);
    if (large && key === "s") return () => view.toggleSmooth();
    return undefined;
  }

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !images.length) return;
    if (/** @type {HTMLElement} */ (event.target).matches("button") && (event.key === " " || event.key === "Enter")) return;
    const action = actionOf(event);
    if (!action || (event.repeat && event.key === " ")) return;
    event.preventDefault();
    action();
  });

  if (images.length) {
    update();
    move(0);
    addEventListener("focus", save);  // another tab may have picked meanwhile
  } else say(find("#count"), "There are no candidates.");
  document.body.dataset.state = "pick";
}

async function start() {
  for (;;) {
    try {
      return run(await api.picks());
    } catch (error) {
      say(find("#count"), `${/** @type {Error} */ (error).message} This page tries again.`);
      await new Promise((resolve) => { setTimeout(resolve, AGAIN); });
    }
  }
}

start();
