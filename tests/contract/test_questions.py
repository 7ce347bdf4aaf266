"""What is true of every question: its schema is closed, its answers fill its columns, and any text is read safely."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from groundglass import testing
from groundglass.annotators.ask_question import read_answer
from groundglass.annotators.catalog import QUESTIONS
from groundglass.annotators.question import Inquiry, Question, inquire
from groundglass.errors import NoValue
from groundglass.measures.catalog import MEASURES
from groundglass.testing.model_server import Asked, said

VOCABULARY = ("people", "animals")
EVERY = pytest.mark.parametrize("question", QUESTIONS.values(), ids=lambda question: question.name)
IMAGE = testing.jpeg(testing.photo(64, 48))
BROKEN = ("malformed", "wrong_schema", "not_in_vocabulary")


def put(question: Question) -> Inquiry:
    return inquire(question, VOCABULARY)


def valid_answer(question: Question) -> str:
    """As a server makes one from the schema."""
    inquiry = put(question)
    asked = Asked(
        0, "openai", "m", question.name, inquiry.prompt, IMAGE, 64, 48, inquiry.schema, False, False, "", ""
    )
    return said(asked, "")


@EVERY
def test_its_schema_is_what_strict_servers_want(question: Question):
    schema = put(question).schema
    Draft202012Validator.check_schema(dict(schema))
    assert schema["additionalProperties"] is False
    assert sorted(schema["required"]) == sorted(schema["properties"])
    assert "title" not in json.dumps(schema)


@EVERY
def test_a_valid_answer_fills_every_column(question: Question):
    text = valid_answer(question)
    Draft202012Validator(dict(put(question).schema)).validate(json.loads(text))
    values = read_answer(put(question), text)
    assert values.keys() == question.columns.keys()
    for name, column in question.columns.items():
        assert isinstance(values[name], column.kind)


@EVERY
def test_a_fence_around_the_answer_does_not_matter(question: Question):
    text = valid_answer(question)
    assert read_answer(put(question), f"Here you are:\n```json\n{text}\n```") == read_answer(
        put(question), text
    )


@EVERY
def test_one_more_key_or_one_less_is_another_schema(question: Question):
    answer = json.loads(valid_answer(question))
    fewer = dict(list(answer.items())[1:])
    for wrong in ({**answer, "more": 1}, fewer, dict.fromkeys(answer), {}):
        with pytest.raises(NoValue) as caught:
            read_answer(put(question), json.dumps(wrong))
        assert caught.value.reason == "wrong_schema"


@EVERY
def test_a_word_that_is_not_on_the_list_is_never_mapped(question: Question):
    if not question.word:
        pytest.skip("any text will do")
    answer = json.loads(valid_answer(question))
    word = put(question).words[0]
    for near in (word.upper(), f"{word}s", f" {word}", "", f"{word}, {put(question).words[1]}"):
        with pytest.raises(NoValue) as caught:
            read_answer(put(question), json.dumps({**answer, question.word: near}))
        assert caught.value.reason == "not_in_vocabulary"


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@EVERY
@given(text=st.text(alphabet=string.printable) | ANY_JSON.map(json.dumps))
def test_no_text_makes_it_fall(question: Question, text: str):
    """The texts made here are no valid answers."""
    with pytest.raises(NoValue) as caught:
        read_answer(put(question), text)
    assert caught.value.reason in BROKEN


@EVERY
@pytest.mark.parametrize("odd", ["\\ud800", "\\u0000", "\\ud83d\\ude00"])
def test_odd_letters_can_be_stored_or_are_refused(question: Question, odd: str):
    for text in (f'{{"{odd}": 1}}', valid_answer(question).replace(" of ", f" {odd} ")):
        try:
            told = str(read_answer(put(question), text))
        except NoValue as none:
            told = str(none)
        assert told.encode()


@EVERY
def test_a_deep_answer_is_malformed(question: Question):
    with pytest.raises(NoValue):
        read_answer(put(question), '{"a":' * 100_000 + "1" + "}" * 100_000)


@EVERY
def test_all_that_is_said_is_part_of_the_key(question: Question):
    settings = {"model": "openai:m", "long_edge": 1024}
    key = put(question).key(settings)
    assert key.startswith(f"{question.name}-{question.version}-")
    assert put(question).key({**settings, "model": "openai:n"}) != key
    assert put(question).key({**settings, "long_edge": 512}) != key
    other = inquire(question, ("people", "animals", "food")).key(settings)
    assert (other != key) == question.needs_vocabulary


def test_names_and_columns_are_unlike_each_other_and_any_measures():
    columns = [name for question in QUESTIONS.values() for name in question.columns]
    assert len(columns) == len(set(columns))
    assert not QUESTIONS.keys() & MEASURES.keys()
    assert not set(columns) & {name for measure in MEASURES.values() for name in measure.columns}


def test_every_list_of_words_is_in_its_prompt():
    for question in QUESTIONS.values():
        inquiry = put(question)
        assert "{words}" not in inquiry.prompt
        assert all(word in inquiry.prompt for word in inquiry.words)
        assert not inquiry.words or "{words}" in question.asks
