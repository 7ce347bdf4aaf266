"""People's votes as results: lists, a rating set to publish, and ground truth for the gates of a run."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="needs the extra studies")

from flow_tools import groundglass, picture, run_json

from groundglass.studies.open_study import open_study
from vote_tools import vote_all

RECIPE = """
name: rated
steps:
  - source: {table: photos.csv, path: file}
    name: photos
  - measure: [sharpness]
  - select: {where: "tenengrad > THRESHOLD"}
    name: sharp
"""


def table_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of twelve photos by two generators, three of each prompt, rated by four people; the gate drops some."""
    place = tmp_path_factory.mktemp("ratings")
    (place / "photos").mkdir()
    rows = ["file,generator,prompt"]
    for number in range(12):
        name = f"photos/{number:02d}.png"
        (place / name).write_bytes(picture(96, 64, number))
        rows.append(f"{name},{'ab'[number % 2]},prompt {number // 3}")
    (place / "photos.csv").write_text("\n".join(rows) + "\n")
    (place / "recipe.yaml").write_text(RECIPE.replace("THRESHOLD", "1"))
    assert run_json(place, "recipe.yaml")["number"] == 1
    (place / "rate.yaml").write_text("protocol: acr\nvotes: 4\ncontent: meta.prompt\nchecks: {training: 0}\n")
    study = open_study(place / "runs/rated/0001", str(place / "rate.yaml"))
    with study.store:
        vote_all(
            study,
            4,
            lambda rater, _trial, rows: (
                1
                if rows["single"]["damaged"]
                else min(5, 1 + (int(Path(rows["single"]["name"]).stem) + int(rater[1:])) % 6)
            ),
        )
    return place


