// A grid of candidates; the picked ones are written as the list that a recipe takes.
"use strict";

const picked = new Set(PICK.picked);
const grid = document.getElementById("grid");
const tiles = PICK.images.map((image) => tileOf(image));

function tileOf(image) {
  const tile = document.createElement("div");
  tile.className = image.src ? "tile" : "tile gone";
  tile.setAttribute("role", "option");
  tile.setAttribute("aria-label", image.name);
  tile.title = image.name;
  tile.tabIndex = -1;
  if (image.src) {
    const shown = document.createElement("img");
    shown.src = image.src;
    shown.alt = image.name;
    tile.append(shown);
  } else {
    tile.textContent = image.name;
  }
  tile.addEventListener("click", () => { tile.focus(); toggle(image.id); });
  grid.append(tile);
  return tile;
}

function toggle(id) {
  if (!picked.delete(id)) picked.add(id);
  show();
}

function show() {
  PICK.images.forEach((image, at) => tiles[at].setAttribute("aria-selected", String(picked.has(image.id))));
  const ids = PICK.images.filter((image) => picked.has(image.id)).map((image) => `"${image.id}"`);
  const of = PICK.wanted === null ? `${PICK.images.length}` : `${PICK.wanted} wanted`;
  document.getElementById("count").textContent = `${ids.length} picked, ${of}`;
  document.getElementById("line").textContent = ids.length ? `pick: [${ids.join(", ")}]` : "pick: …";
  document.getElementById("copy").disabled = !ids.length;
}

function columns() {
  const top = tiles[0].offsetTop;
  const next = tiles.findIndex((tile) => tile.offsetTop !== top);
  return next < 0 ? tiles.length : next;
}

const large = document.getElementById("large");

document.addEventListener("keydown", (event) => {
  if (!tiles.length || event.ctrlKey || event.metaKey || event.altKey) return;
  const at = Math.max(0, tiles.indexOf(document.activeElement));
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(), ArrowUp: -columns() };
  if (event.key in steps) {
    tiles[Math.min(tiles.length - 1, Math.max(0, at + steps[event.key]))].focus();
  } else if (event.key === " " && document.activeElement !== document.getElementById("copy")) {
    toggle(PICK.images[at].id);
  } else if (event.key.toLowerCase() === "z") {
    if (large.open) large.close();
    else if (PICK.images[at].src) { large.firstElementChild.src = PICK.images[at].src; large.showModal(); }
  } else {
    return;
  }
  event.preventDefault();
});

document.getElementById("copy").addEventListener("click", async () => {
  const line = document.getElementById("line");
  try {
    await navigator.clipboard.writeText(line.textContent);
    document.getElementById("copy").textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(line);  // a page from disk may not write to the clipboard: it is selected instead
  }
});

show();
if (tiles.length) tiles[0].focus();
document.documentElement.dataset.ready = "1";
