// @ts-check
"use strict";

/** Makes elements. Text is always set as text, so that nothing from a file name can become markup. */
const Dom = (() => {
  /**
   * @param {string} tag @param {Record<string, any>} [traits] attributes; `on…` are listeners
   * @param {...(Node | string | null | undefined | false)} children @returns {any}
   */
  function make(tag, traits = {}, ...children) {
    const svg = tag === "svg" || tag === "path";
    const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(traits)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value !== undefined && value !== false) node.setAttribute(name, String(value));
    }
    for (const child of children) if (child) node.append(child);
    return node;
  }

  /** @param {string} query @param {ParentNode} [within] @returns {any} */
  function find(query, within = document) { return within.querySelector(query); }

  /** @param {string} query @param {ParentNode} [within] @returns {any[]} */
  function all(query, within = document) { return [...within.querySelectorAll(query)]; }

  /** Copies the code next to a button and says so. @param {HTMLElement} button */
  async function copy(button) {
    const code = find("code", /** @type {any} */ (button.parentElement));
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      // A page from disk may have no clipboard; then the text is selected, so that the user can copy it by keys.
      getSelection()?.selectAllChildren(code);
      document.execCommand("copy");
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1600);
  }

  /** Calls `act` at most once per frame. @param {() => void} act @returns {() => void} */
  function eachFrame(act) {
    let asked = false;
    return () => {
      if (asked) return;
      asked = true;
      requestAnimationFrame(() => { asked = false; act(); });
    };
  }

  return { make, find, all, copy, eachFrame };
})();
