"""`pair` and `pair_fidelity` in a recipe: columns of made images, and the refusals of a plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from flow_tools import groundglass, run_json, steps

import groundglass as gg
from groundglass import testing

SOURCE = "name: pairs\nsteps:\n  - source: {folder: photos, licence: CC0-1.0}\n"
DEGRADE = (
    "  - transform:\n      scale: 2\n      degrade:\n        - gaussian_blur: {sigma: [0.5, 1.0]}\n"
    "        - resize_by: {factor: 0.5, kernel: area, of: photo}\n"
)


def scene(seed: int) -> Any:
    random = np.random.default_rng(seed)
    planes = sum(cv2.GaussianBlur(random.normal(0, 40 * s, (256, 256, 3)), (0, 0), s) for s in (1, 2, 5, 12))
    return np.clip(planes + 128, 0, 255).astype(np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for seed in range(3):
        (tmp_path / "photos" / f"{seed}.png").write_bytes(testing.png(scene(seed)))
    return tmp_path


def write(folder: Path, text: str) -> str:
    (folder / "pairs.yaml").write_text(SOURCE + text)
    return "pairs.yaml"


def plan(folder: Path, text: str) -> str:
    """What a plan that is refused says."""
    done = groundglass(folder, "plan", write(folder, text))
    assert done.returncode == 2
    return " ".join(done.stderr.split())


@pytest.mark.parametrize("measure", ["pair", "pair_fidelity"])
@pytest.mark.parametrize("before", ["", f"{DEGRADE}  - transform: {{tile: 64}}\n"])
def test_a_measure_of_pairs_without_pairs_stops_in_plan(folder: Path, measure: str, before: str):
    said = plan(folder, f"{before}  - measure: [{measure}]\n")
    line = 4 + before.count("\n")
    assert f"pairs.yaml:{line}:15: {measure} compares an image that a step made" in said
    assert f"put {measure} right after such a step" in said


def test_a_filter_of_a_folder_says_where_pairs_are_compared(folder: Path):
    done = groundglass(folder, "filter", "photos", "psnr_y > 30")
    assert done.returncode == 2
    assert "psnr_y compares an image that a step of a recipe made" in " ".join(done.stderr.split())
    assert "groundglass check-pairs LQ_FOLDER HQ_FOLDER" in done.stderr


def test_pairs_are_selected_by_their_verdict_their_values_and_the_gain(folder: Path):
    where = (
        "pair_verdict = 'accepted' and hallucinated_share < .02 and colour_cast < 4 and psnr_y < 60 "
        "and tenengrad - parent.tenengrad > 0"
    )
    text = (
        f"  - measure: [sharpness]\n{DEGRADE}  - measure: [pair, pair_fidelity, sharpness]\n"
        f'  - select: {{where: "{where}"}}\n'
    )
    found = steps(run_json(folder, write(folder, text)))
    assert (found["measure-2"]["failed"], found["select-1"]["out"]) == (0, 3)
    rows = gg.open_run(folder / "runs" / "pairs" / "0001").rows("select-1").to_pylist()
    assert {row["pair_verdict"] for row in rows} == {"accepted"}
    assert all(row["shift"] < 0.3 and row["ms_ssim"] > 0.5 for row in rows)


def test_the_gain_of_a_measure_is_a_difference_to_the_parent(folder: Path):
    """An image of half the size has more gradient a pixel than its origin: the opposite drops every one."""
    text = (
        f"  - measure: [sharpness]\n{DEGRADE}  - measure: [sharpness]\n"
        '  - select: {where: "tenengrad - parent.tenengrad < 0"}\n'
    )
    done = groundglass(folder, "run", write(folder, text), "--json")
    assert done.returncode == 4
    assert steps(json.loads(done.stdout))["select-1"]["dropped"] == 3


def test_images_that_an_if_left_unmade_have_no_value_and_stay(folder: Path):
    (folder / "photos" / "small.png").write_bytes(testing.png(scene(9)[:128, :128]))
    text = f"{DEGRADE}    if: width > 200\n  - measure: [pair]\n"
    found = steps(run_json(folder, write(folder, text)))
    assert (found["measure-1"]["out"], found["measure-1"]["failed"]) == (4, 0)
    rows = gg.open_run(folder / "runs" / "pairs" / "0001").rows("measure-1").to_pylist()
    assert sorted(str(row["pair_verdict"]) for row in rows) == ["None", "accepted", "accepted", "accepted"]
    assert [row["error"] for row in rows if row["pair_verdict"] is None] == ["pair: no_pair"]
