"""Files that are no recipes, or mean harm, are refused quickly and calmly; nothing else is ever raised."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from recipe_files import WHOLE, refusal, write

from groundglass.errors import RecipeError
from groundglass.recipes.load import LoadedRecipe, load_recipe
from groundglass.recipes.yaml_nodes import MOST_VALUES

SMALL = "name: é\nsteps:\n  - source: {folder: a}\n"
PLAIN_WORDS = """
steps select where as table intersect extends profiles null true .nan .inf 1e999 -1 0x10 0o8 2020-01-01
[ ] { } : ? | > # % @ ~ << --- ... *a " ' \\x é 𝕏
"""
WORDS = [
    *PLAIN_WORDS.split(),
    "9" * 30,
    "- ",
    "? ",
    "&a ",
    "!x ",
    "\n",
    "  ",
    "\t",
    "\x00",
    "\x85",
    "\u2028",
    "\ufeff",
]


def refused(path: Path) -> RecipeError:
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert caught.value.message.startswith(str(path))
    return caught.value


@pytest.mark.parametrize(
    ("raw", "says", "hint"),
    [
        ("name: x".encode("utf-16"), "this file is written in UTF-16", "save it as UTF-8"),
        (
            "name: x".encode("utf-16-be"),
            "this is not a text file",
            "give the path of a recipe, a text file such as faceup.yaml",
        ),
        (
            b"\x89PNG\r\n\x1a\n\x00\x00",
            "this is not a text file",
            "give the path of a recipe, a text file such as faceup.yaml",
        ),
        (b"#" * 1_000_001, "longer than 1,000,000 bytes: this is not a recipe", "give the path of a recipe"),
    ],
)
def test_files_that_are_no_text(tmp_path: Path, raw: bytes, says: str, hint: str) -> None:
    error = refused(write(tmp_path, raw))
    assert error.message == f"{tmp_path / 'r.yaml'}: {says}"
    assert error.hint == hint


def test_latin_1_is_told_at_the_byte(tmp_path: Path) -> None:
    found = refusal(write(tmp_path, b"seed: 1\n" + SMALL.encode("latin-1")))
    assert (found.at, found.says, found.hint) == (
        "2:7",
        "this byte (0xE9) is not UTF-8",
        "save the file as UTF-8",
    )


def test_a_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    assert load_recipe(write(tmp_path, b"\xef\xbb\xbf" + WHOLE.encode())).recipe.name == "whole"


def test_paths_that_lead_to_no_file(tmp_path: Path) -> None:
    write(tmp_path, WHOLE, "faceup.yaml")
    error = refused(tmp_path / "facup.yaml")
    assert error.message.endswith("facup.yaml: there is no such file")
    assert error.hint == f"recipes in {tmp_path}: faceup.yaml"
    assert refused(tmp_path).message == f"{tmp_path}: this is a folder, not a recipe"
    assert "cannot be read: file name too long" in refused(tmp_path / ("x" * 300)).message
    assert "cannot be read" in refused(tmp_path / "a\0b").message
    assert "cannot be read: not a directory" in refused(tmp_path / "faceup.yaml" / "b").message


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = write(tmp_path, WHOLE)
    path.chmod(0)
    assert refused(path).message == f"{path}: cannot be read: permission denied"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [" + "1," * 400_000 + "]", "this file has more values than a recipe can have"),
        ("- a\n" * 200_000, "this file has more values than a recipe can have"),
        ("a: " + "[" * 400_000, "this is nested deeper than a recipe can be"),
        ("".join(f"{'  ' * n}a:\n" for n in range(400)), "this is nested deeper than a recipe can be"),
        ("a: &a [*a]", "this alias contains itself"),
        (
            "a: &a [x,x,x,x,x,x,x,x,x]\n"
            + "".join(
                f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(20)
            ),
            "the aliases here unfold to more values than a recipe can have",
        ),
    ],
    ids=["flow", "block", "brackets", "indents", "self", "laughs"],
)
def test_bombs_are_refused_early(tmp_path: Path, text: str, says: str) -> None:
    path = write(tmp_path, text)
    with calls_at_most(300 * MOST_VALUES + 10 * len(text)):
        error = refused(path)
    assert f": {says}\n" in error.message


@contextmanager
def calls_at_most(most: int) -> Iterator[None]:
    """Fails as soon as more Python functions were called in the block: a count that is the same on every machine."""
    calls = 0

    def count(_frame: object, event: str, _of: object) -> None:
        nonlocal calls
        calls += event == "call"
        assert calls <= most, "it does not end early"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(before)


def test_small_aliases_are_plain_yaml(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    text = "name: x\nsteps:\n- source: {folder: &a p}\n- select: {where: &a q}\n- select: {where: *a}\n"
    steps = load_recipe(write(tmp_path, text)).recipe.steps
    assert steps[1].body == steps[2].body
    assert not recwarn.list


def loaded_or_refused(path: Path, *sets: str) -> LoadedRecipe | RecipeError:
    try:
        return load_recipe(path, sets)
    except RecipeError as error:
        return error


def mutate(text: str, edits: list[tuple[int, int, str]]) -> str:
    for position, length, word in edits:
        start = position % (len(text) + 1)
        text = text[:start] + word + text[start + length :]
    return text


EDITS = st.lists(
    st.tuples(
        st.integers(0, 3000), st.integers(0, 12), st.one_of(st.sampled_from(WORDS), st.text(max_size=3))
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=EDITS)
@example(edits=[(0, 3000, "name: [")])
@example(edits=[(0, 0, "? ")])
@example(edits=[(1, 0, "\x85")] * 4)
def test_a_mutated_recipe_loads_or_raises_recipe_error(
    tmp_path: Path, edits: list[tuple[int, int, str]]
) -> None:
    path = tmp_path / "r.yaml"
    path.write_bytes(mutate(WHOLE, edits).encode("utf-8", "surrogatepass"))
    found = loaded_or_refused(path)
    if isinstance(found, RecipeError):
        assert found.hint
        assert "Input should" not in found.message
        assert 1 <= len(found.message.split("\n")) <= 5
    else:
        again = load_recipe(write(tmp_path, found.text, "again.yaml"))
        assert again.recipe == found.recipe
        assert again.text == found.text


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=200))
def test_any_bytes_are_refused_calmly(tmp_path: Path, raw: bytes) -> None:
    refused(write(tmp_path, raw))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    keys=st.lists(
        st.one_of(
            st.sampled_from(
                ["steps", "tiles", "scores", "0", "3", "99", "transform", "tile", "measure", "limits"]
            ),
            st.text(max_size=4),
        ),
        max_size=5,
    ),
    value=st.one_of(st.sampled_from(WORDS), st.text(max_size=6)),
)
def test_any_override_loads_or_raises_recipe_error(tmp_path: Path, keys: list[str], value: str) -> None:
    found = loaded_or_refused(write(tmp_path, WHOLE), f"{'.'.join(keys)}={value}")
    assert isinstance(found, LoadedRecipe) or found.hint
