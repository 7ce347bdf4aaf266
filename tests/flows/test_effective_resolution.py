"""A recipe that shrinks false resolution: what was enlarged is released in its own size, the rest as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from flow_tools import groundglass, run_json, steps, write_recipe
from PIL import Image

from groundglass.degradations.resize import FalseResolution, false_resolution
from groundglass.image.frame import open_frame
from groundglass.testing import flat, png
from shared_data import shared

RECIPE = """
name: true-size
steps:
  - source: {folder: photos, licence: CC0-1.0}
    name: photos
  - transform: {to_effective_resolution: true}
    name: shrunk
  - release: {names: keep}
    name: release
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = sorted(shared("train_photos", "bsds500").glob("*.jpg"))[0]
    folder = tmp_path_factory.mktemp("true-size")
    (folder / "photos").mkdir()
    rgb = np.ascontiguousarray(open_frame(source).rgb[:320, :480])
    enlarged = false_resolution(rgb, FalseResolution(2), np.random.default_rng(0))
    (folder / "photos" / "native.png").write_bytes(png(rgb))
    (folder / "photos" / "enlarged.png").write_bytes(png(enlarged))
    (folder / "photos" / "flat.png").write_bytes(png(flat(200, 100)))
    write_recipe(folder, RECIPE)
    return folder


def test_the_enlarged_picture_comes_out_half_as_large_and_the_others_unchanged(work: Path) -> None:
    result = run_json(work, "small.yaml")
    found = steps(result)["shrunk"]
    assert (found["in"], found["out"], found["failed"]) == (3, 3, 0)
    run = work / "runs" / "true-size" / "0001"
    derived = {row["uri"]: row for row in pq.read_table(run / "derived" / "shrunk.parquet").to_pylist()}
    assert derived["native.png"]["region"] == derived["flat.png"]["region"] == ""
    assert derived["enlarged.png"]["region"].startswith("resize(")
    sizes: dict[str, tuple[int, int]] = {}
    for path in (run / "release").rglob("*.png"):
        with Image.open(path) as image:
            sizes[path.stem] = image.size
    assert sizes["native"] == (480, 320)
    assert sizes["flat"] == (200, 100)
    assert sizes["enlarged_s001"] == (240, 160)


def test_the_plan_says_what_it_cannot_know(work: Path) -> None:
    planned = groundglass(work, "plan", "small.yaml")
    assert planned.returncode == 0, planned.stderr
    assert "to effective resolution" in planned.stdout


def test_a_kernel_that_cannot_make_any_size_is_refused_beforehand(work: Path) -> None:
    refused = groundglass(work, "plan", "small.yaml", "--set", "steps.shrunk.transform.kernel=box")
    assert refused.returncode == 2
    assert "`kernel` cannot be 'box'" in refused.stderr
