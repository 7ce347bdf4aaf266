"""A recipe from images to a benchmark, a rating set and a challenge: the steps `benchmark` and `release` of ratings."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("sqlalchemy", reason="needs the extra studies")

from flow_tools import groundglass, picture, run_json

from groundglass.benchmarks.result_folder import BENCHMARK, read_benchmarks
from groundglass.studies.challenge_set import hidden_rows, public_files
from groundglass.studies.open_study import open_study
from groundglass.studies.rating_set import RatingSet, rating_set_of_run
from vote_tools import vote_all

IMAGES = 36
SOURCE = """
name: rated
steps:
  - source: {table: photos.csv, path: file, licence: CC0-1.0}
    name: photos
  - measure: [sharpness, noise, naturalness]
"""
STUDY = """
  - study: {protocol: slider, dimensions: [quality, alignment], votes: 5, content: meta.prompt, checks: {training: 0}}
    name: rating
"""
REST = """
  - split: {validation: 25%, test: 30%, stratify: meta.generator, group: meta.prompt}
  - benchmark: {iqa: all, strata: [meta.generator], bootstrap: 60}
    name: models
  - benchmark: {iqa: [noise.noise_sigma], mos: rating.alignment, split: test, bootstrap: 0, higher: [noise.noise_sigma]}
    name: tested
    if: "meta.generator = 'a'"
  - benchmark: {iqa: [tenengrad], bootstrap: 20}
    name: nobody
    if: "meta.generator = 'z'"
  - release: {format: ratings, study: rating, licence: CC-BY-4.0}
    name: tables
  - release: {format: ratings, images: true}
    name: whole
  - release: {format: challenge, images: true}
    name: contest
  - release: {format: folder}
    name: plain
"""


def table_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def vote(place: Path, raters: int, run: str = "0001") -> None:
    def answer(rater: str, _trial: Any, rows: dict[str, Any]) -> dict[str, float]:
        row = rows["single"]
        number = int(Path(row["name"]).stem)
        off = float(np.random.default_rng([number, int(rater[1:])]).normal(0, 6))
        quality = 2.0 if row["damaged"] else float(np.clip(90 - 9 * (number % 8) + off, 0, 100))
        return {"quality": quality, "alignment": float(np.clip(20 + number + off, 0, 100))}

    study = open_study(place / "runs/rated" / run, "rating")
    with study.store:
        vote_all(study, raters, answer)


def make_photos(place: Path) -> None:
    (place / "photos").mkdir()
    rows = ["file,generator,prompt"]
    for number in range(IMAGES):
        name = f"photos/{number:02d}.png"
        (place / name).write_bytes(picture(96, 64, number))
        rows.append(f"{name},{'abc'[number % 3]},prompt {number // 3}")
    (place / "photos.csv").write_text("\n".join(rows) + "\n")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of 36 images by three generators, rated by five people."""
    place = tmp_path_factory.mktemp("recipe")
    make_photos(place)
    (place / "recipe.yaml").write_text(SOURCE + STUDY + REST)
    assert groundglass(place, "run", "recipe.yaml").returncode == 4
    vote(place, 5)
    # naturalness has no value of such small images, which the run says at its end
    assert groundglass(place, "run", "recipe.yaml").returncode in (0, 4)
    return place


