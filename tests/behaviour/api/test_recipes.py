"""Recipes planned and run from Python: a path, text and a dict are one recipe, and errors are the command's."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flow_tools import RECIPE, fingerprint_of, make_photos, tables
from flow_tools import groundglass as command
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

import groundglass
from groundglass import errors, testing
from groundglass.recipes.given_recipe import load_given
from groundglass.recipes.load import load_recipe
from groundglass.steps.catalog import STEPS

SMALL: dict[str, Any] = YAML(typ="safe").load(RECIPE)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with photos and the recipe as a file."""
    monkeypatch.setenv("GROUNDGLASS_ENGINE", "inline")
    monkeypatch.chdir(tmp_path)
    make_photos(tmp_path / "photos", count=6)
    (tmp_path / "small.yaml").write_text(RECIPE, encoding="utf-8")
    return tmp_path


@pytest.fixture(params=["path", "text path", "text", "dict"])
def recipe(request: pytest.FixtureRequest, folder: Path) -> Any:
    """The same recipe in every way that a program may give it."""
    ways = {"path": Path("small.yaml"), "text path": "small.yaml", "text": RECIPE, "dict": SMALL}
    return ways[request.param]


def test_every_way_to_give_a_recipe_is_the_same_recipe(recipe: Any):
    assert load_given(recipe).recipe == load_recipe(Path("small.yaml")).recipe


def test_plan_is_the_object_of_the_command(recipe: Any, folder: Path):
    said = json.loads(command(folder, "plan", "small.yaml", "--json").stdout)
    found = groundglass.plan(recipe)
    assert json.loads(json.dumps(found.plain())) == said
    assert [step.name for step in found.steps] == [step["name"] for step in said["steps"]]
    assert not (folder / "runs").exists()


def test_run_does_what_the_command_does(recipe: Any, folder: Path):
    before = fingerprint_of(folder / "photos")
    run = groundglass.run(recipe)
    said = command(folder, "run", "small.yaml", "--runs", "theirs", "--json")
    assert said.returncode == 0, said.stderr
    assert tables(run.folder) == tables(Path(json.loads(said.stdout)["folder"]))
    assert run.report.is_file()
    assert run.state == "done"
    assert fingerprint_of(folder / "photos") == before


def test_a_plan_after_a_run_has_its_thresholds(folder: Path):
    groundglass.run(SMALL)
    said = json.loads(command(folder, "plan", "small.yaml", "--json").stdout)
    found = groundglass.plan(SMALL)
    assert found.thresholds
    assert json.loads(json.dumps(found.plain())) == said


def test_nothing_is_printed_and_progress_goes_to_stderr(folder: Path, capfd: pytest.CaptureFixture[str]):
    groundglass.run(SMALL)
    assert capfd.readouterr() == ("", "")
    groundglass.run(SMALL, runs="again", progress=True)
    assert capfd.readouterr().out == ""


def test_the_recipe_that_is_in_no_file_is_kept_in_its_run(folder: Path):
    run = groundglass.run(SMALL)
    file = json.loads((run.folder / "run.json").read_text())["recipe_file"]
    assert load_recipe(Path(file)).recipe == load_recipe(Path("small.yaml")).recipe
    assert command(folder, "plan", file).returncode == 0


def test_overrides_profile_and_limit_are_those_of_the_command(folder: Path):
    recipe = {**SMALL, "profiles": {"tiny": {"tiles": {"transform": {"tile": 32}}}}}
    loaded = load_given(recipe, {"steps.clean.select.where": "blockiness < 8", "seed": 9}, "tiny")
    assert loaded.recipe.seed == 9
    steps = {step.name: step.body for step in loaded.recipe.steps}
    assert steps["clean"].where == "blockiness < 8"
    assert groundglass.plan(SMALL, limit=2).steps[0].into == 2
    with pytest.raises(errors.RecipeError, match="the limit is 0"):
        groundglass.plan(SMALL, limit=0)


