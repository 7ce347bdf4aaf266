"""Odd, broken and hostile files through a run and through `measure`: every one ends as a row."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
from flow_tools import ENVIRONMENT, command, groundglass, run_json, steps, write_recipe

from groundglass.errors import REASONS
from shared_data import shared

RECIPE = """
name: small
steps:
  - source: {{folder: {folder}, licence: CC0-1.0}}
    name: photos
  - measure: [header, blockiness, sharpness, complexity, fingerprint]
    name: scores
  - transform: {{tile: 64, edges: shift}}
  - select: {{top_k: 40, by: root.tenengrad}}
  - release: {{format: paired, lr_scales: [2]}}
"""


def test_torture_through_a_run(tmp_path: Path):
    folder = shared("torture")
    files = [path for path in folder.rglob("*") if path.is_file()]
    write_recipe(tmp_path, RECIPE.format(folder=folder))
    found = steps(run_json(tmp_path, "small.yaml"))
    assert found["photos"]["in"] == len(files)
    images = pq.read_table(tmp_path / "runs/small/0001/images/photos/part-0.parquet").to_pylist()
    assert sorted(row["uri"] for row in images) == sorted(str(path.relative_to(folder)) for path in files)
    assert {row["error"] for row in images if row["error"]} <= REASONS.keys()
    assert set(found["scores"]["reasons"]) <= REASONS.keys()
    bombs = {row["uri"]: row["error"] for row in images if "bomb" in row["uri"] or "17000" in row["uri"]}
    assert set(bombs.values()) <= {"too_large", "corrupt", "truncated", "unsupported", "not_an_image", None}
    by_name = {Path(row["uri"]).name: row for row in images}
    assert by_name["junk_jpeg_header.jpg"]["error"] is None
    assert by_name["ukbench09380.png"]["format"] == "JPEG"  # content counts, not the name


def test_torture_through_measure(tmp_path: Path):
    files = sorted(str(path) for path in shared("torture").rglob("*") if path.is_file())
    done = groundglass(tmp_path, "measure", "header,blockiness", "--json", "--", *files)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [row["uri"] for row in rows] == files
    assert all(row["error"] or row["width"] for row in rows)


def test_damaged_scan_data_is_an_error_and_odd_headers_are_none(tmp_path: Path):
    folder = shared("torture", "pillow")
    names = [
        "broken_data_stream.png",
        "truncated_image.png",
        "truncated_jpeg.jpg",  # lacks the last byte of its end marker, and nothing of the picture
        "junk_jpeg_header.jpg",
        "invalid-exif.jpg",
    ]
    done = groundglass(tmp_path, "measure", "sharpness", "--json", *[str(folder / name) for name in names])
    errors = [row["error"] for row in json.loads(done.stdout)]
    assert all(errors[:2])
    assert errors[2:] == [None, None, None]


@pytest.mark.long
def test_a_worker_stays_under_600_mb_on_24_megapixels(tmp_path: Path):
    write_recipe(tmp_path, RECIPE.format(folder=shared("large_4k")))
    process = subprocess.Popen(
        command("run", "small.yaml", "--workers", "2"),
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
    )
    peak = 0
    while process.poll() is None:
        for child in psutil.Process(process.pid).children(recursive=True):
            try:
                peak = max(peak, child.memory_info().rss)
            except psutil.Error:
                continue
        time.sleep(0.02)
    assert process.returncode == 0
    sys.stderr.write(f"peak of a worker: {peak / 1e6:.0f} MB\n")
    assert peak < 600e6
