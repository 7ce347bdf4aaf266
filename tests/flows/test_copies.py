"""Copies in a run: the same pixels in other files, turned and resized ones, and what only looks alike."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from flow_tools import groundglass, run_json, steps, write_recipe

from groundglass.kernel import testing
from shared_data import shared

RECIPE = """
name: small
steps:
  - source: {folder: photos}
  - select: {deduplicate: MODE}
    name: unique
"""


def make_copies(folder: Path) -> None:
    folder.mkdir()
    photo, other = testing.photo(200, 150, 1), testing.photo(200, 150, 2)
    (folder / "a.png").write_bytes(testing.png(photo))
    (folder / "b.bmp").write_bytes(testing.encoded(photo, "BMP"))
    (folder / "c.jpg").write_bytes(testing.jpeg(np.ascontiguousarray(np.rot90(photo)), quality=60))
    (folder / "d.png").write_bytes(testing.png(np.ascontiguousarray(photo[::-1])))
    (folder / "e.png").write_bytes(testing.png(other))
    for name, top in (("sky1.png", 200), ("sky2.png", 190)):
        fall = np.linspace(top, 90, 150)[:, None, None].repeat(200, 1).repeat(3, 2)
        (folder / name).write_bytes(testing.png(fall.astype(np.uint8)))


def dropped(folder: Path, mode: str) -> dict[str, str]:
    """Uri → reason of the photographs that `deduplicate` drops."""
    write_recipe(folder, RECIPE.replace("MODE", mode))
    done = steps(run_json(folder, "small.yaml"))["unique"]
    last = max((folder / "runs" / "small").glob("0*"))
    images = pq.read_table(last / "images")
    uris = dict(zip(images["id"].to_pylist(), images["uri"].to_pylist(), strict=True))
    rows = pq.read_table(last / "selections" / "unique.parquet").to_pylist()
    found = {uris[row["id"]]: row["reason"] for row in rows if not row["kept"]}
    assert done["dropped"] == len(found)
    return found


def test_each_mode_finds_its_copies(tmp_path: Path):
    make_copies(tmp_path / "photos")
    assert dropped(tmp_path, "exact") == {}
    assert [{name[:1] for name in pair} for pair in _pairs(dropped(tmp_path, "pixels"))] == [{"a", "b"}]
    near = dropped(tmp_path, "near")
    assert len(near) == 3
    assert {name[:1] for pair in _pairs(near) for name in pair} == set("abcd")
    assert all(reason.startswith("near duplicate of ") for reason in near.values())


def test_thumbnails_never_replace_their_photographs(tmp_path: Path):
    case = shared("..", "cases", "pictures", "near_duplicates_default")
    write_recipe(tmp_path, RECIPE.replace("MODE", "near").replace("photos", f'"{case}"'))
    (done,) = (step for step in run_json(tmp_path, "small.yaml")["steps"] if step["step"] == "unique")
    assert (done["out"], done["dropped"]) == (6, 6)
    assert done["notes"] == ["near-duplicates left out: 6 smaller"]
    rows = pq.read_table(tmp_path / "runs" / "small" / "0001" / "selections" / "unique.parquet").to_pylist()
    gone = [row["reason"] for row in rows if not row["kept"]]
    assert all("_full.jpg" in reason and "which is larger: 300×300 px" in reason for reason in gone)


def test_the_least_compressed_copy_stays_and_the_funnel_says_so(tmp_path: Path):
    """Saved again and again: under names that come first, with more bytes, halved and brought back."""
    photos = tmp_path / "photos"
    photos.mkdir()
    photo = testing.photo(256, 192, 3)
    half = np.ascontiguousarray(photo[::2, ::2].repeat(2, 0).repeat(2, 1))
    blurred = ((photo.astype(np.uint16) + np.roll(photo, 1, 0) + np.roll(photo, 1, 1)) // 3).astype(np.uint8)
    (photos / "a.jpg").write_bytes(testing.jpeg(photo, quality=50))
    (photos / "b.png").write_bytes(testing.png(blurred))
    (photos / "c.png").write_bytes(testing.png(half[::2, ::2]))
    (photos / "original.jpg").write_bytes(testing.jpeg(photo, quality=97))
    assert set(dropped(tmp_path, "near")) == {"a.jpg", "b.png", "c.png"}
    shown = groundglass(tmp_path, "show", "small").stdout
    said = "near-duplicates left out: 1 smaller, 1 more compressed, 1 with less detail"
    assert said in " ".join(shown.split())


def _pairs(reasons: dict[str, str]) -> list[tuple[str, str]]:
    """Each dropped picture with the one that its reason names."""
    return [(name, re.split(" of | as ", reason)[1].split(" ")[0]) for name, reason in reasons.items()]


def test_a_distance_belongs_to_near_ones(tmp_path: Path):
    make_copies(tmp_path / "photos")
    write_recipe(tmp_path, RECIPE.replace("MODE}", "pixels, distance: 4}"))
    said = groundglass(tmp_path, "plan", "small.yaml")
    assert said.returncode == 2
    assert "`distance` has no meaning with `deduplicate: pixels`" in said.stderr
