// @ts-check
/** Makes and finds elements. Text is always set as text, so nothing from a file name can become markup. */

/**
 * @param {string} tag @param {Record<string, any>} [traits] attributes; `on…` are listeners
 * @param {...(Node | string | null | undefined | false)} children @returns {any}
 */
export function make(tag, traits = {}, ...children) {
  const svg = ["svg", "path", "circle", "rect", "line", "text", "g", "title"].includes(tag);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(traits)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child !== null && child !== undefined && child !== false) node.append(child);
  return node;
}

/** @param {string} query @param {ParentNode} [within] @returns {any} */
export function find(query, within = document) { return within.querySelector(query); }

/**
 * Sets a text only if it changed, so that a page that is brought up to date never flickers.
 * @param {Node} node @param {string} text
 */
export function say(node, text) { if (node.textContent !== text) node.textContent = text; }

/**
 * Sets the name that a screen reader says, only if it changed.
 * @param {Element} node @param {string} text
 */
export function name(node, text) { if (node.getAttribute("aria-label") !== text) node.setAttribute("aria-label", text); }

/** @param {Element} node @param {boolean} shown */
export function show(node, shown) { if (node instanceof HTMLElement && node.hidden === shown) node.hidden = !shown; }

/**
 * A key as it is printed on a keyboard.
 * @param {string} name @returns {HTMLElement}
 */
export function cap(name) { return make("kbd", {}, name); }

/**
 * Copies a text, and says so on the button.
 * @param {HTMLButtonElement} button @param {string} text @param {Node} source
 */
export async function copy(button, text, source) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // A page that is not served over https has no clipboard; the text is selected, and the older command copies it.
    getSelection()?.selectAllChildren(source);
    document.execCommand("copy");
  }
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = before; }, 1600);
}

const LATEST = 250;

/**
 * Calls `act` when what was drawn now is on the screen; in a hidden tab, where nothing is drawn, a little later.
 * @param {() => void} act
 */
export function afterPaint(act) {
  let done = false;
  const once = () => { if (!done) { done = true; act(); } };
  // The second frame begins when the first one was handed to the screen.
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(once, 0)));
  setTimeout(once, LATEST);
}

/**
 * Calls `act` at most once for each frame.
 * @param {() => void} act @returns {() => void}
 */
export function eachFrame(act) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; act(); });
  };
}
