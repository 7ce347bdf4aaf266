"""A recipe that this machine lacks something for points to its own profile that can do without."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from groundglass.errors import NotHere, RecipeError, UnreachableError
from groundglass.extras import install_command
from groundglass.models import hub
from groundglass.recipes.load import load_recipe
from groundglass.recipes.shipped import shipped
from groundglass.runs.make_plan import make_plan
from groundglass.steps.measure import plan

OWN = """\
name: own
profiles:
  {profiles}
steps:
  - source: {{folder: photos/}}
  - measure: [{{hyperiqa: {{weights: koniq_pretrained.pkl, allow_pickle: true}}}}]
    name: scores
  - select: {{top_k: 3, by: hyperiqa}}
    name: best
"""
CLASSICAL = "{scores: {measure: [sharpness]}, best: {select: {top_k: 3, by: tenengrad}}}"


@pytest.fixture(autouse=True)
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any extra."""
    monkeypatch.setattr(plan, "is_installed", lambda _extra: False)


def lacking(path: Path, *overrides: str, profile: str | None = None) -> NotHere:
    with pytest.raises(NotHere) as caught:
        make_plan(load_recipe(path, overrides, profile))
    assert caught.value.exit_code == 2
    return caught.value


def own(profiles: str) -> Path:
    path = Path("own.yaml")
    path.write_text(OWN.format(profiles=profiles))
    return path


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("name", ["faceup", "bhi", "diverseg"])
def test_a_shipped_recipe_without_its_extra_points_to_what_does_without(name: str):
    error = lacking(shipped(name))
    assert error.hint == f"{install_command('models')}; or work without it: --profile offline"
    assert "the extra 'models' is not installed" in error.message
    assert f"{name}.yaml:" in error.message
    make_plan(load_recipe(shipped(name), profile="offline"))


@pytest.mark.usefixtures("bare")
def test_a_profile_that_lacks_the_same_is_not_named():
    assert lacking(shipped("diverseg"), profile="detect").hint.endswith("--profile offline")
    path = own("better: {scores: {measure: [clip_iqa]}, best: {select: {top_k: 3, by: clip_iqa}}}")
    assert lacking(path).hint == install_command("models")


@pytest.mark.usefixtures("bare")
def test_a_profile_of_any_name_that_can_be_planned_is_named():
    path = own(f"better: {{scores: {{measure: [clip_iqa]}}}}\n  plain: {CLASSICAL}")
    assert lacking(path).hint.endswith("; or work without it: --profile plain")


@pytest.mark.usefixtures("bare")
def test_what_was_typed_counts_for_the_profile_too():
    path = own(f"plain: {CLASSICAL}")
    assert "--profile" not in lacking(path, "steps.best.select.by=hyperiqa").hint


def test_weights_that_are_not_here_can_be_done_without():
    pytest.importorskip("torch", reason="needs the extra 'models'")
    error = lacking(shipped("faceup"))
    assert "there are no weights koniq_pretrained.pkl" in error.message
    assert error.hint.endswith("; or work without it: --profile offline")


def test_a_hub_that_cannot_be_reached_can_be_done_without(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("torch", reason="needs the extra 'models'")

    def unreachable(*_: object) -> None:
        raise UnreachableError("the hub does not answer", "try again")

    monkeypatch.setattr(hub, "find_on_hub", unreachable)
    with pytest.raises(UnreachableError) as caught:
        make_plan(load_recipe(shipped("diverseg")))
    assert caught.value.hint == "try again; or work without it: --profile offline"


@pytest.mark.usefixtures("bare")
def test_a_wrong_recipe_is_told_as_that():
    path = own(f"plain: {CLASSICAL}")
    with pytest.raises(RecipeError) as caught:
        make_plan(load_recipe(path, ["steps.scores.measure=[sharpnes]"]))
    assert not isinstance(caught.value, NotHere)
    assert "--profile" not in caught.value.hint


def test_the_error_survives_pickling():
    error = pickle.loads(pickle.dumps(NotHere("no weights", "get them")))
    assert (type(error), error.message, error.hint) == (NotHere, "no weights", "get them")