@pytest.mark.parametrize(
    ("recipe", "said", "hint"),
    [
        (
            {"name": "a", "stps": []},
            "<recipe>:2:1: `stps` is not a key of a recipe; did you mean `steps`?",
            "",
        ),
        ("name: a\nstps: []\n", "<recipe>:2:1: `stps` is not a key of a recipe; did you mean `steps`?", ""),
        ("small.yml", "small.yml: there is no such file", "small.yaml"),
        ("quickstrat", "no recipe is called `quickstrat`", "quickstart"),
        (3, "a recipe is a path, YAML text or a dict, not int", "plan("),
        ({"name": "a", "seed": np.zeros(2)}, "the recipe, seed: a recipe holds", ".tolist()"),
        ({"name": "a", "steps": [{"source": {"folder": object}}]}, "steps, item 1, source, folder", ""),
    ],
)
def test_a_wrong_recipe_raises_the_command_s_sentence(folder: Path, recipe: Any, said: str, hint: str):
    for act in (groundglass.plan, groundglass.run):
        with pytest.raises(errors.RecipeError) as error:
            act(recipe)
        assert said in error.value.message
        assert hint in error.value.message + error.value.hint
    assert not (folder / "runs").exists()


def test_a_plan_that_releases_nothing_is_refused(folder: Path):
    groundglass.run(SMALL)
    never = {"steps.clean.select.where": "blockiness < 0.001", "steps.held.hold_out": None}
    with pytest.raises(errors.RecipeError):
        groundglass.plan(SMALL, overrides=never)


def test_a_run_with_nothing_to_show_raises_when_it_is_done(folder: Path):
    flat = folder / "flat"
    flat.mkdir()
    (flat / "a.png").write_bytes(testing.png(testing.flat(160, 130)))
    recipe = {
        "name": "flat",
        "steps": [
            {"source": {"folder": "flat"}},
            {"measure": ["blockiness"]},
            {"select": {"where": "blockiness < 30"}},
        ],
    }
    with pytest.raises(errors.NothingProduced):
        groundglass.run(recipe)
    assert groundglass.open_run("flat").state == "done"


def test_too_many_failed_raises_when_it_is_done(folder: Path):
    with pytest.raises(errors.TooManyFailed) as error:
        groundglass.run(SMALL, max_failed=0.01)
    assert "groundglass.open_run('runs/small/0001').steps says why" in error.value.hint
    assert groundglass.open_run("small").state == "done"


def test_runs_that_are_a_file_are_refused(folder: Path):
    for act in (groundglass.plan, groundglass.run):
        with pytest.raises(errors.UnreachableError, match=r"small\.yaml is a file"):
            act(SMALL, runs="small.yaml")


def test_a_recipe_in_memory_extends_one_of_the_working_folder(folder: Path):
    found = load_given({"name": "child", "extends": "small.yaml"}).recipe
    assert [step.name for step in found.steps] == [step.name for step in load_given(SMALL).recipe.steps]


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1).filter(
    str.strip
)


@given(
    TEXTS,
    st.integers(0, 2**31),
    st.sampled_from(["1e3", "yes", "null", "0x10", "2024-01-01", "~", "- a", "a: b", "#"]),
)
def test_any_text_in_a_dict_is_that_text_in_the_recipe(note: str, seed: int, odd: str):
    for text in (note, odd):
        source = {"source": {"folder": "photos"}, "note": text}
        recipe = load_given({"name": "a", "seed": np.int64(seed), "steps": (source,)}).recipe
        assert recipe.steps[0].note == text
        assert recipe.seed == seed


def test_ctrl_c_between_jobs_is_interrupted_and_the_same_call_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    def stop(*_: object) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setitem(STEPS, "release", replace(STEPS["release"], run=stop))
        with pytest.raises(errors.Interrupted):
            groundglass.run(SMALL)
    half = groundglass.open_run("small")
    assert half.state == "interrupted"
    assert len(half.steps) == len(SMALL["steps"]) - 1
    whole = groundglass.run(SMALL)
    assert whole.folder == half.folder
    assert whole.state == "done"
