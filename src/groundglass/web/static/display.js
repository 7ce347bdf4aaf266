// @ts-check
/** The display check: whether dark and light steps can be seen, and how the browser scales. */
import { make, say } from "./dom.js";

const FIELDS = [
  { name: "dark", asks: "Squares that you see in the dark field", levels: ["d4", "d3", "d2", "d1"] },
  { name: "light", asks: "Squares that you see in the light field", levels: ["l4", "l3", "l2", "l1"] },
];
const RAMP = 11;

/** The steps of the zoom that browsers have. */
const ZOOMS = [0.25, 0.33, 0.5, 0.67, 0.75, 0.8, 0.9, 1.1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4, 5];

/**
 * The browser's own zoom, estimated from the window's outer and inner width, since no browser says it.
 * @returns {number}
 */
export function browserZoom() {
  const ratio = innerWidth ? outerWidth / innerWidth : 1;
  const zoom = ZOOMS.find((step) => Math.abs(ratio / step - 1) < 0.02) ?? 1;
  // A panel next to the page looks like a zoom too; but no system has a display scale below 100 %.
  return devicePixelRatio / zoom < 0.95 ? 1 : zoom;
}

/**
 * The system's display scale, such as 1.5: the device pixel ratio without the browser's zoom.
 * @returns {number}
 */
export function displayScale() { return Math.round((devicePixelRatio / browserZoom()) * 100) / 100; }

/** @returns {{viewport: [number, number], dpr: number, display_scale: number}} */
export function displayNow() {
  return { viewport: [innerWidth, innerHeight], dpr: devicePixelRatio, display_scale: displayScale() };
}

/**
 * The section of the begin page.
 * @returns {{node: HTMLElement, read: () => string}}
 */
export function displayCheck() {
  const scale = make("p", { class: "scale" }), zoomed = make("p", { class: "advice", hidden: true },
    "The browser zooms this page. Press Ctrl+0 (⌘0 on a Mac) to set it back: text and keys then have their intended size. 1:1 is exact at any zoom.");
  const update = () => {
    const { viewport: [width, height], dpr } = displayNow();
    say(scale, `Window ${width} × ${height} · ${Number(dpr.toFixed(2))} screen pixels for each CSS pixel · display scale ${Math.round(displayScale() * 100)} % · browser zoom ${Math.round(browserZoom() * 100)} %`);
    zoomed.hidden = browserZoom() === 1;
  };
  addEventListener("resize", update);
  update();
  const fields = FIELDS.map(field);
  const ramp = make("div", { class: "ramp", role: "img", "aria-label": "A ramp of greys from black to white" },
    ...Array.from({ length: RAMP }, (_, step) => make("i", { class: `g${step}` })));
  const node = make("section", { class: "display" },
    make("h2", {}, "Your screen"),
    make("p", {}, "All steps of the grey ramp should look different. In each field, count the squares that you can see. Dim the room or turn the screen up if there are few; fewer than four is fine, and recorded."),
    ramp, make("div", { class: "fields" }, ...fields.map((one) => one.node)), scale, zoomed);
  return { node, read: () => fields.map((one) => one.read()).join(", ") };
}

/** @param {{name: string, asks: string, levels: string[]}} field */
function field({ name, asks, levels }) {
  const choices = [0, 1, 2, 3, 4].map((count) =>
    make("label", {}, make("input", { type: "radio", name: `read-${name}`, value: count }), make("span", {}, String(count))));
  const node = make("fieldset", {},
    make("legend", {}, asks),
    make("div", { class: `patches ${name}`, "aria-hidden": "true" }, ...levels.map((level) => make("i", { class: level }))),
    make("div", { class: "counts" }, ...choices));
  const read = () => {
    const chosen = node.querySelector("input:checked");
    return `${name} ${chosen ? `${chosen.value} of 4` : "not answered"}`;
  };
  return { node, read };
}