def test_a_rating_set_is_whole_and_its_splits_keep_prompts_together(made):
    done = groundglass(
        made, "study", "release", "rated", "rate", "-o", "ratings", "--stratify", "meta.generator",
        "--val", "0.25", "--test", "0.25", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    folder = made / "ratings"
    checked = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
    listed = {line.split("  ")[1] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    assert (
        listed | {"SHA256SUMS"}
        == {path.name for path in folder.iterdir()}
        == set(json.loads(done.stdout)["files"])
    )
    scores = table_of(folder / "scores.csv")
    assert len(scores) == 12
    splits = {}
    for row in scores:
        splits.setdefault(row["content"], set()).add(row["split"])
    assert all(len(found) == 1 for found in splits.values())
    assert len({row["split"] for row in scores}) > 1
    recipe = json.loads((made / "runs/rated/0001/recipe.lock").read_text())["recipe_sha256"]
    assert {row["recipe"] for row in scores} == {recipe}
    votes = table_of(folder / "votes.csv")
    assert next(iter(votes[0])) == "vote_id"
    meta = table_of(folder / "meta_info_rate.csv")
    assert list(meta[0])[:2] == ["img_name", "mos"]
    by_name = {row["name"]: row for row in scores}
    assert all(row["split"] == by_name[row["img_name"]]["split"] for row in meta)
    assert all(abs(float(row["mos"]) - float(by_name[row["img_name"]]["score"])) < 1e-4 for row in meta)
    assert "4 raters" in (folder / "README.md").read_text()


def test_nothing_is_written_into_a_folder_with_files(made):
    (made / "full").mkdir()
    (made / "full" / "mine.txt").write_text("mine")
    done = groundglass(made, "study", "release", "rated", "rate", "-o", "full")
    assert done.returncode == 2
    assert [path.name for path in (made / "full").iterdir()] == ["mine.txt"]


def test_an_unknown_column_to_stratify_by_is_refused_with_the_nearest(made):
    done = groundglass(
        made, "study", "release", "rated", "rate", "-o", "other", "--stratify", "meta.generatr"
    )
    assert done.returncode == 2
    assert "meta.generator" in done.stderr
    assert not (made / "other").exists()


def test_an_export_of_the_command_is_scored_by_the_command(made):
    assert (
        groundglass(made, "study", "export", "rated", "rate", "-o", "v.csv", "--scores", "s.csv").returncode
        == 0
    )
    scored = json.loads(groundglass(made, "study", "scores", "v.csv", "--json").stdout)
    assert {row["item"]: round(row["score"], 9) for row in scored["items"]} == {
        row["row"]: round(float(row["score"]), 9) for row in table_of(made / "s.csv")
    }
    refused = groundglass(made, "study", "export", "rated", "rate", "--keep", "k.txt")
    assert (refused.returncode, "has scores, not verdicts" in refused.stderr) == (2, True)
    assert groundglass(made, "study", "export", "rated", "rate").returncode == 2


def test_people_are_the_ground_truth_of_gates(made, tmp_path):
    """The review of what a gate dropped gives its precision; a study before the gate gives both numbers."""
    shutil.copytree(made / "photos", tmp_path / "photos")
    shutil.copy(made / "photos.csv", tmp_path)
    text = (
        RECIPE.replace("THRESHOLD", "1").replace(
            '  - select: {where: "tenengrad > 1"}\n    name: sharp\n', ""
        )
        + "  - study: {protocol: accept, votes: 1, checks: {training: 0}}\n    name: eyes\n"
        + '  - select: {where: "tenengrad > 100"}\n    name: sharp\n'
        + "  - release: {image: png, allow_unknown_licence: true}\n"
    )
    (tmp_path / "recipe.yaml").write_text(text)
    assert groundglass(tmp_path, "run", "recipe.yaml").returncode == 4
    study = open_study(tmp_path / "runs/rated/0001", "eyes")
    with study.store:
        vote_all(
            study,
            1,
            lambda _rater, _trial, rows: (
                "drop" if rows["single"]["damaged"] or int(Path(rows["single"]["name"]).stem) < 4 else "keep"
            ),
        )
    run_json(tmp_path, "recipe.yaml")
    found = json.loads(groundglass(tmp_path, "audit", "rated", "--study", "eyes", "--json").stdout)
    verdicts = open_verdicts(tmp_path)
    (gate,) = found["gates"]
    dropped = {name for name, kept in verdicts.items() if not kept}
    bad = {f"photos/{number:02d}.png" for number in range(4)}
    assert (gate["judged"], gate["bad"], gate["dropped"]) == (12, 4, len(dropped))
    assert gate["both"] == len(dropped & bad)
    assert gate["recall"] == gate["both"] / 4
    assert gate["false_alarm"] == len(dropped - bad) / 8
    page = (tmp_path / found["report"]).read_text()
    assert "The gates and people" in page
    assert "12 images with a verdict of people, 4 of them bad" in page
    assert 'href="audit.html"' in (tmp_path / found["report"]).with_name("index.html").read_text()
    card = (tmp_path / "runs/rated/0001/release/README.md").read_text()
    assert "Step eyes (protocol accept): 12 votes of 1 rater on 12 images." in card
    row = f"| sharp | 12 | {100 * gate['recall']:.0f} % ("
    assert row in card
    printed = groundglass(tmp_path, "audit", "rated", "--study", "eyes", COLUMNS="80")
    assert "sharp" in printed.stdout
    exported = groundglass(
        tmp_path, "study", "export", "rated", "eyes", "--drop", "drop.txt", "--keep", "keep.txt"
    )
    assert exported.returncode == 0, exported.stderr
    again = RECIPE.replace('select: {where: "tenengrad > THRESHOLD"}', "select: {drop: drop.txt}")
    (tmp_path / "again.yaml").write_text(again.replace("name: rated", "name: again"))
    assert run_json(tmp_path, "again.yaml")["steps"][-1]["out"] == 8


def open_verdicts(place: Path) -> dict[str, bool]:
    import groundglass as gg

    table = gg.open_run(place / "runs/rated/0001").verdicts("sharp")
    return dict(zip(table["uri"].to_pylist(), table["kept"].to_pylist(), strict=True))
