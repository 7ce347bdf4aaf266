"""`groundglass fingerprint` and `decontaminate` in a run: found, told, judged on photographs, and known again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from flow_tools import fingerprint_of, groundglass, run_json, steps, write_recipe

from groundglass import testing

RECIPE = """
name: small
steps:
  - source: {folder: photos, licence: CC0-1.0}
  - select: {decontaminate: AGAINST}
    name: clean
"""
AFTER_TILES = RECIPE.replace("  - select", "  - transform: {tile: 100}\n  - select")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six photographs, two of which show one of three test images."""
    photos, tests = tmp_path / "photos", tmp_path / "my tests"
    photos.mkdir()
    tests.mkdir()
    for seed in range(3):
        (tests / f"{seed}.png").write_bytes(testing.png(testing.photo(300, 240, seed)))
    (tests / "notes.txt").write_text("no picture")
    for seed in range(10, 13):
        (photos / f"{seed}.png").write_bytes(testing.png(testing.photo(300, 240, seed)))
    part = np.ascontiguousarray(testing.photo(300, 240, 1)[20:220, 20:270])
    larger = testing.photo(600, 480, 20)
    larger[60:300, 100:400] = testing.photo(300, 240, 2)
    (photos / "part.jpg").write_bytes(testing.jpeg(part, 60))
    (photos / "larger.jpg").write_bytes(testing.jpeg(larger, 80))
    (photos / "cut.png").write_bytes(testing.png(testing.photo(300, 240, 30))[:20_000])
    return tmp_path


def fingerprinted(folder: Path) -> None:
    said = groundglass(folder, "fingerprint", "my tests", "-o", "mine.fingerprints", "--name", "mine")
    assert said.returncode == 0, said.stderr
    assert "3 test images of mine" in said.stdout


def verdicts(folder: Path, run: str = "0001") -> dict[str, str | None]:
    found = folder / "runs/small" / run
    images = pq.read_table(next((found / "images").glob("*/part-0.parquet"))).to_pylist()
    names = {row["id"]: row["uri"] for row in images}
    judged = pq.read_table(found / "selections/clean.parquet").to_pylist()
    return {names[row["id"]]: row["reason"] for row in judged}


def test_photographs_that_show_a_test_image_are_dropped_with_its_name(folder: Path) -> None:
    before = fingerprint_of(folder / "my tests")
    fingerprinted(folder)
    write_recipe(folder, RECIPE.replace("AGAINST", "[all, mine.fingerprints]"))
    result = steps(run_json(folder, "small.yaml"))["clean"]
    said = verdicts(folder)
    assert (result["in"], result["out"], result["dropped"], result["failed"]) == (6, 3, 2, 1)
    assert str(said["part.jpg"]).startswith("is part of mine/1.png (")
    assert str(said["larger.jpg"]).startswith("contains mine/2.png (")
    assert said["cut.png"] == "truncated"
    assert {said[f"{seed}.png"] for seed in range(10, 13)} == {None}
    assert set(result["reasons"]) == {"is part of mine/1.png", "contains mine/2.png", "truncated"}
    assert {**fingerprint_of(folder / "my tests")} == before


def test_tiles_are_judged_on_their_photograph(folder: Path) -> None:
    fingerprinted(folder)
    write_recipe(folder, AFTER_TILES.replace("AGAINST", "mine.fingerprints"))
    result = steps(run_json(folder, "small.yaml"))["clean"]
    assert (result["in"], result["out"]) == (3 * 6 + 4 + 24 + 6, 3 * 6)
    assert (result["dropped"], result["failed"]) == (4 + 24, 6)


def test_what_is_known_is_not_sought_again_and_plan_says_the_same(folder: Path) -> None:
    fingerprinted(folder)
    write_recipe(folder, RECIPE.replace("AGAINST", "mine.fingerprints"))
    run_json(folder, "small.yaml")
    (folder / "mine.fingerprints").rename(folder / "renamed")
    write_recipe(folder, RECIPE.replace("AGAINST", "renamed"))
    planned = json.loads(groundglass(folder, "plan", "small.yaml", "--json").stdout)
    assert planned["steps"][-1]["exact"]
    assert steps(run_json(folder, "small.yaml"))["clean"]["out"] == 3


def test_nothing_is_overwritten_and_a_folder_without_pictures_is_refused(folder: Path) -> None:
    fingerprinted(folder)
    again = groundglass(folder, "fingerprint", "my tests", "-o", "mine.fingerprints")
    assert again.returncode == 2
    assert "nothing is overwritten" in again.stderr
    (folder / "empty").mkdir()
    (folder / "empty/notes.txt").write_text("no picture")
    none = groundglass(folder, "fingerprint", "empty", "-o", "other")
    assert none.returncode == 2
    assert "holds no image" in none.stderr
    assert not (folder / "other").exists()


@pytest.mark.parametrize(
    ("against", "said"),
    [
        ("Set41", "Did you mean 'Set14'?"),
        ("[Set5, gone.fingerprints]", "there is no test set 'gone.fingerprints', and no such file"),
        ("small.yaml", "cannot read the fingerprints"),
    ],
)
def test_a_wrong_word_is_pointed_at(folder: Path, against: str, said: str) -> None:
    write_recipe(folder, RECIPE.replace("AGAINST", against))
    done = groundglass(folder, "plan", "small.yaml")
    assert done.returncode == 2
    assert said in done.stderr
    assert "small.yaml:5:" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_measure_step_may_ask_for_leaks(folder: Path) -> None:
    fingerprinted(folder)
    text = RECIPE.split("  - select")[0] + "  - measure: [{leaks: {against: mine.fingerprints}}]\n"
    write_recipe(folder, text + "  - select: {where: \"leak_relation <> 'inside'\"}\n")
    assert steps(run_json(folder, "small.yaml"))["select-1"]["dropped"] >= 1
