"""`groundglass questions`: the catalog, one question word for word, and the nearest one for a misspelt name."""

from __future__ import annotations

import json

from click.testing import CliRunner

from groundglass.annotators.catalog import QUESTIONS
from groundglass.cli.main import groundglass
from groundglass.errors import RecipeError


def told(*words: str) -> str:
    done = CliRunner().invoke(groundglass, ["questions", *words])
    if done.exception is not None:
        raise done.exception
    return done.output


def test_every_question_is_listed():
    listed = told()
    assert all(name in listed for name in QUESTIONS)


def test_one_question_is_told_word_for_word():
    score = QUESTIONS["score"]
    page = told("score")
    assert score.asks in page
    assert score.single in page
    assert "score_from" in page


def test_a_program_can_read_it():
    (found,) = json.loads(told("category", "--json"))
    assert (found["name"], found["version"]) == ("category", 1)
    assert found["asks"] == QUESTIONS["category"].asks


def test_a_misspelt_name_gets_the_nearest():
    done = CliRunner().invoke(groundglass, ["questions", "captoin"])
    assert isinstance(done.exception, RecipeError)
    assert "'caption'" in done.exception.message
