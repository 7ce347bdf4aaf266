"""A word that is no column where it stands: what was probably meant by it."""

from __future__ import annotations

from pathlib import Path

import pytest
from recipe_files import write

from groundglass.errors import RecipeError
from groundglass.recipes.load import load_recipe
from groundglass.runs.make_plan import make_plan
from groundglass.tables.expressions import UnknownColumn, check, parse

RECIPE = """
name: words
steps:
  - source: {{table: photos.csv, path: file}}
  - measure: [header, {{sharpness: {{as: s_}}}}, fingerprint]
  - select: {{{rule}}}
"""

ANSWERS = [
    (
        'where: "sharpness > 30"',
        "'sharpness' is a measure, not a column",
        "s_laplacian_variance, s_tenengrad",
    ),
    (
        "top_k: 3, by: sharpness",
        "'sharpness' is a measure, not a column",
        "s_laplacian_variance, s_tenengrad",
    ),
    ('where: "noise < 3"', "'noise' is a measure, not a column", "noise_sigma; add `- measure: [noise]`"),
    ('where: "fingerprint = 3"', "'fingerprint' is a measure, not a column", "only `deduplicate` reads"),
    ('where: "blockiness < 30"', "no column 'blockiness'", "add `- measure: [blockiness]` before this step"),
    (
        'where: "colourfulnes > 3"',
        "no column 'colourfulnes'",
        "did you mean 'colourfulness'? it is a column of",
    ),
    ("where: \"tag = 'sky'\"", "no column 'tag'", "did you mean 'meta.tag'?"),
    ('where: "scoer > 1"', "no column 'scoer'", "did you mean 'meta.score'?"),
    ('where: "pash > 1"', "no column 'pash'", ""),
    ('where: "zzzz > 1"', "no column 'zzzz'", "the columns are: id, source"),
]


@pytest.mark.parametrize(("rule", "said", "hint"), ANSWERS, ids=[rule for rule, _, _ in ANSWERS])
def test_what_was_meant_is_said(tmp_path: Path, monkeypatch, rule: str, said: str, hint: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos.csv").write_text("file,tag,score\na.png,sky,0.5\n")
    with pytest.raises(RecipeError) as caught:
        make_plan(load_recipe(write(tmp_path, RECIPE.format(rule=rule))))
    assert said in caught.value.message
    assert "^" in caught.value.message
    assert hint in caught.value.hint
    assert "phash" not in caught.value.hint


def test_a_bare_word_is_found_behind_each_dot_that_it_stands_behind() -> None:
    types = {"meta.tag": "str", "root.tag": "str", "parent.tags": "str"}
    with pytest.raises(UnknownColumn) as caught:
        check(parse("tag = 'x'"), types)
    assert caught.value.hint == "did you mean 'meta.tag' or 'root.tag'?"
    assert caught.value.near


def test_hidden_columns_can_be_used_and_are_not_named() -> None:
    types = {"phash": "int", "width": "int"}
    assert check(parse("phash > 3"), types, hidden={"phash"}) == "BOOLEAN"
    with pytest.raises(UnknownColumn) as caught:
        check(parse("phas > 3"), types, hidden={"phash"})
    assert caught.value.hint == "the columns are: width"
