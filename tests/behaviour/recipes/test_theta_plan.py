"""A threshold with candidates in a recipe: what plan looks up, and what it refuses, where."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from recipe_files import write
from ruamel.yaml import YAML

from groundglass import testing
from groundglass.errors import RecipeError
from groundglass.plans.planner import Plan
from groundglass.recipes.json_schema import json_schema
from groundglass.recipes.load import load_recipe
from groundglass.runs.make_plan import make_plan
from groundglass.selections.theta import from_loose_to_strict, threshold_atom
from groundglass.selections.where import Where

HEAD = """name: x
steps:
  - source: {folder: FOLDER}
  - measure: [exposure, header, sharpness]
"""
THETA = "theta: {choose_by: proof, from: [1, 50, 100]}"


def recipe(tmp_path: Path, select: str, after: str = "") -> Path:
    (tmp_path / "photos").mkdir(exist_ok=True)
    (tmp_path / "photos" / "a.png").write_bytes(testing.png(testing.flat(8, 8)))
    head = HEAD.replace("FOLDER", str(tmp_path / "photos"))
    return write(tmp_path, f"{head}  - select: {select}\n{after}")


def plan(tmp_path: Path, select: str, after: str = "") -> Plan:
    return make_plan(load_recipe(recipe(tmp_path, select, after)))


@pytest.mark.parametrize(
    ("where", "order"),
    [
        ("tenengrad >= {theta}", "1, 50, 100"),
        ("tenengrad < {theta}", "100, 50, 1"),
        ("{theta} < tenengrad", "1, 50, 100"),
        ("mean_luma > 3 and {theta} >= contrast", "100, 50, 1"),
        ("width * height > {theta} and format = 'JPEG'", "1, 50, 100"),
    ],
)
def test_candidates_go_from_loose_to_strict_by_the_comparison(tmp_path: Path, where: str, order: str) -> None:
    planned = plan(tmp_path, f'{{where: "{where}", {THETA}}}').steps[-1]
    assert planned.notes[0].startswith(f"theta is chosen in the run, from {order}: ")
    assert f"if none is shown to, {order.split(',')[0]} is used" in planned.notes[0]
    assert planned.label == f"{where}, theta by proof"


def test_negative_and_small_numbers_are_candidates(tmp_path: Path) -> None:
    numbers = "[-5, 1e-05, -0.25, 7]"
    planned = plan(
        tmp_path, f'{{where: "mean_luma > {{theta}}", theta: {{choose_by: proof, from: {numbers}}}}}'
    ).steps[-1]
    assert "from -5, -0.25, 1e-05, 7:" in planned.notes[0]


def test_the_canonical_text_means_the_same(tmp_path: Path) -> None:
    theta = "theta: {choose_by: proof, from: [100, 0.5, 50], preset: quick, score_on: photos, images: 30}"
    loaded = load_recipe(recipe(tmp_path, f'{{where: "contrast > {{theta}}", {theta}}}'))
    assert load_recipe(write(tmp_path, loaded.text, "again.yaml")).recipe == loaded.recipe
    body = loaded.recipe.steps[-1].body
    assert isinstance(body, Where)
    assert body.theta is not None
    assert body.theta.candidates == (100, 0.5, 50)


def test_another_list_of_candidates_is_another_recipe(tmp_path: Path) -> None:
    texts = {
        load_recipe(recipe(tmp_path, f'{{where: "contrast > {{theta}}", {THETA.replace("100", last)}}}')).text
        for last in ("100", "120")
    }
    assert len(texts) == 2


@pytest.mark.parametrize(
    "where",
    [
        "contrast > 2 * {theta}",
        "contrast > {theta} or width > 3",
        "not contrast > {theta}",
        "contrast between 0 and {theta}",
        "contrast = {theta}",
        "format = '{theta}'",
        "{theta} > 3",
        "abs({theta}) > contrast",
    ],
)
def test_anything_but_one_comparison_is_refused_at_its_place(tmp_path: Path, where: str) -> None:
    path = recipe(tmp_path, f'{{where: "{where}", {THETA}}}')
    with pytest.raises(RecipeError) as caught:
        make_plan(load_recipe(path))
    place, line, caret = str(caught.value).split("\n")
    assert place == f"{path}:5:{caret.index('^') - 5}: {{theta}} is not compared with a column"
    assert line[caret.index("^") :].startswith("{theta}")


def other(theta: str, where: str = "contrast > {theta}", more: str = "") -> str:
    return f'{{where: "{where}", theta: {theta}{more}}}'


FAULTS = [
    (
        other("{choose_by: proff, from: [0, 5]}"),
        "`choose_by` cannot be 'proff'; did you mean `proof`?",
        "proff",
    ),
    (other("{choose_by: proof}"), "`theta` needs `from`", "theta:"),
    (other("{from: [0, 5]}"), "`theta` needs `choose_by`", "theta:"),
    (other("{choose_by: proof, from: [0]}"), "`from` has 1 candidate", "from"),
    (other("{choose_by: proof, from: 7}"), "`from` has 1 candidate", "from"),
    (other("{choose_by: proof, from: []}"), "`from` has 0 candidates", "from"),
    (
        other(f"{{choose_by: proof, from: {list(range(21))}}}"),
        "`from` has 21 candidates",
        "from",
    ),
    (other("{choose_by: proof, from: [5, 0, 5.0]}"), "`from` contains 5 twice", "from"),
    (other("{choose_by: proof, from: [0, high]}"), "`from` must be a number, not 'high'", "high"),
    (other('{choose_by: proof, from: [0, "5"]}'), "`from` must be a number, not '5'", '"5"'),
    (other("{choose_by: proof, from: [0, true]}"), "`from` must be a number, not true", "true"),
    (other("{choose_by: proof, from: [0, .inf]}"), "`from` must be a number", ".inf"),
    (
        other("{choose_by: proof, form: [0, 5]}"),
        "`form` is not a key of `theta`; did you mean `from`?",
        "form",
    ),
    (other("{choose_by: proof, from: [0, 5], preset: instnt}"), "did you mean `instant`?", "instnt"),
    (other("{choose_by: proof, from: [0, 5], images: 3}"), "`images` must be a whole number of 8", "3"),
    (
        other("{choose_by: proof, from: [0, 5], score_on: nowhere}"),
        "there is no folder",
        "nowhere",
    ),
    (other("proof"), "`theta` must be a mapping of keys", "proof"),
    (
        '{where: "contrast > {theta}"}',
        "`where` contains {theta}, but there is no `theta`",
        "where",
    ),
    (other("{choose_by: proof, from: [0, 5]}", "contrast > 3"), "`where` does not contain {theta}", "where"),
    (
        other("{choose_by: proof, from: [0, 5]}", "contrast > {theta} and mean_luma > {theta}"),
        "`where` contains {theta} 2 times",
        "where",
    ),
    (
        other("{choose_by: proof, from: [0, 5]}", more=", cascade: {by: mean_luma}"),
        "`theta` and `cascade` cannot go together",
        "theta",
    ),
    (
        other("{choose_by: proof, from: [0, 5]}", "contarst > {theta}"),
        "there is no column 'contarst'",
        "contarst",
    ),
    (
        other("{choose_by: proof, from: [0, 5]}", "format > {theta}"),
        "'format' is text, but 0 is a number",
        "format",
    ),
    (
        other("{choose_by: proof, from: [0, 5]}", "contrast > {theta} and"),
        "cannot be read",
        "and",
    ),
    (
        other("{choose_by: proof, from: [3, 255, 256]}", "mean_luma > {theta}"),
        "mean_luma",
        "255",
    ),
    (
        f'{{intersect: [{{where: "contrast > {{theta}}", {THETA}}}]}}',
        "`theta` cannot be used inside `intersect`",
        "intersect",
    ),
    (f"{{top_k: 3, by: contrast, {THETA}}}", "`theta` has no meaning with `top_k`", "theta"),
]


@pytest.mark.parametrize(("select", "says", "at"), FAULTS)
def test_a_fault_is_shown_at_its_place(tmp_path: Path, select: str, says: str, at: str) -> None:
    path = recipe(tmp_path, select)
    with pytest.raises(RecipeError) as caught:
        make_plan(load_recipe(path))
    place, line, caret = str(caught.value).split("\n")
    assert says in place
    assert place.startswith(f"{path}:5:")
    assert line[caret.index("^") :].startswith(at), f"{line}\n{caret}"
    assert caught.value.hint
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("theta", "fits"),
    [
        ("{choose_by: proof, from: [0, 50]}", True),
        ("{choose_by: proof, from: [0, 50.5], preset: quick, score_on: [a], images: 90}", True),
        ("{choose_by: proof, from: [0]}", False),
        ("{choose_by: luck, from: [0, 50]}", False),
        ("{choose_by: proof, from: [0, many]}", False),
        ("{choose_by: proof, from: [0, 50], most: 3}", False),
        ("{from: [0, 50]}", False),
    ],
)
def test_the_schema_fits_what_is_read(tmp_path: Path, theta: str, fits: bool) -> None:
    text = recipe(tmp_path, f'{{where: "contrast > {{theta}}", theta: {theta}}}').read_text()
    assert Draft202012Validator(json_schema()).is_valid(YAML(typ="safe", pure=True).load(text)) == fits


def test_a_stricter_threshold_keeps_a_part_of_what_a_looser_one_keeps() -> None:
    import pyarrow as pa

    from groundglass.selections.where import where

    pool = pa.table({"id": [str(i) for i in range(9)], "q": [1.0, 2, None, float("nan"), 5, -3, 5, 8, 9]})
    for sign in ("<", "<=", ">", ">="):
        rule = f"q {sign} {{theta}}"
        kept = [
            set(where(pool, rule.replace("{theta}", str(value)))["kept"].to_numpy().nonzero()[0].tolist())
            for value in from_loose_to_strict(rule, (5, -3, 8, 1))
        ]
        assert kept[0] >= kept[1] >= kept[2] >= kept[3]
        assert threshold_atom(rule, 5) is not None
