"""`naturalness` by a reference of the user's own: fitted by a command, or by a recipe, once."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from flow_tools import fingerprint_of, groundglass, run_json, steps, write_recipe

from groundglass import testing
from groundglass.measures.naturalness.model import PICTURES
from groundglass.measures.naturalness.naturalness import PROFILED
from groundglass.measures.naturalness.profile import load_natural
from groundglass.plans.naturalness_reference import naturalness_ask

RECIPE = """
name: small
steps:
  - source: {folder: photos, licence: CC0-1.0}
  - measure: [{naturalness: {reference: REFERENCE}}]
    name: measured
  - select: {top_k: 2, by: naturalness}
    name: best
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clean pictures, one twice and files that are none, and photographs to measure."""
    folder = tmp_path_factory.mktemp("pictures")
    for place in ("clean/more", "photos"):
        (folder / place).mkdir(parents=True)
    for seed in range(24):
        where = "clean/more" if seed % 2 else "clean"
        (folder / where / f"{seed}.bmp").write_bytes(testing.encoded(testing.photo(388, 292, seed), "BMP"))
    shutil.copy(folder / "clean/0.bmp", folder / "clean/again.bmp")
    (folder / "clean/small.png").write_bytes(testing.png(testing.photo(191, 191)))
    (folder / "clean/flat.png").write_bytes(testing.png(testing.flat(300, 300)))
    (folder / "clean/notes.txt").write_text("no picture")
    for seed in range(30, 33):
        (folder / f"photos/{seed}.png").write_bytes(testing.png(testing.photo(300, 200, seed)))
    (folder / "photos/small.png").write_bytes(testing.png(testing.photo(100, 100)))
    return folder


@pytest.fixture
def folder(pictures: Path, tmp_path: Path) -> Path:
    shutil.copytree(pictures, tmp_path / "all")
    return tmp_path / "all"


def values(folder: Path) -> dict[str, float | None]:
    """naturalness by content, of the one reference that was measured by."""
    found = [
        path
        for path in (folder / "runs/small/store/measures").iterdir()
        if path.name.startswith("naturalness")
    ]
    assert len(found) == 1
    rows = [row for part in found[0].glob("part-*.parquet") for row in pq.read_table(part).to_pylist()]
    return {row["sha256"]: row["naturalness"] for row in rows}


def fit(folder: Path, *more: str) -> dict[str, object]:
    done = groundglass(folder, "fit-naturalness", "clean", "-o", "mine.json", "--json", *more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_folder_and_the_file_fitted_to_it_are_the_same_reference(folder: Path):
    before = fingerprint_of(folder / "clean")
    made = fit(folder)
    assert (made["pictures"], made["name"]) == (24, "clean")
    assert load_natural(folder / "mine.json", PROFILED).made_from == "24 photos of clean"
    write_recipe(folder, RECIPE.replace("REFERENCE", "mine.json"))
    run_json(folder, "small.yaml")
    by_file = values(folder)
    shutil.rmtree(folder / "runs")
    write_recipe(folder, RECIPE.replace("REFERENCE", "clean"))
    result = steps(run_json(folder, "small.yaml"))
    assert values(folder) == by_file
    assert sorted(value is None for value in by_file.values()) == [False, False, False, True]
    assert (result["best"]["out"], result["measured"]["failed"]) == (2, 0)
    assert fingerprint_of(folder / "clean") == before


def test_a_folder_is_fitted_once_and_known_by_its_content(folder: Path):
    write_recipe(folder, RECIPE.replace("REFERENCE", "clean"))
    assert steps(run_json(folder, "small.yaml"))["measured"]["cached"] == 0
    fitted = list((folder / "runs/small/store/naturalness").iterdir())
    assert len(fitted) == 1
    made = fitted[0].stat().st_mtime_ns
    lock = (folder / "runs/small/0001/recipe.lock").read_text()
    os.utime(folder / "clean/0.bmp")
    (folder / "clean/1").mkdir()
    shutil.move(folder / "clean/2.bmp", folder / "clean/1/two.bmp")
    again = steps(run_json(folder, "small.yaml"))["measured"]
    assert again["cached"] == again["in"]
    assert (fitted[0].stat().st_mtime_ns, (folder / "runs/small/0001/recipe.lock").read_text()) == (
        made,
        lock,
    )
    (folder / "clean/4.bmp").write_bytes(testing.encoded(testing.photo(388, 292, 99), "BMP"))
    assert steps(run_json(folder, "small.yaml"))["measured"]["cached"] == 0
    assert len(list((folder / "runs/small/store/naturalness").iterdir())) == 2


def test_the_key_is_that_of_the_content(folder: Path):
    fit(folder)
    shutil.copy(folder / "mine.json", folder / "other.json")
    keys = {naturalness_ask(str(folder / name)).key for name in ("mine.json", "other.json")}
    assert len(keys) == 1
    assert naturalness_ask("").key not in keys
    shutil.copytree(folder / "clean", folder / "copied")
    assert naturalness_ask(str(folder / "clean")).key == naturalness_ask(str(folder / "copied")).key
    (folder / "copied/again.bmp").write_bytes(b"")
    assert naturalness_ask(str(folder / "clean")).key != naturalness_ask(str(folder / "copied")).key


def test_an_audit_measures_by_the_same_reference(folder: Path):
    text = RECIPE.replace("REFERENCE", "clean").replace(
        "{top_k: 2, by: naturalness}", '{where: "naturalness < 100"}'
    )
    write_recipe(folder, text)
    run_json(folder, "small.yaml")
    done = groundglass(folder, "audit", "small", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["false_alarm"] == 0, "sound versions have a value below 100"


def plan_error(folder: Path, reference: str) -> str:
    write_recipe(folder, RECIPE.replace("REFERENCE", reference))
    done = groundglass(folder, "plan", "small.yaml")
    assert done.returncode == 2, done.stdout
    assert "small.yaml:5:" in done.stderr
    return done.stderr


def test_references_that_cannot_be_used_stop_in_plan(folder: Path):
    assert "cannot read the naturalness profile" in plan_error(folder, "none.json")
    (folder / "some.json").write_text("{}")
    assert "is not a naturalness profile" in plan_error(folder, "some.json")
    said = plan_error(folder, "photos")
    assert "has 4 files, too few for a reference" in said
    assert f"{PICTURES} clean photos or more" in said
    fit(folder)
    plain = json.loads((folder / "mine.json").read_text())
    (folder / "old.json").write_text(json.dumps({**plain, "measure": "naturalness-0"}))
    assert "this version measures naturalness-1" in plan_error(folder, "old.json")


def test_a_folder_with_too_few_pictures_is_refused_with_the_reason(folder: Path):
    for seed in range(6):
        (folder / f"clean/{2 * seed}.bmp").write_text(f"no picture {seed}")
    write_recipe(folder, RECIPE.replace("REFERENCE", "clean"))
    done = groundglass(folder, "run", "small.yaml")
    assert done.returncode == 2, done.stderr
    assert "images with" in done.stderr
    assert "are too few for a reference" in done.stderr
    made = groundglass(folder, "fit-naturalness", "clean", "-o", "mine.json")
    assert made.returncode == 2
    assert not (folder / "mine.json").exists()


def test_the_command_overwrites_nothing(folder: Path):
    (folder / "mine.json").write_text("mine")
    done = groundglass(folder, "fit-naturalness", "clean", "-o", "mine.json")
    assert (done.returncode, (folder / "mine.json").read_text()) == (2, "mine")
    assert "nothing is overwritten" in done.stderr
    assert "no folder" in groundglass(folder, "fit-naturalness", "none", "-o", "new.json").stderr


def test_without_a_reference_the_working_folder_is_not_one(folder: Path):
    """A path of "" is the working folder, which here holds enough clean images to be fitted."""
    without = RECIPE.replace("{naturalness: {reference: REFERENCE}}", "naturalness")
    write_recipe(folder, without)
    run_json(folder, "small.yaml")
    measured = values(folder)
    listed = json.loads(groundglass(folder, "measure", "naturalness", "photos/30.png", "--json").stdout)
    sha256 = hashlib.sha256((folder / "photos/30.png").read_bytes()).hexdigest()
    assert measured[sha256] == listed[0]["naturalness"]
