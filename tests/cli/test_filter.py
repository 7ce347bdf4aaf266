"""`groundglass filter`: a folder and an expression, as a newcomer types them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "flows"))
from flow_tools import fingerprint_of, groundglass, kill_at, make_photos, run_json

from groundglass import testing
from groundglass.releases.verify import verify_release

RULE = "blockiness < 30 and laplacian_variance > 60"


def kept_in(folder: Path) -> set[str]:
    return {path.name for path in (folder / "images").iterdir()}


def steps_of(said: subprocess.CompletedProcess[str]) -> dict[str, dict[str, object]]:
    assert said.returncode == 0, said.stderr
    return {step["step"]: step for step in json.loads(said.stdout)["steps"]}


def test_what_is_kept_are_the_users_own_files(tmp_path: Path):
    photos = make_photos(tmp_path / "photos", 5)
    (photos / "sub").mkdir()
    (photos / "sub" / "Deep One.JPEG").write_bytes(testing.jpeg(testing.photo(160, 130, 77), quality=98))
    (photos / "renamed.jpg").write_bytes(testing.png(testing.photo(160, 130, 78)))
    before = fingerprint_of(photos)
    done = groundglass(tmp_path, "filter", "photos", RULE, "-o", "kept")
    assert done.returncode == 0, done.stderr
    assert fingerprint_of(photos) == before
    assert "kept" in done.stdout.split("release ")[-1]
    names = kept_in(tmp_path / "kept")
    assert {"00.png", "twice.png", "Deep_One.JPEG", "renamed.png"} <= names
    assert not {"blocky.jpg", "broken.png", "page.jpg"} & names
    assert verify_release(tmp_path / "kept") == []
    for row in pq.read_table(tmp_path / "kept" / "manifest.parquet").to_pylist():
        assert (tmp_path / "kept" / row["file"]).read_bytes() == (photos / row["uri"]).read_bytes()
        assert row["sha256"] == row["source_sha256"]


def test_tiles_are_cut_from_what_was_kept(tmp_path: Path):
    make_photos(tmp_path / "photos", 3)
    done = groundglass(tmp_path, "filter", "photos/", RULE, "--dedupe", "near", "--tile", "64", "--json")
    shown = steps_of(done)
    assert [step["kind"] for step in shown.values()] == [
        "source", "measure", "select", "select", "transform", "release",
    ]  # fmt: skip
    release = tmp_path / "runs" / "photos-filter" / "0001" / "release"
    rows = pq.read_table(release / "manifest.parquet").to_pylist()
    assert len(rows) == 4 * shown["transform-1"]["in"]  # type: ignore[operator]
    assert {(row["width"], row["height"], Path(row["file"]).suffix) for row in rows} == {(64, 64, ".png")}


def test_each_way_to_find_duplicates(tmp_path: Path):
    make_photos(tmp_path / "photos", 3)
    counts = {
        mode: steps_of(groundglass(tmp_path, "filter", "photos", "width > 1", "--dedupe", mode, "--json"))
        for mode in ("exact", "pixels", "near")
    }
    dropped = {mode: steps["select-2"]["dropped"] for mode, steps in counts.items()}
    assert dropped == {"exact": 1, "pixels": 1, "near": 2}  # one twice, and for `near` one mirrored


def test_the_printed_recipe_does_the_same_and_prints_only(tmp_path: Path):
    make_photos(tmp_path / "photos", 4)
    words = ("filter", "photos", RULE, "--dedupe", "exact", "--limit", "6")
    printed = groundglass(tmp_path, *words, "--print-recipe")
    assert printed.returncode == 0
    assert not (tmp_path / "runs").exists()
    (tmp_path / "mine.yaml").write_text(printed.stdout)
    assert len(printed.stdout.splitlines()) <= 10
    filtered = steps_of(groundglass(tmp_path, *words, "--json"))
    recipe = run_json(tmp_path, "mine.yaml")
    assert recipe["folder"] == "runs/photos-filter/0002"
    counts = ("in", "out", "dropped", "failed", "label")
    assert [[step[key] for key in counts] for step in filtered.values()] == [
        [step[key] for key in counts] for step in recipe["steps"]
    ]


def test_another_expression_measures_only_what_is_new(tmp_path: Path):
    make_photos(tmp_path / "photos", 3)
    groundglass(tmp_path, "filter", "photos", "blockiness < 30")
    second = groundglass(tmp_path, "filter", "photos", "blockiness < 5", "--json")
    assert json.loads(second.stdout)["folder"] == "runs/photos-filter/0002"
    measure = steps_of(second)["measure-1"]
    assert measure["cached"] == measure["in"]


def test_a_killed_filter_goes_on(tmp_path: Path):
    make_photos(tmp_path / "photos", 40)
    words = ("filter", "photos", RULE, "--dedupe", "near", "-o", "kept")
    assert kill_at(tmp_path, 20, *words, mark=f"filter-{tmp_path}")
    done = groundglass(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    assert verify_release(tmp_path / "kept") == []
    assert not (tmp_path / "kept" / ".incomplete").exists()


def test_the_same_command_again_finds_its_release_and_writes_nothing(tmp_path: Path):
    make_photos(tmp_path / "photos", 3)
    words = ("filter", "photos", "blockiness < 30", "-o", "kept")
    assert groundglass(tmp_path, *words).returncode == 0
    before = fingerprint_of(tmp_path / "kept")
    assert groundglass(tmp_path, *words).returncode == 0
    assert fingerprint_of(tmp_path / "kept") == before
    (tmp_path / "photos" / "new.png").write_bytes(testing.png(testing.photo(160, 130, 55)))
    again = groundglass(tmp_path, *words)  # the same recipe, but one picture more
    assert again.returncode == 2
    assert "nothing is ever overwritten" in again.stderr
    assert fingerprint_of(tmp_path / "kept") == before


@pytest.mark.parametrize("there", ["of another filter", "of the user", "a file"])
def test_a_folder_that_is_in_use_is_refused_before_anything_is_measured(tmp_path: Path, there: str):
    make_photos(tmp_path / "photos", 3)
    if there == "of another filter":
        assert groundglass(tmp_path, "filter", "photos", "blockiness < 20", "-o", "out").returncode == 0
    elif there == "of the user":
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "mine.txt").write_text("mine")
    else:
        (tmp_path / "out").write_text("mine")
    runs = sorted((tmp_path / "runs").glob("*/*"))
    done = groundglass(tmp_path, "filter", "photos", "blockiness < 30", "-o", "out")
    assert done.returncode == 2
    assert "out" in done.stderr
    assert "→" in done.stderr
    assert sorted((tmp_path / "runs").glob("*/*")) == runs


def test_nothing_is_written_into_the_folder_that_is_read(tmp_path: Path):
    photos = make_photos(tmp_path / "photos", 3)
    inside = groundglass(tmp_path, "filter", "photos", "blockiness < 30", "-o", "photos/kept")
    assert inside.returncode == 2
    assert "inside photos" in inside.stderr
    here = groundglass(photos, "filter", ".", "blockiness < 30")
    assert here.returncode == 2
    assert "--runs ../runs" in here.stderr
    assert groundglass(photos, "filter", ".", "blockiness < 30", "--runs", "../runs").returncode == 0
    assert not (photos / "runs").exists()


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("blokiness < 30", "did you mean 'blockiness'?"),
        ("sharpness > 30", "laplacian_variance, tenengrad, flat_share"),
        ("blockiness", "in quotes"),
        ('format = "JPEG"', "single quotes"),
        ("blockiness < 'a'", "compare like with like"),
        ("blockiness < 30 und width > 3", "cannot be read"),
        ("zzzz > 3", "groundglass measures"),
        ("meta.caption = 'x'", "there is no column 'meta.caption'"),
        ("meta.tag = 'x'", "groundglass measures lists"),
        ("hyperiqa > 0.3", "--print-recipe"),
        ("", "the expression is empty"),
    ],
)
def test_a_wrong_expression_ends_with_2_and_the_way_out(tmp_path: Path, expression: str, said: str):
    (tmp_path / "photos").mkdir()
    done = groundglass(tmp_path, "filter", "photos", expression)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()


def test_the_caret_stands_under_the_wrong_word(tmp_path: Path):
    (tmp_path / "photos").mkdir()
    said = groundglass(tmp_path, "filter", "photos", "width > 64 and blokiness < 30").stderr.splitlines()
    at = said[1].index("blokiness")
    assert said[2].index("^") == at
    assert said[2].count("^") == len("blokiness")


def test_a_condition_that_is_never_true_is_marked_in_what_was_typed(tmp_path: Path):
    (tmp_path / "photos").mkdir()
    said = groundglass(tmp_path, "filter", "photos", "width > 64 and blockiness < 0").stderr.splitlines()
    assert said[0] == "EXPRESSION: `blockiness < 0` is never true here: blockiness is at least 0"
    at = said[1].index("blockiness < 0")
    assert said[2].rstrip() == " " * at + "^" * len("blockiness < 0")


@pytest.mark.parametrize("expression", ["fingerprint < 3", "phas < 3", "phashh < 3", "zzzz > 3"])
def test_columns_that_are_not_for_people_are_not_suggested(tmp_path: Path, expression: str):
    (tmp_path / "photos").mkdir()
    said = groundglass(tmp_path, "filter", "photos", expression).stderr.replace(expression, "")
    assert "phash" not in said.replace("'phashh'", "")
    assert not any(word in said for word in ("root.", "parent."))


@pytest.mark.parametrize("folder", ["nowhere", "file.txt"])
def test_a_folder_that_is_none_ends_with_2(tmp_path: Path, folder: str):
    (tmp_path / "file.txt").write_text("x")
    done = groundglass(tmp_path, "filter", folder, "blockiness < 30")
    assert done.returncode == 2
    assert folder in done.stderr


@pytest.mark.parametrize(
    "name", ['it\'s "odd": {a}, #1 ü', "-dash", "12", "~", "two\nlines", "écran", "日本"]
)
def test_names_of_folders_do_not_matter(tmp_path: Path, name: str):
    folder = tmp_path / name
    folder.mkdir()
    (folder / f"a {name[:4].strip()} b.png").write_bytes(testing.png(testing.photo(96, 80, 1)))
    home = str(tmp_path / "home")  # "./~" is a folder here, not that one
    done = groundglass(tmp_path, "filter", "--json", "--", f"./{name}", "blockiness < 30", HOME=home)
    assert steps_of(done)["release-1"]["out"] == 1
    shown = groundglass(tmp_path, "filter", "--print-recipe", "--", f"./{name}", "blockiness < 30", HOME=home)
    (tmp_path / "mine.yaml").write_text(shown.stdout, encoding="utf-8")
    done = groundglass(tmp_path, "run", "mine.yaml", "--json", HOME=home)
    assert steps_of(done)["release-1"]["out"] == 1


def test_a_name_that_is_no_text_is_said(tmp_path: Path):
    folder = tmp_path / "bad\udcff"
    folder.mkdir()
    done = groundglass(tmp_path, "filter", "bad\udcff", "blockiness < 30")
    assert done.returncode == 2
    assert "bad\\xff is not UTF-8" in done.stderr


def test_columns_of_every_image_need_no_measure(tmp_path: Path):
    make_photos(tmp_path / "photos", 3)
    shown = steps_of(groundglass(tmp_path, "filter", "photos", "width > 1 and uri like '0%'", "--json"))
    assert [step["kind"] for step in shown.values()] == ["source", "select", "release"]
    assert shown["release-1"]["out"] == 3