def strata_of(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Strata with their scores by name: the command lists scores as asked, the step as measured."""
    return [row | {"scores": sorted(row["scores"], key=lambda one: one["score"])} for row in rows]


def run_of(place: Path) -> Path:
    return place / "runs/rated/0001"


def facts_of(place: Path, step: str) -> dict[str, Any]:
    shown = json.loads(groundglass(place, "show", "rated", "--json").stdout)
    return next(one for one in shown["steps"] if one["step"] == step)


def test_the_step_and_the_command_give_the_same_numbers(made: Path):
    step = facts_of(made, "models")["facts"]["benchmark"]
    said = groundglass(
        made, "benchmark", "iqa", "rated", "--score", *(row["score"] for row in step["scores"]), "--mos", step["mos"],
        "--content", "meta.prompt", "--strata", "meta.generator", "--bootstrap", "60", "--json",
    )  # fmt: skip
    found = json.loads(said.stdout)
    assert (step["mos"], step["images"], step["contents"]) == ("rating.quality", IMAGES, IMAGES // 3)
    by_score = {row["score"]: row for row in found["scores"]}
    for row in step["scores"]:
        other = by_score[row["score"]]
        assert {name: other[name] for name in row} == row
    kept = read_benchmarks(run_of(made))["models"]
    assert kept is not None
    assert strata_of([dict(row) for row in kept.found.strata]) == strata_of(found["strata"])
    assert kept.found.ceiling["raters"] == 5


def test_images_that_a_measure_fails_on_are_counted_with_their_reason(made: Path):
    step = facts_of(made, "models")
    failed = {row["score"]: row["failed"] for row in step["facts"]["benchmark"]["scores"]}
    assert (failed["naturalness"], failed["tenengrad"]) == (IMAGES, 0)
    assert f"{IMAGES} images failed in naturalness (too_small {IMAGES})" in step["notes"]
    assert (step["in"], step["out"]) == (IMAGES, IMAGES)


def test_if_split_and_another_dimension_choose_what_is_compared(made: Path):
    found = facts_of(made, "tested")["facts"]["benchmark"]
    splits = {row["row"]: row["split"] for row in table_of(run_of(made) / "release/scores.csv")}
    images = pq.read_table(run_of(made) / BENCHMARK / "tested/images.parquet")
    numbers = [int(Path(name).stem) for name in images["name"].to_pylist()]
    assert {number % 3 for number in numbers} == {0}
    assert {splits[row] for row in images["row"].to_pylist()} == {"test"}
    assert (found["mos"], found["images"]) == ("rating.alignment", images.num_rows)
    assert [row["better"] for row in found["scores"]] == ["higher"]


def test_too_few_rated_images_are_a_note(made: Path):
    step = facts_of(made, "nobody")
    assert step["notes"][0].startswith("nothing is compared: 0 images with a MOS")
    assert step["facts"]["benchmark"]["scores"] == []


def test_the_report_and_the_card_show_it(made: Path):
    report = run_of(made) / "report"
    page = (report / "index.html").read_text()
    assert 'href="benchmark-models.html"' in page
    assert "noise_sigma" in (report / "benchmark-models.html").read_text()
    assert "data:image/jpeg;base64," in (report / "benchmark-models.html").read_text()
    card = (run_of(made) / "release-plain/README.md").read_text()
    assert "## Benchmark of measures" in card
    assert "| noise_sigma |" in card
    one = groundglass(made, "report", "rated", "--single-file", "-o", "one.html")
    assert one.returncode == 0, one.stderr
    assert "benchmark-models.html" not in (made / "one.html").read_text()


def test_a_rating_set_takes_the_splits_of_the_recipe(made: Path):
    folder = run_of(made) / "release"
    checked = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
    steps = {
        row["id"]: row["split"] for row in pq.read_table(run_of(made) / "splits/split-1.parquet").to_pylist()
    }
    scores = table_of(folder / "scores.csv")
    assert {row["row"]: {"val": "validation"}.get(row["split"], row["split"]) for row in scores} == steps
    by_prompt: dict[str, set[str]] = {}
    for row in scores:
        by_prompt.setdefault(row["content"], set()).add(row["split"])
    assert all(len(found) == 1 for found in by_prompt.values())
    assert len(table_of(folder / "votes.csv")) >= 5 * IMAGES
    said = groundglass(
        made, "study", "release", "rated", "rating", "-o", "by-command", "--licence", "CC-BY-4.0"
    )
    assert said.returncode == 0, said.stderr
    for name in ("scores.csv", "votes.csv", "meta_info_rating.csv", "README.md", "SHA256SUMS"):
        assert (made / "by-command" / name).read_bytes() == (folder / name).read_bytes(), name
    again = groundglass(
        made, "study", "release", "rated", "rating", "-o", "by-command", "--licence", "CC-BY-4.0"
    )
    assert again.returncode == 0, again.stderr


def test_a_changed_file_of_a_set_is_never_overwritten(made: Path):
    words = ("study", "release", "rated", "rating", "-o", "changed")
    assert groundglass(made, *words).returncode == 0
    (made / "changed/scores.csv").write_text("mine")
    refused = groundglass(made, *words)
    assert (refused.returncode, "nothing is ever overwritten" in refused.stderr) == (2, True)
    assert (made / "changed/scores.csv").read_text() == "mine"


def test_pyiqa_reads_the_table_of_a_set_with_images(made: Path):
    """The rules of pyiqa's `BaseIQADataset` and `GeneralNRDataset` (0.1.16): column 0 is the path below the root,
    column 1 the MOS, and `split_index: split` keeps the rows whose split is the phase."""
    folder = run_of(made) / "release-whole"
    rows = list(csv.reader((folder / "meta_info_rating.csv").read_text().splitlines()))
    split = rows[0].index("split")
    assert [name for name in rows[0] if "split" in name] == ["split"]
    assert {row[split] for row in rows[1:]} == {"train", "val", "test"}
    assert all((folder / row[0]).is_file() and 0 <= float(row[1]) <= 100 for row in rows[1:])
    assert len(rows) == IMAGES + 1
    source = {path.read_bytes() for path in (made / "photos").iterdir()}
    assert {(folder / row[0]).read_bytes() for row in rows[1:]} == source


def test_an_interrupted_run_writes_the_same_bytes(made: Path, tmp_path: Path):
    place = tmp_path / "copy"
    shutil.copytree(made, place, symlinks=True)
    run = run_of(place)
    before = {path: path.read_bytes() for path in run.glob("release*/**/*") if path.is_file()}
    record = run / "run.json"
    record.write_text(record.read_text().replace('"state": "done"', '"state": "interrupted"'))
    for folder in ("release", "release-contest/public"):
        shutil.rmtree(run / folder)
    groundglass(place, "run", "recipe.yaml")
    after = {path: path.read_bytes() for path in run.glob("release*/**/*") if path.is_file()}
    assert after.keys() == before.keys()
    assert [path for path in after if after[path] != before[path]] == []


def test_the_public_part_of_a_challenge_shows_no_hidden_score(made: Path):
    public, hidden = (run_of(made) / "release-contest" / part for part in ("public", "hidden"))
    assert {path.name for path in hidden.iterdir()} == {
        "validation.csv", "test.csv", "recipe.yaml", "README.md", "SHA256SUMS",
    }  # fmt: skip
    names: dict[str, list[str]] = {}
    for part in ("validation", "test"):
        shown, kept = table_of(public / f"{part}.csv"), table_of(hidden / f"{part}.csv")
        assert list(shown[0]) == ["name"]
        names[part] = [row["name"] for row in shown]
        assert names[part] == sorted(names[part]) == [row["name"] for row in kept]
        assert all((public / name).is_file() for name in names[part])
    assert {path.stat().st_mtime for path in (public, *public.rglob("*"))} == {946_684_800}
    columns = pq.read_table(public / "manifest.parquet").column_names
    assert not [name for name in columns if "rating" in name or name.startswith("meta.")]
    assert not (public / "recipe.yaml").exists()
    assert not list(public.rglob("votes*"))
    card = (public / "README.md").read_text()
    assert "The score to predict is quality." in card
    assert "`mos` is quality, and `alignment`" in card
    assert "licence" in next(line for line in card.splitlines() if "`manifest.parquet`" in line)


@pytest.fixture(scope="module")
def rated(made: Path) -> RatingSet:
    return rating_set_of_run(open_study(run_of(made), "rating"))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_public_files_are_the_same_whatever_the_hidden_scores_are(rated: RatingSet, seed: int):
    """Not a byte of the public part depends on a hidden score, its interval, or its votes."""
    random = np.random.default_rng(seed)

    def other(item: Any) -> Any:
        if rated.splits[item.row] == "train":
            return item
        value = float(random.uniform(0, 100))
        ends = (value - 1, value + 1)
        return replace(
            item,
            score=value,
            ci95=ends,
            votes=int(random.integers(1, 99)),
            more=dict.fromkeys(item.more, (value, ends)),
        )

    changed = replace(rated, results=replace(rated.results, items=tuple(map(other, rated.results.items))))
    assert hidden_rows(changed, "test") != hidden_rows(rated, "test")
    assert public_files(changed, None) == public_files(rated, None)


def test_a_challenge_ranks_what_teams_send(made: Path):
    contest = run_of(made) / "release-contest"
    teams = made / "teams"
    teams.mkdir()
    kept = {row["name"]: float(row["mos"]) for row in table_of(contest / "hidden/test.csv")}
    listed = [row["name"] for row in table_of(contest / "public/test.csv")]
    for team, sign in (("good", 1), ("bad", -1)):
        lines = [f"{name},{sign * kept[name] + place % 2}" for place, name in enumerate(listed)]
        (teams / f"{team}.csv").write_text("name,score\n" + "\n".join(lines) + "\n")
    said = groundglass(
        made, "benchmark", "iqa", "--submissions", "teams", "--hidden", str(contest / "hidden/test.csv"),
        "--content", "content", "--bootstrap", "50", "--json",
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert [row["team"] for row in json.loads(said.stdout)["ranking"]] == ["good", "bad"]
    other = groundglass(made, "study", "release", "rated", "rating", "-o", "game", "--challenge")
    assert other.returncode == 0, other.stderr
    assert "--hidden game/hidden/test.csv" in other.stdout
    assert [row["mos"] for row in table_of(made / "game/hidden/test.csv")] == [
        row["mos"] for row in table_of(contest / "hidden/test.csv")
    ]


WRONG = {
    "benchmark: {iqa: [tenengrat]}": "tenengrad",
    "benchmark: {iqa: [sharpness.tenengrat]}": "sharpness.tenengrad",
    "benchmark: {iqa: [noise]}": "its column is noise_sigma|noise_sigma",
    "benchmark: {iqa: [width]}": "say which: lower: [width], or higher: [width]",
    "benchmark: {iqa: [meta.generator]}": "not numbers",
    "benchmark: {iqa: [tenengrad], lower: [noise_sigma]}": "is not in `iqa`",
    "benchmark: {iqa: all, mos: noise_sigma}": "of opinions higher is",
    "benchmark: {iqa: all, mos: rating.qualty}": "rating.quality",
    "benchmark: {iqa: [tenengrad], mos: tenengrad}": "cannot be compared with itself",
    "benchmark: {iqa: all, split: test}": "add a `split` step",
    "benchmark: {iqa: all, strata: [meta.generatr]}": "meta.generator",
    "benchmark: {networks: [swinir]}": "later version",
    "release: {format: ratings, study: ratin}": "rating",
    "release: {format: ratings, stratify: meta.generatr}": "meta.generator",
    "release: {format: ratings, lr_scales: [2]}": "LR versions",
    "release: {format: challenge, test: 0%}": "hides the scores of the split test",
}


@pytest.mark.parametrize("step", WRONG)
def test_plan_refuses_with_line_and_the_nearest_word(made: Path, step: str):
    (made / "wrong.yaml").write_text(f"{SOURCE}{STUDY}  - {step}\n")
    refused = groundglass(made, "plan", "wrong.yaml")
    assert refused.returncode == 2, refused.stdout
    line = len(f"{SOURCE}{STUDY}".splitlines()) + 1
    assert f"wrong.yaml:{line}:" in refused.stderr
    assert any(word in refused.stderr for word in WRONG[step].split("|")), refused.stderr


def test_plan_refuses_a_second_split_and_opinions_that_nobody_gave(made: Path):
    split = "  - split: {test: 30%}\n"
    (made / "wrong.yaml").write_text(f"{SOURCE}{STUDY}{split}  - release: {{format: ratings, test: 20%}}\n")
    assert "a step before this one makes the splits" in groundglass(made, "plan", "wrong.yaml").stderr
    for step, said in (
        ("benchmark: {iqa: all}", "no opinions of people before"),
        ("release: {format: ratings}", "has ratings to put into"),
    ):
        (made / "wrong.yaml").write_text(f"{SOURCE}  - {step}\n")
        refused = groundglass(made, "plan", "wrong.yaml")
        assert (refused.returncode, said in refused.stderr.replace("there are ", "")) == (2, True), (
            refused.stderr
        )


def test_images_that_the_recipe_drops_after_the_rating_are_not_in_the_set(made: Path, tmp_path: Path):
    place = tmp_path / "copy"
    shutil.copytree(made, place, symlinks=True)
    gate = '  - select: {study: rating, where: "quality > 50"}\n'
    (place / "recipe.yaml").write_text(f"{SOURCE}{STUDY}{gate}  - release: {{format: ratings, to: out}}\n")
    groundglass(place, "run", "recipe.yaml")
    scores = table_of(place / "out/scores.csv")
    assert 0 < len(scores) < IMAGES
    assert all(float(row["quality"]) > 50 for row in scores)
    assert "not part of the set" in (place / "out/README.md").read_text()
    assert len({row["item"] for row in table_of(place / "out/votes.csv")}) == IMAGES
    before = {path.name: path.read_bytes() for path in (place / "out").iterdir()}
    # The same recipe again finds its own set; a set that somebody changed stays as it is.
    assert "nothing is ever overwritten" not in groundglass(place, "run", "recipe.yaml").stderr
    assert {path.name: path.read_bytes() for path in (place / "out").iterdir()} == before
    (place / "out/votes.csv").write_text("mine")
    assert "nothing is ever overwritten" in groundglass(place, "run", "recipe.yaml").stderr
    assert (place / "out/votes.csv").read_text() == "mine"


def test_a_table_of_opinions_needs_no_study(tmp_path: Path):
    make_photos(tmp_path)
    lines = [f"photos/{number:02d}.png,{number % 8}" for number in range(IMAGES - 4)]
    (tmp_path / "mos.csv").write_text("uri,mos\n" + "\n".join(lines) + "\n")
    text = SOURCE.replace("naturalness]", "{table: mos.csv, key: uri}]")
    (tmp_path / "recipe.yaml").write_text(
        f"{text}  - benchmark: {{iqa: [tenengrad], mos: mos, bootstrap: 30}}\n"
    )
    step = run_json(tmp_path, "recipe.yaml")["steps"][-1]
    assert step["facts"]["benchmark"]["images"] == IMAGES - 4
    assert "4 images have no MOS and do not count" in step["notes"]
