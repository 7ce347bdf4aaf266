// @ts-check
/** The server, as functions. Each fails with `Unreachable` (try later) or `Refused` (it will not change its mind). */

/** @typedef {import("./types.js").Session} Session */
/** @typedef {import("./types.js").Vote} Vote */
/** @typedef {import("./types.js").Feedback} Feedback */

const PATIENCE = 15_000;

/** The server did not answer, or asked to come back later. */
export class Unreachable extends Error {
  /** @param {string} sentence @param {number} wait seconds until the next attempt; 0: as the caller likes */
  constructor(sentence, wait = 0) {
    super(sentence);
    this.wait = wait;
  }
}

/** The server answered, and its answer is no. */
export class Refused extends Error {
  /** @param {number} status @param {string} code @param {string} sentence */
  constructor(status, code, sentence) {
    super(sentence);
    this.status = status;
    this.code = code;
  }

  /** Whether the rater's link is at fault, and not this request. */
  get endsSession() {
    return this.status === 401 || ["expired", "revoked", "no_session", "not_a_rater", "not_the_owner"].includes(this.code);
  }
}

/**
 * A random UUID, version 4. `crypto.randomUUID` is missing on pages that are not served over https.
 * @returns {string}
 */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** The session's token. It also goes with what is only read: one browser may be signed in to several studies. */
let csrf = "";
const REMEMBERED = "groundglass.token";

/**
 * Goes with every request.
 * @returns {Record<string, string>}
 */
export function token() {
  /** @type {Record<string, string>} */ const header = {};
  if (csrf) header["X-CSRF-Token"] = csrf;
  return header;
}

/** @param {string} path @param {unknown} [body] @returns {Promise<any>} */
async function ask(path, body) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json", ...token() };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const stop = new AbortController();
  const alarm = setTimeout(() => stop.abort(), PATIENCE);
  /** @type {Response} */ let answer;
  /** @type {any} */ let data;
  try {
    answer = await fetch(path, {
      method: body === undefined ? "GET" : "POST", headers, signal: stop.signal, cache: "no-store",
      credentials: "same-origin", body: body === undefined ? undefined : JSON.stringify(body),
    });
    data = await answer.json();
  } catch {
    // No connection, no answer in time, or an answer that is not the server's, such as a proxy's page.
    throw new Unreachable("The server does not answer.");
  } finally {
    clearTimeout(alarm);
  }
  if (answer.ok) return data;
  if (answer.status >= 500 || answer.status === 429 || answer.status === 408) {
    throw new Unreachable(data.error ?? "The server is busy.", Number(answer.headers.get("Retry-After")) || 0);
  }
  throw new Refused(answer.status, String(data.code ?? ""), String(data.error ?? "The server refused this request."));
}

/**
 * A changed CSRF token is fetched once; the cookie decides, so this opens nothing.
 * @param {string} path @param {unknown} body @param {string} [from] the address that gives the token @returns {Promise<any>}
 */
async function send(path, body, from = "/api/session") {
  try {
    return await ask(path, body);
  } catch (error) {
    if (!(error instanceof Refused) || error.code !== "csrf") throw error;
    csrf = "";
    csrf = (await ask(from)).csrf;
    return ask(path, body);
  }
}

/** @returns {Promise<Session>} */
export async function session() {
  // A page that is loaded again stays with its study; a link that was opened in this tab decides otherwise.
  csrf = reloaded() ? remembered() : "";
  /** @type {Session} */ let found;
  try {
    found = await ask("/api/session");
  } catch (error) {
    if (!csrf || !(error instanceof Refused)) throw error;
    csrf = "";
    found = await ask("/api/session");
  }
  csrf = found.csrf;
  try {
    sessionStorage.setItem(REMEMBERED, csrf);
  } catch {
    // Without storage the newest link decides.
  }
  return found;
}

/** @param {string} found the owner's, which comes with the board */
export function useToken(found) { csrf = found; }

/** @returns {boolean} */
function reloaded() {
  const [entry] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  return entry?.type === "reload";
}

/** @returns {string} */
function remembered() {
  try {
    return sessionStorage.getItem(REMEMBERED) ?? "";
  } catch {
    return "";
  }
}

/** @param {number} ahead @returns {Promise<import("./types.js").NextTrial | import("./types.js").AllDone>} */
export function next(ahead) { return ask(`/api/next?ahead=${ahead}`); }

/** @param {Vote} vote @returns {Promise<{ok: true, vote: string, feedback: Feedback | null}>} */
export function vote(vote) { return send("/api/votes", vote); }

/** @param {import("./types.js").Undo} undo @returns {Promise<{ok: true, trial: import("./types.js").Trial}>} */
export function undo(undo) { return send("/api/undo", undo); }

/** @param {{viewport: [number, number], dpr: number, display_scale: number, read: string}} found */
export function display(found) { return send("/api/display", found); }

/** @returns {Promise<any>} */
export function board() { return ask("/api/board"); }

/** @param {{raters: number, days?: number}} wanted @returns {Promise<any>} */
export function invite(wanted) { return send("/api/board/invite", wanted); }

/** @param {string} rater */
export function revoke(rater) { return send("/api/board/revoke", { rater }); }

/** @returns {Promise<any>} */
export function picks() { return ask("/api/pick"); }

/** @param {{pick: string[], drop: string[]}} changes @returns {Promise<{picked: string[]}>} */
export function savePicks(changes) { return send("/api/pick", changes, "/api/pick"); }
