// @ts-check
/** The owner's board: asks the server every five seconds, and changes only what is different. */
import * as api from "./api.js";
import { intervalLine, intervalOf, scoresChart, short, spanOf, votesChart } from "./board_charts.js";
import { copy, find, make, say, show } from "./dom.js";
import "./theme_button.js";
import { counted } from "./words.js";

/** @typedef {import("./board_charts.js").Item} Item */
/**
 * @typedef {{rater: string, votes: number, correlation: number | null, repeat: number | null, seconds: number | null,
 *   left: number | null, flags: Record<string, number>, state: string, last: number | null}} Rater
 * @typedef {{study: any, progress: {items: number, votes: number, wanted: number | null, raters: number}, items: Item[],
 *   raters: Rater[], arms?: {one: string, other: string, rate: number | null, ci95: [number, number] | null, votes: number, contents: number}[],
 *   notes?: string[], troubles?: {at: number, what: string, why: string, hint: string, count: number}[], late?: boolean, agreement: Record<string, number | null>, updated: number, csrf?: string}} Board
 */

const EVERY = 5000, PAGE = 100;
const FLAGS = {
  too_fast: "too fast", trap_failed: "traps failed", gold_failed: "gold failed", train_failed: "practice failed",
};
const AGREEMENT = {
  krippendorff_alpha: "Krippendorff’s α", icc_2_1: "ICC(2,1)", icc_2_k: "ICC(2,k)", fleiss_kappa: "Fleiss’ κ", split_half_srcc: "Split-half SRCC",
};
/** @type {Record<string, (one: Item, other: Item) => number>} */
const ORDERS = {
  votes: (one, other) => one.votes - other.votes,
  low: (one, other) => (one.score ?? Infinity) - (other.score ?? Infinity),
  high: (one, other) => (other.score ?? -Infinity) - (one.score ?? -Infinity),
  wide: (one, other) => width(other) - width(one),
};

let page = PAGE;
/** @type {Board | null} */ let now = null;
/** @type {Map<string, {row: HTMLElement, cells: HTMLElement[]}>} */ const raterRows = new Map();
/** @type {Map<string, {row: HTMLElement, cells: HTMLElement[]}>} */ const itemRows = new Map();
/** @type {Map<string, {row: HTMLElement, cells: HTMLElement[]}>} */ const armRows = new Map();
let chart = "";

/** @param {Item} item @returns {number} */
function width(item) {
  const interval = intervalOf(item);
  return interval ? interval[1] - interval[0] : -1;
}

/** @param {number | null | undefined} value @param {(value: number) => string} written @returns {string} */
function or(value, written) { return value === null || value === undefined ? "–" : written(value); }

/** @param {Board} board */
function update(board) {
  now = board;
  say(find("#name"), board.study.name);
  say(find("#protocol"), `${board.study.protocol}${board.study.question ? ` · ${board.study.question}` : ""}`);
  document.title = `${board.study.name} · study board`;
  const { votes, wanted, items, raters } = board.progress, share = wanted ? Math.min(1, votes / wanted) : 0;
  say(find("#headline"), wanted ? `${votes.toLocaleString("en")} of ${wanted.toLocaleString("en")} votes` : counted(votes, "vote"));
  const meter = find("#meter");
  meter.firstElementChild.style.width = `${share * 100}%`;
  meter.setAttribute("aria-label", `${Math.floor(share * 100)} % of the votes`);
  show(meter, Boolean(wanted));
  facts([["Images", items.toLocaleString("en")], ["Raters", raters.toLocaleString("en")], ...agreement(board.agreement)]);
  const updated = new Date(board.updated * 1000).toLocaleTimeString();
  say(find("#updated"), board.late ? `○ the database does not answer · last update ${updated}` : `live · ${updated}`);
  if (board.late) find("#updated").dataset.late = "";
  else delete find("#updated").dataset.late;
  updateTroubles(board.troubles ?? []);
  updateNotes(board.notes ?? []);
  updateRaters(board.raters);
  updateArms(board.arms);
  updateItems();
  const drawn = JSON.stringify(board.items.map((item) => [item.votes, item.score, item.ci95]));
  if (drawn !== chart) {
    chart = drawn;
    find("#chart-votes").replaceChildren(votesChart(board.items));
    find("#chart-scores").replaceChildren(scoresChart(board.items));
  }
}

/** @param {Board["agreement"]} found @returns {[string, string][]} */
function agreement(found) {
  return Object.entries(found ?? {}).filter(([, value]) => typeof value === "number")
    .map(([name, value]) => [labelOf(name), short(Number(value))]);
}

