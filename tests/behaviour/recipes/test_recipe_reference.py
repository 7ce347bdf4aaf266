"""The schema, the reference page and the shipped recipes agree with the grammar."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from recipe_files import WHOLE, refusal, write
from ruamel.yaml import YAML
from test_recipe_errors import BODIES, HEAD

from groundglass.errors import RecipeError
from groundglass.recipes.families import FAMILIES
from groundglass.recipes.json_schema import json_schema
from groundglass.recipes.load import load_recipe
from groundglass.recipes.model import BODIES as KINDS
from groundglass.recipes.shipped import recipe_path, shipped, shipped_names

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = ROOT / "docs" / "reference"
VALIDATOR = Draft202012Validator(json_schema())

BEYOND_TYPES = (
    "no meaning",
    "needs",
    "is empty",
    "cannot be picked",
    "add up",
    "nothing is left",
    "nothing is held out",
    "no split takes the rest",
    "cannot be held out",
    "have no LR versions",
)
"""Rules between keys, which `load` knows and the schema need not."""


EMPTY_LIST = "source: {folder: []}"
"""An empty list counts as not given, which the schema cannot say."""

OF_TYPES = [
    step for step, says, _ in BODIES if step != EMPTY_LIST and not any(part in says for part in BEYOND_TYPES)
]


def said(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_recipes_fit_the_schema_and_load(name: str) -> None:
    VALIDATOR.validate(said(shipped(name).read_text()))
    loaded = load_recipe(shipped(name))
    assert loaded.recipe.name == name
    kinds = [step.kind for step in loaded.recipe.steps]
    assert (kinds[0], kinds[-1]) == ("source", "release")
    assert all("-" not in s.name or not s.name.rsplit("-", 1)[1].isdigit() for s in loaded.recipe.steps), (
        "all are named"
    )


def test_the_canonical_text_fits_the_schema(tmp_path: Path) -> None:
    VALIDATOR.validate(said(WHOLE))
    VALIDATOR.validate(said(load_recipe(write(tmp_path, WHOLE)).text))


@pytest.mark.parametrize("step", OF_TYPES)
def test_the_schema_refuses_what_load_refuses(step: str) -> None:
    assert list(VALIDATOR.iter_errors(said(f"{HEAD}  - {step}\n")))


def test_a_recipe_needs_a_name_and_steps_or_a_parent() -> None:
    assert VALIDATOR.is_valid({"extends": "a.yaml"})
    assert not VALIDATOR.is_valid({"name": "a"})


def test_the_page_names_every_key() -> None:
    page = (REFERENCE / "recipe.md").read_text()
    for kind, model in KINDS.items():
        part = page.split(f"\n## `{kind}`\n")[1].split("\n## ")[0]
        fields = {} if kind in ("measure", "hold_out") else model.model_fields
        keys = [field.alias or key for key, field in fields.items()]
        assert [key for key in keys if f"| `{key}` |" not in part] == []


def test_the_pages_examples_load(tmp_path: Path) -> None:
    page = (REFERENCE / "recipe.md").read_text()
    blocks = [block.split("```")[0] for block in page.split("```yaml\n")[1:]]
    whole = load_recipe(write(tmp_path, blocks[0])).recipe
    assert [step.kind for step in whole.steps] == [
        "source",
        "measure",
        "select",
        "select",
        "transform",
        "release",
    ]
    steps = [block for block in blocks if block.startswith("- ")]
    for block in steps:
        recipe = HEAD + "".join(f"  {line}\n" for line in block.splitlines())
        load_recipe(write(tmp_path, recipe))
    members = [member for family in FAMILIES.values() for member in family]
    assert len(steps) == 1 + len(members), "one for the measures, and one for each member of a family"


def test_shipped_recipes_run_on_any_folder_and_tile() -> None:
    for name in ("faceup", "bhi"):
        sets = ["steps.photos.source.folder=/data/mine", "steps.tiles.transform.tile=128"]
        steps = {step.name: step.body for step in load_recipe(shipped(name), sets).recipe.steps}
        assert (getattr(steps["photos"], "folder", 0), getattr(steps["tiles"], "tile", 0)) == (
            ("/data/mine",),
            128,
        )


def test_an_unknown_recipe_is_refused_with_the_nearest() -> None:
    with pytest.raises(RecipeError) as caught:
        shipped("quickstrat")
    assert caught.value.message == "no recipe is called `quickstrat`; did you mean `quickstart`?"
    assert "bhi, diverseg, faceup, quickstart" in caught.value.hint


def test_a_word_is_a_file_or_a_shipped_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert recipe_path("faceup") == shipped("faceup")
    assert recipe_path("mine.yaml") == Path("mine.yaml")
    assert recipe_path("./faceup") == Path("faceup")
    assert recipe_path("sub/faceup") == Path("sub/faceup")
    Path("faceup").mkdir()
    assert recipe_path("faceup") == shipped("faceup"), "a folder of that name is no recipe"
    write(tmp_path, WHOLE, "bhi")
    assert recipe_path("bhi") == Path("bhi")


def test_the_refusal_helper_sees_failures(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception):
        refusal(write(tmp_path, WHOLE))
