"""What a run is told by: hashes nowhere, numbers that add up, lines of 80 columns, and names that are nearly right."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from flow_tools import groundglass, run_json, steps, write_recipe

from groundglass import testing
from groundglass.plans.run_folder import RunFolder
from groundglass.reports.compare import compare_runs
from groundglass.reports.compare_facts import pair_facts
from groundglass.reports.read_run import read_facts

RECIPE = """
name: told
steps:
  - source: {folder: photos, licence: CC0-1.0}
    name: photos
  - measure: [header, blockiness, sharpness, fingerprint, pixels]
    name: scores
  - select: {where: "blockiness < 30 and root.width > 120"}
    name: good
  - select: {deduplicate: near}
    name: unique
  - transform: {tile: 64}
    name: tiles
  - release: {format: folder, scores: true}
    name: release
"""

HIDDEN = ("phash", "pixels_sha256")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good, blocky, narrow, and blocky and narrow pictures, in folders below the source's."""
    folder = tmp_path_factory.mktemp("told")
    photos = folder / "photos" / "2024" / "a long name of a folder that a camera or a person might well give"
    photos.mkdir(parents=True)
    for seed in range(6):
        (photos / f"good_{seed}.png").write_bytes(testing.png(testing.photo(160, 130, seed)))
    for seed in range(3):
        (photos / f"blocky_{seed}.jpg").write_bytes(
            testing.jpeg(testing.photo(160, 130, 20 + seed), quality=15)
        )
    for seed in range(2):
        photo = testing.photo(100, 90, 30 + seed)
        (photos / f"narrow_{seed}.png").write_bytes(testing.png(photo))
        (photos / f"both_{seed}.jpg").write_bytes(testing.jpeg(photo, quality=15))
    (folder / "photos" / "good_0.png").write_bytes(testing.png(testing.photo(160, 130, 77)))
    (photos / "broken.png").write_bytes((photos / "good_1.png").read_bytes()[:9000])
    write_recipe(folder, RECIPE)
    run_json(folder, "small.yaml")
    return folder


@pytest.fixture(scope="module")
def run(work: Path) -> RunFolder:
    return RunFolder(work / "runs" / "told" / "0001")


def told(work: Path, *words: str) -> str:
    done = groundglass(work, *words, COLUMNS="80")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_hashes_are_measured_and_shown_nowhere(work: Path, run: RunFolder):
    names = {column["name"] for column in json.loads(run.record.read_text())["columns"]}
    assert {"phash", "phash_detail", "pixels_sha256"} <= names, "the run has them"
    shown = [
        told(work, "why", "told", "good_2.png"),
        told(work, "why", "told", "good_2.png", "--json"),
        told(work, "show", "told"),
        told(work, "plan", "small.yaml"),
        told(work, "measures", "fingerprint"),
        told(work, "measures", "pixels"),
        (run.report / "index.html").read_text(),
        (run.report / "data.js").read_text(),
        " ".join(pq.read_schema(run.path / "release" / "manifest.parquet").names),
        *(path.read_text() for path in run.path.glob("release/*.csv")),
        *(path.read_text() for path in run.path.glob("release/*.md")),
    ]
    for text in shown:
        assert not any(word in text for word in HIDDEN), text
    facts = read_facts(run)
    assert not any(name.startswith(HIDDEN) for name in (*facts.columns, *facts.said))
    pair = pair_facts(compare_runs(run, run))
    assert not any(name.startswith(HIDDEN) for name in pair.b.columns)


def test_a_hash_that_is_asked_for_by_name_is_answered(work: Path):
    photo = next((work / "photos").rglob("good_2.png"))
    row = json.loads(told(work, "measure", "fingerprint", str(photo), "--json"))[0]
    assert isinstance(row["phash"], int)


def test_reasons_add_up_to_the_rows_that_left(work: Path):
    found = steps(json.loads(told(work, "show", "told", "--json")))
    good = found["good"]
    assert good["reasons"] == {
        "blockiness, limit 30": 3,
        "blockiness, limit 30; root.width, limit 120": 2,
        "root.width, limit 120": 2,
    }
    assert good["dropped"] == 7
    for step in found.values():
        assert sum(step["reasons"].values()) == step["dropped"] + step["failed"], step


@pytest.mark.parametrize("command", [("show", "told"), ("plan", "small.yaml"), ("why", "told", "both_1.jpg")])
def test_every_line_fits_in_80_columns(work: Path, command: tuple[str, ...]):
    lines = told(work, *command).splitlines()
    assert len(lines) > 8
    for line in lines:
        assert len(line) <= 80 or line.lstrip().startswith(("2024/", "released as", "next")), line


def test_why_names_both_conditions_that_failed(work: Path):
    said = " ".join(told(work, "why", "told", "both_1.jpg").split())
    assert "dropped at good: blockiness" in said
    assert ", limit 30; root.width 100, limit 120" in said


def test_the_mere_name_of_a_file_is_enough_where_one_image_has_it(work: Path):
    story = json.loads(told(work, "why", "told", "good_3.png", "--json"))
    assert story["uri"].endswith("/good_3.png")
    tile = json.loads(told(work, "why", "told", "good_3.png#crop(0,0,64,64)", "--json"))
    assert (tile["uri"], tile["region"]) == (story["uri"], "crop(0,0,64,64)")
    broken = json.loads(told(work, "why", "told", "broken.png", "--json"))
    assert broken["fate"] == "failed"


def test_where_several_images_have_the_name_they_are_listed(tmp_path: Path, work: Path):
    # exact: the path below the source's folder is just this
    assert json.loads(told(work, "why", "told", "good_0.png", "--json"))["uri"] == "good_0.png"
    for place in ("a", "b"):
        (tmp_path / "photos" / place).mkdir(parents=True)
        (tmp_path / "photos" / place / "same.png").write_bytes(
            testing.png(testing.photo(160, 130, ord(place)))
        )
    write_recipe(tmp_path, "name: two\nsteps:\n  - source: {folder: photos}\n  - measure: [header]\n")
    run_json(tmp_path, "small.yaml")
    done = groundglass(tmp_path, "why", "two", "same.png")
    assert done.returncode == 2
    assert "2 images are called 'same.png': a/same.png (id " in done.stderr
    assert "; b/same.png (id " in done.stderr


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("why", "told", "god_3.png"), "good_3.png'?"),
        (("why", "tolt", "good_3.png"), "Did you mean 'told'?"),
        (("show", "tod"), "Did you mean 'told'?"),
        (("show", "runs/told/0009"), "Did you mean 'runs/told/0001'?"),
        (("report", "toldd"), "Did you mean 'told'?"),
        (("run", "smal.yaml"), "small.yaml"),
    ],
)
def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(
    work: Path, words: tuple[str, ...], meant: str
):
    done = groundglass(work, *words)
    assert done.returncode == 2
    assert meant in done.stderr


def test_the_report_says_what_percentages_are_of(run: RunFolder):
    page = (run.report / "index.html").read_text()
    assert "Each image counts once" in page
    assert "21.4 % of 14" in page
    assert "blockiness, limit 30 and root.width, limit 120" in page