/**
 * The label of a number of agreement. With several sliders its name begins with that of the slider.
 * @param {string} name @returns {string}
 */
function labelOf(name) {
  const [last, ...rest] = name.split(" ").reverse(), label = /** @type {Record<string, string>} */ (AGREEMENT)[last];
  return label ? [...rest.reverse(), label].join(" ") : name.replaceAll("_", " ");
}

/**
 * How often each folder of a comparison won against each other one.
 * @param {Board["arms"]} arms
 */
function updateArms(arms) {
  show(find("#arms-section"), Boolean(arms?.length));
  const rows = (arms ?? []).map(({ one, other, rate, ci95, votes, contents }) => {
    const { row, cells } = rowOf(armRows, JSON.stringify([one, other]), ["", "", "n", "n", "n", "n"]);
    const texts = [one, other, or(rate, percent), ci95 ? `${percent(ci95[0])} – ${percent(ci95[1])}` : "–", votes.toLocaleString("en"), contents.toLocaleString("en")];
    texts.forEach((text, place) => say(cells[place], text));
    return row;
  });
  order(find("#arms tbody"), rows);
}

/** @param {number} share @returns {string} */
function percent(share) { return `${Math.round(share * 100)} %`; }

/**
 * The causes of what raters only see as "cannot be shown" or "does not answer".
 * @param {NonNullable<Board["troubles"]>} troubles
 */
function updateTroubles(troubles) {
  const home = find("#troubles"), texts = troubles.map(({ at, what, why, hint, count }) =>
    `${new Date(at * 1000).toLocaleTimeString()} · ${what}${count > 1 ? ` (${count} times)` : ""}: ${why}. To do: ${hint}.`);
  show(find("#troubles-section"), texts.length > 0);
  if ([...home.children].map((child) => child.textContent).join("\n") !== texts.join("\n")) home.replaceChildren(...texts.map((text) => make("li", {}, text)));
}

/** @param {string[]} notes */
function updateNotes(notes) {
  const home = find("#notes");
  show(home, notes.length > 0);
  if ([...home.children].map((child) => child.textContent).join("\n") !== notes.join("\n")) home.replaceChildren(...notes.map((note) => make("li", {}, note)));
}

/** @param {[string, string][]} pairs */
function facts(pairs) {
  const home = find("#facts");
  if (home.children.length !== pairs.length) home.replaceChildren(...pairs.map(() => make("div", {}, make("dt"), make("dd"))));
  pairs.forEach(([name, value], place) => { say(home.children[place].children[0], name); say(home.children[place].children[1], value); });
}

/**
 * The row of a table for a name, made at its first use.
 * @param {typeof raterRows} rows @param {string} name @param {string[]} classes
 */
function rowOf(rows, name, classes) {
  let found = rows.get(name);
  if (!found) {
    const cells = classes.map((traits) => make("td", { class: traits || undefined }));
    found = { row: make("tr", {}, ...cells), cells };
    rows.set(name, found);
  }
  return found;
}

/**
 * Puts rows in order, moving only those that are at another place.
 * @param {HTMLElement} body @param {HTMLElement[]} rows
 */
function order(body, rows) {
  rows.forEach((row, place) => { if (body.children[place] !== row) body.insertBefore(row, body.children[place] ?? null); });
  while (body.children.length > rows.length) body.lastElementChild?.remove();
}

/** @param {Rater[]} raters */
function updateRaters(raters) {
  show(find("#raters-empty"), raters.length === 0);
  show(find("#raters"), raters.length > 0);
  const rows = raters.map((rater) => {
    const { row, cells } = rowOf(raterRows, rater.rater, ["", "n", "n", "n", "n", "n", "flags", "", "", ""]);
    const texts = [
      rater.rater, rater.votes.toLocaleString("en"), or(rater.correlation, short), or(rater.repeat, short),
      or(rater.seconds, (value) => value.toFixed(1)), or(rater.left, percent), null,
      rater.state, rater.last ? new Date(rater.last * 1000).toLocaleString([], { dateStyle: "short", timeStyle: "short" }) : "–",
    ];
    texts.forEach((text, place) => { if (text !== null) say(cells[place], text); });
    flags(cells[6], rater.flags);
    if (row.dataset.state !== rater.state) {
      row.dataset.state = rater.state;
      const open = rater.state === "active" || rater.state === "not opened";
      cells[9].replaceChildren(...(open ? [make("button", { type: "button", "aria-label": `Revoke the link of ${rater.rater}`, onclick: () => revoke(rater.rater) }, "Revoke")] : []));
    }
    return row;
  });
  order(find("#raters tbody"), rows);
}

