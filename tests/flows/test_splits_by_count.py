"""`split` and `hold_out` by counts and by shares, in whole runs: exact counts, photos kept whole, what is told."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from flow_tools import groundglass, make_photos, run_json, steps, write_recipe

RECIPE = """
name: small
steps:
  - source: {folder: photos, licence: CC0-1.0}
  - select: {deduplicate: near}
    name: unique
MORE
  - release: {format: folder, card: false}
    name: release
"""
TILES = "  - transform: {tile: 64}\n    name: tiles\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("split_counts")
    make_photos(folder / "photos", 14)
    return folder


def run(folder: Path, more: str) -> tuple[dict[str, dict[str, object]], list[dict[str, object]]]:
    write_recipe(folder, RECIPE.replace("MORE\n", more))
    done = run_json(folder, "small.yaml")
    return steps(done), pq.read_table(folder / done["folder"] / "release/manifest.parquet").to_pylist()


def splits_of(rows: list[dict[str, object]]) -> dict[str, int]:
    splits = [str(row["split"]) for row in rows]
    return {name: splits.count(name) for name in sorted(set(splits))}


def test_photos_are_split_by_exact_counts(folder: Path):
    found, rows = run(folder, "  - split: {validation: 4, test: 3}\n    name: splits\n")
    assert splits_of(rows) == {"test": 3, "train": 8, "validation": 4}
    assert found["splits"]["label"] == "validation 4, test 3 by photo"
    assert found["splits"]["notes"] == []


def test_tiles_of_a_photo_stay_together_and_what_cannot_be_met_is_told(folder: Path):
    found, rows = run(folder, TILES + "  - split: {validation: 8, test: 7}\n    name: splits\n")
    assert splits_of(rows) == {"test": 4, "train": 48, "validation": 8}  # 4 tiles of each of 15 photos
    sides = {(row["root"], row["split"]) for row in rows}
    assert len(sides) == len({root for root, _ in sides})
    assert found["splits"]["notes"] == [
        "test has 4 of the 7 images that the recipe asks for: groups that stay together do not add up to more"
    ]


def test_a_share_beside_a_count_is_of_the_whole_set(folder: Path):
    _, rows = run(folder, "  - split: {validation: 4, test: 20%}\n    name: splits\n")
    assert splits_of(rows) == {"test": 3, "train": 8, "validation": 4}


def test_three_counts_that_make_the_whole_are_exact_and_others_are_told(folder: Path):
    found, rows = run(folder, "  - split: {train: 9, validation: 4, test: 2}\n    name: splits\n")
    assert splits_of(rows) == {"test": 2, "train": 9, "validation": 4}
    assert found["splits"]["notes"] == []
    found, rows = run(folder, "  - split: {train: 5, validation: 4, test: 2}\n    name: splits\n")
    assert splits_of(rows) == {"test": 2, "train": 9, "validation": 4}
    assert found["splits"]["notes"] == ["train has 9 images, not 5: it takes the rest"]


def test_counts_that_leave_nothing_to_train_on_are_told_in_plan_and_in_the_run(folder: Path):
    more = "  - split: {validation: 12, test: 12}\n    name: splits\n"
    found, rows = run(folder, more)
    assert splits_of(rows) == {"test": 3, "validation": 12}
    assert found["splits"]["notes"] == [
        "test has 3 of the 12 images that the recipe asks for: the set has only 15",
        "train is empty: the other splits take all 15 images",
    ]
    told = groundglass(folder, "plan", "small.yaml").stdout
    assert "validation and test would take 24 images, and there are 15: nothing is left to train on" in told


def test_a_share_is_held_out_of_the_current_set(folder: Path):
    found, rows = run(
        folder, "  - hold_out: {validation: {share: 20%}, test: {share: 0.1}}\n    name: held\n"
    )
    assert found["held"]["held_out"] == 3 + 1  # 20 % of 15, and 10 % of the 12 that are left
    assert splits_of(rows) == {"test": 1, "train": 11, "validation": 3}
    assert found["held"]["label"] == "validation: 20%; test: 10%"


def test_a_share_may_be_the_best_of_the_set(folder: Path):
    more = "  - measure: [sharpness]\n  - hold_out: {test: {share: 20%, by: tenengrad}}\n    name: held\n"
    _, best = run(folder, more)
    _, counted = run(folder, more.replace("share: 20%", "count: 3"))
    held = [{row["root"] for row in rows if row["split"] == "test"} for rows in (best, counted)]
    assert held[0] == held[1]
    assert len(held[0]) == 3
