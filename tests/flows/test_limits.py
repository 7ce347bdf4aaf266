"""What a recipe's `limits` refuse is a row with a reason, and other limits judge a file that is known anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from flow_tools import groundglass, run_json, steps

from groundglass import testing
from stated_files import stated, with_chunks

RECIPE = """
name: limited
limits: {{{limits}}}
steps:
  - source: {{folder: photos, licence: CC0-1.0}}
    name: photos
  - measure: [header]
    name: scores
"""


def photos(folder: Path) -> None:
    folder.mkdir()
    (folder / "sound.png").write_bytes(testing.png(testing.photo(64, 48, 1)))
    (folder / "wide.png").write_bytes(stated(testing.photo(64, 48, 2), "PNG", 12, 13))
    (folder / "bright.png").write_bytes(stated(testing.photo(64, 48, 3), "PNG", 9, 16))
    odd = with_chunks(testing.png(testing.photo(64, 48, 4)), (b"cICP", bytes([99, 13, 0, 1])))
    (folder / "odd.png").write_bytes(odd)
    (folder / "large.png").write_bytes(testing.png(testing.photo(100, 80, 5)))


def run(folder: Path, limits: str) -> dict[str, Any]:
    (folder / "limited.yaml").write_text(RECIPE.format(limits=limits))
    return steps(run_json(folder, "limited.yaml"))["photos"]


def test_unknown_colours_are_kept_or_refused_and_the_store_follows(tmp_path: Path) -> None:
    photos(tmp_path / "photos")
    assert run(tmp_path, "seconds_per_image: 60")["failed"] == 0
    refused = run(tmp_path, "unknown_colour: refuse")
    assert refused["failed"] == 2
    assert refused["reasons"] == {"unsupported": 2}
    told = groundglass(tmp_path, "why", "limited", "bright.png").stdout
    assert "BT.2020 PQ (cICP)" in told
    assert run(tmp_path, "unknown_colour: keep")["failed"] == 0


def test_changed_limits_of_size_judge_anew(tmp_path: Path) -> None:
    photos(tmp_path / "photos")
    assert run(tmp_path, "pixels: 5000")["reasons"] == {"too_large": 1}
    assert run(tmp_path, "pixels: 50000")["failed"] == 0
    assert run(tmp_path, "side: 90")["reasons"] == {"too_large": 1}
    assert run(tmp_path, "side: 90")["cached"] == 5


def test_a_wrong_word_stops_in_plan(tmp_path: Path) -> None:
    photos(tmp_path / "photos")
    (tmp_path / "limited.yaml").write_text(RECIPE.format(limits="unknown_colour: refused"))
    done = groundglass(tmp_path, "plan", "limited.yaml")
    assert done.returncode == 2
    assert "did you mean" in done.stderr
    assert "limited.yaml:3" in done.stderr


def test_names_and_warnings_are_in_the_images_table(tmp_path: Path) -> None:
    photos(tmp_path / "photos")
    run(tmp_path, "side: 900")
    (path,) = tmp_path.glob("runs/limited/0001/images/photos/*.parquet")
    rows = {row["uri"]: (row["icc"], row["warning"]) for row in pq.read_table(path).to_pylist()}
    assert rows["bright.png"] == ("BT.2020 PQ (cICP)", "hdr")
    assert rows["wide.png"] == ("Display P3 (cICP)", None)
    assert rows["odd.png"] == ("primaries 99 (cICP)", "unknown_colour")
    assert rows["sound.png"] == (None, None)
