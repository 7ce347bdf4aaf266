"""Exit codes: `plan` refuses what cannot be; what came to nothing is said in the last line, and the code is not 0."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from flow_tools import groundglass, groundglass_process, make_photos, write_recipe

HEAD = "name: small\nsteps:\n  - source: {folder: photos, licence: CC0-1.0}\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outcomes")
    make_photos(folder / "photos", 3)
    return folder


def recipe(folder: Path, *steps: str) -> None:
    write_recipe(folder, HEAD + "".join(f"  - {step}\n" for step in steps))


MEASURE = "measure: [header, blockiness]"
RELEASE = "release: {format: folder}"


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("blockiness < 0", "`blockiness < 0` is never true here: blockiness is at least 0"),
        ("blockiness = -1", "`blockiness = -1` is never true here: blockiness is at least 0"),
        ("0 > blockiness", "is never true here: blockiness is at least 0"),
        ("flat_share > 1", "`flat_share > 1` is never true here: flat_share is from 0 to 1"),
        ("flat_share between 2 and 3", "is never true here: flat_share is from 0 to 1"),
        ("width < 1", "`width < 1` is never true here: width is at least 1"),
        (
            "blockiness > 20 and width > 9 and blockiness < 20",
            "`blockiness < 20` is never true here: blockiness is above 20",
        ),
    ],
)
def test_plan_refuses_a_condition_that_no_value_can_meet(folder: Path, condition: str, said: str):
    recipe(folder, "measure: [header, blockiness, sharpness]", f'select: {{where: "{condition}"}}')
    done = groundglass(folder, "plan", "small.yaml")
    assert done.returncode == 2
    assert "small.yaml:5:" in done.stderr
    assert said in done.stderr


@pytest.mark.parametrize(
    "condition",
    [
        "blockiness <= 0",
        "flat_share >= 1",
        "blockiness > 20 or blockiness < 0",
        "blockiness + 1 < 0.5",
        "blockiness != 0",
    ],
)
def test_plan_takes_a_condition_that_some_value_may_meet(folder: Path, condition: str):
    recipe(folder, "measure: [header, blockiness, sharpness]", f'select: {{where: "{condition}"}}')
    assert groundglass(folder, "plan", "small.yaml").returncode == 0


def test_a_condition_that_no_value_can_meet_may_stand_beside_an_if(folder: Path):
    """It drops what the `if` holds for, and no other image."""
    recipe(folder, MEASURE, 'select: {where: "blockiness < 0"}\n    if: "width > 9000"')
    assert groundglass(folder, "plan", "small.yaml").returncode == 0


def test_a_run_that_releases_nothing_says_so_last_and_then_plan_knows_it(folder: Path):
    recipe(folder, MEASURE, 'select: {where: "blockiness > 2000"}', RELEASE)
    done = groundglass(folder, "run", "small.yaml", "--json")
    assert done.returncode == 4
    steps = json.loads(done.stdout)["steps"]
    left = steps[2]["in"]
    last = done.stderr.strip().splitlines()[-1]
    assert last == (
        "the run is done, but nothing was released: "
        f"the last {left} left at select-1, blockiness > 2000 ({left} dropped)"
    )
    done = groundglass(folder, "plan", "small.yaml")
    assert done.returncode == 2
    assert f"nothing would be released: select-1, blockiness > 2000, drops all {left} images" in done.stderr


def test_a_run_without_a_release_that_keeps_no_image(folder: Path):
    recipe(folder, MEASURE, 'select: {where: "blockiness > 2000"}')
    done = groundglass(folder, "run", "small.yaml", "--runs", "others")
    assert done.returncode == 4
    assert "no image is left" in done.stderr.strip().splitlines()[-1]


def test_a_measure_without_any_value_shows_in_the_funnel_and_in_the_exit_code(folder: Path):
    recipe(folder, "transform: {tile: 16}", "measure: [blockiness, naturalness]")
    done = groundglass(folder, "run", "small.yaml", "--runs", "small tiles")
    assert done.returncode == 4
    last = done.stderr.strip().splitlines()[-1]
    assert "at measure-1 blockiness has no value on any of" in last
    assert "naturalness has no value on any of" in last
    assert "(too_small " in last
    assert "naturalness has no value" in " ".join(done.stdout.split())


def test_each_of_two_measures_without_any_value_is_named_also_where_a_selection_follows(folder: Path):
    """One measure with two settings: in the line of the step, in its notes, in `show` and in the last line."""
    own = "{blockiness: {as: c_, search_phases: true}}"
    twice = f"measure: [sharpness, {{naturalness: {{as: a_}}}}, {{blockiness: {{as: b_}}}}, {own}]"
    recipe(folder, "transform: {tile: 16}", twice, 'select: {where: "tenengrad >= 0"}', RELEASE)
    done = groundglass(folder, "run", "small.yaml", "--runs", "named")
    assert done.returncode == 4
    shown = groundglass(folder, "show", "small", "--runs", "named")
    assert shown.returncode == 0
    for name in ("naturalness as a_", "blockiness as b_", "blockiness as c_"):
        assert f"at measure-1 {name} has no value on any of" in done.stderr.strip().splitlines()[-1]
        for told in (done.stdout, shown.stdout):
            words = " ".join(told.split())
            assert f"measure-1: {name} has no value on any of" in words
            assert words.count(f"{name} has no value") == 2, "in its line of the table and in the note"


def test_an_if_that_holds_for_every_image_excuses_nothing(folder: Path):
    recipe(folder, "transform: {tile: 16}", 'measure: [naturalness]\n    if: "width > 1"')
    assert groundglass(folder, "run", "small.yaml", "--runs", "if").returncode == 4


def test_scores_that_fit_no_image(folder: Path):
    (folder / "scores.csv").write_text("uri,mos\nelsewhere.png,3\n")
    recipe(folder, "measure: [{table: scores.csv, key: uri}]")
    done = groundglass(folder, "run", "small.yaml", "--runs", "scored")
    assert done.returncode == 4, done.stderr
    assert "have no line in scores.csv" in done.stderr.strip().splitlines()[-1]


def test_measure_ends_with_4_where_a_measure_has_no_value_at_all(folder: Path):
    sound, broken = "photos/00.png", "photos/page.jpg"
    assert groundglass(folder, "measure", "blockiness", sound, broken).returncode == 0
    done = groundglass(folder, "measure", "blockiness,sharpness", broken, "none.png", "--json")
    assert done.returncode == 4
    assert len(json.loads(done.stdout)) == 2
    assert done.stderr.strip().splitlines()[-1] == (
        "blockiness and sharpness have no value on any of 2 images (not_an_image 1, vanished 1)"
    )
    done = groundglass(folder, "measure", "header,naturalness", sound)
    assert done.returncode == 4
    assert done.stderr.strip().splitlines()[-1] == "naturalness has no value on the one image (too_small 1)"


@pytest.mark.parametrize("command", ["run", "plan"])
def test_runs_that_are_no_folder(folder: Path, command: str):
    recipe(folder, MEASURE)
    (folder / "file").write_text("mine")
    done = groundglass(folder, command, "small.yaml", "--runs", "file")
    assert (done.returncode, done.stderr) == (
        3,
        "--runs file is a file\n  → name a folder; it is made if it does not exist\n",
    )
    done = groundglass(folder, command, "small.yaml", "--runs", "file/below")
    assert done.returncode == 3
    assert "part of that path is a file" in done.stderr
    assert groundglass(folder, "show", "--runs", "file").returncode == 3
    assert (folder / "file").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_runs_that_may_not_be_written(folder: Path):
    recipe(folder, MEASURE)
    (folder / "locked").mkdir(mode=0o500)
    done = groundglass(folder, "run", "small.yaml", "--runs", "locked")
    assert done.returncode == 3
    assert "choose a folder that you are allowed to write to" in done.stderr


def test_to_find_nothing_is_an_answer(folder: Path):
    """Most images show no test image. `leaks` is then empty, and nothing has failed."""
    done = groundglass(folder, "measure", "leaks", "photos/00.png", "--json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert row["leak_of"] is None
    assert row["error"] is None


def test_a_misspelt_engine_is_refused_before_anything_is_begun(tmp_path: Path):
    make_photos(tmp_path / "photos", 3)
    recipe(tmp_path, MEASURE, RELEASE)
    done = groundglass_process(tmp_path, "run", "small.yaml", GROUNDGLASS_ENGINE="inlin")
    assert done.returncode == 2
    assert "Did you mean 'inline'?" in done.stderr
    assert not (tmp_path / "runs").exists()


def test_sources_judged_after_a_gate_on_blockiness_are_noted_wherever_it_stands(tmp_path: Path):
    make_photos(tmp_path / "photos", 3)
    sources = "select: {source_divergence: {reference: df2k}}"
    for gate in ('where: "blockiness < 30"', 'intersect: [{where: "blockiness < 30"}]'):
        recipe(tmp_path, MEASURE, f"select: {{{gate}}}", sources)
        told = groundglass(tmp_path, "plan", "small.yaml", "--json").stdout
        assert "an earlier step selects by blockiness" in told