/** @param {HTMLElement} cell @param {Rater["flags"]} found */
function flags(cell, found) {
  const raised = Object.entries(found ?? {}).filter(([, count]) => count);
  const texts = raised.map(([name, count]) => `${/** @type {Record<string, string>} */ (FLAGS)[name] ?? name.replaceAll("_", " ")}${Number(count) > 1 ? ` ${count}` : ""}`);
  if (cell.dataset.flags === texts.join()) return;
  cell.dataset.flags = texts.join();
  cell.replaceChildren(...texts.map((text) => make("span", { class: "flag" }, text)));
}

function updateItems() {
  if (!now) return;
  const chosen = find("#order").value, items = [...now.items].sort(ORDERS[chosen]), span = spanOf(now.items);
  const rows = items.slice(0, page).map((item) => {
    const { row, cells } = rowOf(itemRows, item.item, ["", "n", "n", "n", "wide"]), interval = intervalOf(item);
    const texts = [item.name, item.votes.toLocaleString("en"), or(item.score, short), interval ? `${short(interval[0])} – ${short(interval[1])}` : "–"];
    texts.forEach((text, place) => say(cells[place], text));
    cells[0].title = item.name;
    const drawn = JSON.stringify([item.score, interval, span]);
    if (cells[4].dataset.drawn !== drawn) { cells[4].dataset.drawn = drawn; cells[4].replaceChildren(intervalLine(item, span)); }
    return row;
  });
  order(find("#items tbody"), rows);
  const more = find("#more");
  show(more, items.length > page);
  say(more, `Show ${Math.min(PAGE, items.length - page)} more of ${items.length.toLocaleString("en")}`);
}

/** @param {string} text */
function notice(text) { say(find("#notice"), text); show(find("#notice"), text !== ""); }

async function invite() {
  const raters = Number(find("#invite-count").value), days = Number(find("#invite-days").value);
  try {
    const { links } = await api.invite({ raters, ...(days ? { days } : {}) });
    const texts = links.map((/** @type {any} */ link) => String(link.link ?? link.url ?? link).replace("{base}", location.origin));
    find("#links-list").replaceChildren(...texts.map((/** @type {string} */ text) => {
      const code = make("code", {}, text);
      const button = make("button", { type: "button", onclick: () => copy(button, text, code) }, "Copy");
      return make("li", {}, code, button);
    }));
    find("#links-copy").onclick = () => copy(find("#links-copy"), texts.join("\n"), find("#links-list"));
    show(find("#links"), true);
    notice("");
    await poll();
  } catch (error) {
    notice(/** @type {Error} */ (error).message);
  }
}

/** @param {string} rater */
function revoke(rater) {
  const dialog = find("#confirm");
  say(find("#confirm-title"), `Revoke the link of ${rater}?`);
  say(find("#confirm-text"), `${rater} can give no further answers. The answers given so far stay. This cannot be undone: a new link makes a new rater.`);
  find("#confirm-no").onclick = () => dialog.close();
  find("#confirm-yes").onclick = async () => {
    dialog.close();
    try {
      await api.revoke(rater);
      notice("");
      await poll();
    } catch (error) {
      notice(/** @type {Error} */ (error).message);
    }
  };
  dialog.showModal();
  find("#confirm-no").focus();
}

async function poll() {
  try {
    /** @type {Board} */ const board = await api.board();
    if (board.csrf) api.useToken(board.csrf);
    update(board);
    document.documentElement.dataset.ready = "";
  } catch (error) {
    if (error instanceof api.Refused) {
      notice(error.endsSession || error.status === 403 ? "Open the owner’s link again: this browser is not signed in as the owner." : error.message);
      return;
    }
    if (!(error instanceof api.Unreachable)) throw error;
    find("#updated").dataset.late = "";
    say(find("#updated"), now ? `○ offline · last update ${new Date(now.updated * 1000).toLocaleTimeString()}` : "○ offline");
  }
}

/** One question after the other, so that a slow server is never asked twice at once. */
async function live() {
  for (;;) {
    if (!document.hidden) await poll();
    await new Promise((resolve) => { setTimeout(resolve, EVERY); });
  }
}

find("#invite-go").addEventListener("click", invite);
find("#links-close").addEventListener("click", () => show(find("#links"), false));
find("#order").addEventListener("change", updateItems);
find("#more").addEventListener("click", () => { page += PAGE; updateItems(); });
live();
