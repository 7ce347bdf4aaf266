"""A page on which people pick images by eye: a grid, keys, and the line to copy into the recipe. One file."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from groundglass.errors import ImageError
from groundglass.files.atomic import write_text
from groundglass.image import encode
from groundglass.reports.assets import parts_of
from groundglass.reports.fill import fill
from groundglass.reports.page_data import safe_json
from groundglass.runs.pick_candidates import Candidates, ListedCandidate, chosen, listed

SIDE = 640
"""The longer side of an image on the page, px."""
THREADS = 4


def write_pick_page(candidates: Candidates, path: Path) -> int:
    """Write the page; returns the number of images on it. An image that cannot be opened is shown by its name."""
    among = listed(candidates)
    with ThreadPoolExecutor(THREADS) as pool:
        shown = list(pool.map(_view, among))
    data = {
        "images": [
            {"id": one.id, "name": one.name, "src": view} for one, view in zip(among, shown, strict=True)
        ],
        "wanted": candidates.wanted,
        "picked": chosen(candidates, among),
    }
    text = f"const PICK = {safe_json(data)};"
    parts = parts_of(("tokens.css", "pick.css"), ("pick.js",), text)
    about = {"step": candidates.step, "split": candidates.split, "run": str(candidates.run.path)}
    write_text(fill("pick.html.j2", {"parts": parts, "count": len(among), **about}), path)
    return len(among)


def _view(one: ListedCandidate) -> str:
    """A JPEG of an image as a data URI; "" if the file is not the one that the run read."""
    try:
        small = encode.thumbnail(one.pixels(), SIDE, 85)
    except ImageError:
        return ""
    return f"data:image/jpeg;base64,{base64.b64encode(small).decode()}"
