"""A page on which people pick images by eye: a grid, keys, and the line to copy into the recipe. One file."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from groundglass.errors import ImageError
from groundglass.files.atomic import write_text
from groundglass.files.locators import read_listed
from groundglass.image import encode
from groundglass.image.frame import open_frame
from groundglass.image.header import ImageLimits
from groundglass.plans.run_folder import load_record
from groundglass.plans.run_tables import read_tables
from groundglass.reports.assets import parts_of
from groundglass.reports.fill import fill
from groundglass.reports.page_data import safe_json
from groundglass.runs.pick_candidates import Candidates

SIDE = 640
"""The longer side of an image on the page, px."""
THREADS = 4
MOST = 1_000
"""More candidates than anybody looks at; the page shows the best of them."""


def write_pick_page(candidates: Candidates, path: Path) -> int:
    """Write the page; returns the number of images on it. An image that cannot be opened is shown by its name."""
    tables = read_tables(candidates.run, load_record(candidates.run))
    files = {row["id"]: row for row in tables.images.select(["id", "path", "bytes", "mtime_ns"]).to_pylist()}
    roots = dict(zip(tables.rows["id"].to_pylist(), tables.rows["root"].to_pylist(), strict=True))
    rows = candidates.rows.slice(0, MOST).select(["id", "uri", "sha256", "region"]).to_pylist()
    with ThreadPoolExecutor(THREADS) as pool:
        shown = list(pool.map(lambda row: _view(row, files[roots[row["id"]]]), rows))
    data = {
        "images": [
            {
                "id": row["id"],
                "name": row["uri"] + (f"#{row['region']}" if row["region"] else ""),
                "src": view,
            }
            for row, view in zip(rows, shown, strict=True)
        ],
        "wanted": candidates.wanted,
        "picked": [row["id"] for row in rows if {row["id"], row["uri"]} & set(candidates.picked)],
    }
    text = f"const PICK = {safe_json(data)};"
    parts = parts_of(("tokens.css", "pick.css"), ("pick.js",), text)
    about = {"step": candidates.step, "split": candidates.split, "run": str(candidates.run.path)}
    write_text(fill("pick.html.j2", {"parts": parts, "count": len(rows), **about}), path)
    return len(rows)


def _view(row: Mapping[str, Any], file: Mapping[str, Any]) -> str:
    """A JPEG of an image as a data URI; "" if the file is not the one that the run read."""
    try:
        data = read_listed(file["path"], file["bytes"], file["mtime_ns"], row["sha256"])
        small = encode.thumbnail(open_frame(data, ImageLimits()).at(row["region"]).rgb, SIDE, 85)
    except ImageError:
        return ""
    return f"data:image/jpeg;base64,{base64.b64encode(small).decode()}"
