"""A cascade in a recipe: what plan looks up, and what it refuses, where."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from recipe_files import write
from ruamel.yaml import YAML

from groundglass import testing
from groundglass.errors import RecipeError
from groundglass.plans.planner import Plan, PlannedStep
from groundglass.recipes.json_schema import json_schema
from groundglass.recipes.load import load_recipe
from groundglass.runs.make_plan import make_plan

HEAD = """name: x
steps:
  - source: {folder: FOLDER}
  - measure: [exposure, header]
"""


def recipe(tmp_path: Path, select: str, after: str = "") -> Path:
    (tmp_path / "photos").mkdir(exist_ok=True)
    (tmp_path / "photos" / "a.png").write_bytes(testing.png(testing.flat(8, 8)))
    head = HEAD.replace("FOLDER", str(tmp_path / "photos"))
    return write(tmp_path, f"{head}  - select: {select}\n{after}")


def plan(tmp_path: Path, select: str, after: str = "") -> Plan:
    return make_plan(load_recipe(recipe(tmp_path, select, after)))


def step(tmp_path: Path, select: str) -> PlannedStep:
    return plan(tmp_path, select).steps[-1]


@pytest.mark.parametrize("measure", ["", ", measure: complexity", ", measure: {complexity: {}}"])
def test_the_measure_is_the_one_that_brings_the_column(tmp_path: Path, measure: str) -> None:
    planned = step(tmp_path, f'{{where: "entropy > 6", cascade: {{by: contrast{measure}}}}}')
    assert [ask.measure for ask in planned.asks] == ["complexity"]
    assert planned.paths == (("entropy",),)
    assert planned.scope.own()["entropy"].key == planned.asks[0].key
    assert "entropy" in planned.brings


def test_settings_and_prefix_of_the_measure_count(tmp_path: Path) -> None:
    cascade = "cascade: {by: mean_luma, measure: {objects_fast: {contrast: 3.0, as: coarse_}}}"
    planned = step(tmp_path, f'{{where: "coarse_objects_fast > 9", {cascade}}}')
    assert planned.asks[0].settings == (("contrast", 3.0),)


def test_later_steps_know_the_costly_columns(tmp_path: Path) -> None:
    select = '{where: "entropy > 6", cascade: {by: contrast}}'
    planned = plan(tmp_path, select, "  - select: {top_k: 3, by: gradient_energy}\n")
    assert planned.steps[-1].orders == {"gradient_energy": "higher"}
    assert "entropy" in {column.name for column in planned.columns}


def test_a_cheap_condition_inside_is_pointed_out(tmp_path: Path) -> None:
    notes = step(tmp_path, '{where: "entropy > 6 and mean_luma > 9", cascade: {by: contrast}}').notes
    assert any("`mean_luma > 9` needs no complexity" in note for note in notes)


def test_the_canonical_text_means_the_same(tmp_path: Path) -> None:
    cascade = (
        "cascade: {by: contrast, recall: 90%, budget: 25%, measure: {objects_fast: {contrast: 3.0, as: c_}}}"
    )
    loaded = load_recipe(recipe(tmp_path, f'{{where: "c_objects_fast > 6", {cascade}}}'))
    assert load_recipe(write(tmp_path, loaded.text, "again.yaml")).recipe == loaded.recipe


FAULTS = [
    ('{where: "entropy > 6", cascade: {by: contarst}}', "there is no column 'contarst'", "contarst"),
    ('{where: "entropy > 6", cascade: {by: entropy}}', "there is no column 'entropy'", "entropy}"),
    ('{where: "entropy > 6", cascade: {by: format}}', "'format' holds no numbers", "format"),
    (
        '{where: "entropi > 6", cascade: {by: contrast}}',
        "no measure adds the column 'entropi'; did you mean `entropy`?",
        "entropi",
    ),
    (
        '{where: "entropy > 6 and objects_fast > 3", cascade: {by: contrast}}',
        "no single measure adds entropy and objects_fast",
        '"entropy',
    ),
    (
        '{where: "contrast > 6", cascade: {by: mean_luma}}',
        "every column of `where` is known before this step",
        "cascade",
    ),
    (
        '{where: "contrast > 6", cascade: {by: mean_luma, measure: complexity}}',
        "`where` names no column of the cascade's measure",
        "complexity",
    ),
    (
        '{where: "contrast > 6", cascade: {by: mean_luma, measure: exposure}}',
        "every column of `where` is known before this step",
        "cascade",
    ),
    (
        '{where: "entropy > 6", cascade: {by: contrast, measure: complexty}}',
        "there is no measure 'complexty'; did you mean `complexity`?",
        "complexty",
    ),
    (
        '{where: "c > 6", cascade: {by: contrast, measure: {objects_fast: {contrsat: 3.0}}}}',
        "objects_fast has no parameter 'contrsat'; did you mean `contrast`?",
        "contrsat",
    ),
    ('{where: "entropy > ", cascade: {by: contrast}}', "cannot be read at '>'", "> "),
    (
        '{where: "entropy > 6", cascade: {by: contrast, recall: 1.2}}',
        "`recall` must be a number from 0 to 1",
        "1.2",
    ),
    ('{where: "entropy > 6", cascade: {by: contrast, recall: 0}}', "`recall` must be above 0", "recall"),
    ('{where: "entropy > 6", cascade: {by: contrast, budget: 0%}}', "`budget` must be above 0", "budget"),
    (
        '{where: "entropy > 6", cascade: {by: contrast, recall: 1, budget: 0.5}}',
        "a recall of 1 requires measuring every row",
        "recall",
    ),
    ('{where: "entropy > 6", cascade: {recall: 0.5}}', "`cascade` needs `by`", "cascade"),
    ('{where: "entropy > 6", cascade: contrast}', "`cascade` must be a mapping of keys", "contrast}"),
    (
        '{where: "entropy > 6", cascade: {by: contrast, measure: 3}}',
        "`measure` must be a text or a mapping",
        "3",
    ),
    (
        '{where: "entropy > 6", cascade: {by: contrast, measure: {a: {}, b: {}}}}',
        "`measure` of a cascade is one measure",
        "measure",
    ),
    (
        '{where: "entropy > 6", cascade: {by: contrast, measure: {complexity: 3}}}',
        "the parameters of `complexity` must be a mapping",
        "measure",
    ),
    ("{top_k: 3, by: contrast, cascade: {by: contrast}}", "`cascade` has no meaning with `top_k`", "cascade"),
    (
        "{deduplicate: exact, cascade: {by: contrast}}",
        "`cascade` has no meaning with `deduplicate`",
        "cascade",
    ),
    (
        '{intersect: [{where: "entropy > 6", cascade: {by: contrast}}]}',
        "`cascade` cannot be used inside `intersect`",
        "intersect",
    ),
]


@pytest.mark.parametrize(
    ("cascade", "fits"),
    [
        ("{by: contrast}", True),
        ("{by: contrast, recall: 95%, budget: 0.25, measure: complexity}", True),
        ("{by: contrast, measure: {complexity: {as: c_}}}", True),
        ("{recall: 0.9}", False),
        ("{by: contrast, recall: 1.2}", False),
        ("{by: contrast, recal: 0.9}", False),
        ("{by: contrast, measure: 3}", False),
        ("contrast", False),
    ],
)
def test_the_schema_knows_it(tmp_path: Path, cascade: str, fits: bool) -> None:
    text = recipe(tmp_path, f'{{where: "entropy > 6", cascade: {cascade}}}').read_text()
    assert Draft202012Validator(json_schema()).is_valid(YAML(typ="safe", pure=True).load(text)) == fits


@pytest.mark.parametrize(("select", "says", "at"), FAULTS)
def test_a_fault_is_told_at_its_place(tmp_path: Path, select: str, says: str, at: str) -> None:
    path = recipe(tmp_path, select)
    with pytest.raises(RecipeError) as caught:
        make_plan(load_recipe(path))
    place, line, caret = str(caught.value).split("\n")
    assert says in place
    assert place.startswith(f"{path}:5:")
    assert line[caret.index("^") :].startswith(at), f"{line}\n{caret}"
    assert caught.value.hint
    assert caught.value.exit_code == 2
