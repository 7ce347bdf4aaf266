"""Errors in a recipe, worded so that the user can fix them: the place, the line, and the nearest valid word."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from groundglass.errors import RecipeError
from groundglass.text.format import terminal_cells
from groundglass.text.suggest import nearest as nearest_word

WIDEST = 96
"""Characters of a source line that a message shows."""

SYNONYMS: dict[str, str] = {
    "license": "licence",
    "allow_unknown_license": "allow_unknown_licence",
    "path": "folder",
    "folders": "folder",
    "directory": "folder",
    "dir": "folder",
    "images": "folder",
    "filter": "where",
    "expression": "where",
    "top": "top_k",
    "dedupe": "deduplicate",
    "dedup": "deduplicate",
    "decontamination": "decontaminate",
    "leaks": "decontaminate",
    "validate": "hold_out",
    "val": "validation",
    "column": "by",
    "group_by": "per",
    "scales": "lr_scales",
    "metric": "measure",
    "prefix": "as",
}
"""Words of other tools, and the words used here; they are suggested only if that word is valid at the place."""

LATER: dict[str, tuple[str, ...]] = {
    "step": (),
    "benchmark": ("networks",),
    "source": ("download", "hub", "video"),
    "select": ("licence",),
    "release": ("croissant",),
    "format": ("lmdb", "webdataset", "parquet"),
}
"""Words of the grammar that later versions will add, by the key that they belong to."""

EMPTY = "this recipe is empty"
TOO_MANY = "more values than a recipe can have"
TOO_DEEP = "nested deeper than a recipe can be"

_YAML_PROBLEMS: tuple[tuple[str, str, str], ...] = (
    (TOO_MANY, "this file has more values than a recipe can have", "give the path of a recipe"),
    (TOO_DEEP, "this is nested deeper than a recipe can be", "remove the inner brackets"),
    ("'\\t'", "a tab cannot indent a recipe", "use spaces, two for each level"),
    (
        "mapping values are not",
        "this `:` is not expected here",
        "a `:` may be missing above, or a text needs quotes",
    ),
    (
        "expected ',' or",
        "a bracket is not closed, or a comma is missing",
        "close it with ] or }; put a : in quotes",
    ),
    ("expected the node content", "a value is missing here", "write one, or close the bracket"),
    ("unexpected end of stream", "a quote is not closed", "close it with the same quote"),
    ("could not find expected ':'", "a `:` is missing after this", "write `key: value`"),
    (
        "expected <block end>",
        "this line does not fit the lines above",
        "check the indentation and the dashes",
    ),
    (
        "but found another document",
        "a file holds one recipe; a second begins here",
        "keep one and delete the `---`",
    ),
    ("undefined alias", "a text cannot begin with *", "put the text in quotes"),
    ("expected alphabetic or numeric", "a text cannot begin with * or &", "put the text in quotes"),
    ("cannot start any token", "a text cannot begin with this character", "put the text in quotes"),
    (
        "found unknown escape character",
        "this backslash has no meaning here",
        "use single quotes around the text",
    ),
)
"""Parts of the YAML reader's messages, with the sentence and the hint to show to the author of a recipe."""


@dataclass(frozen=True)
class Mark:
    """A place in a recipe.

    file     the file's path as typed, or "--set"
    line     from 1; 0 on the command line
    column   from 1, in characters
    text     the whole line
    length   number of characters to underline
    """

    file: str
    line: int
    column: int
    text: str
    length: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


def error_at(mark: Mark, message: str, hint: str = "") -> RecipeError:
    """An error with a message that shows the place.

    >>> print(error_at(Mark("a.yaml", 3, 1, "sed: 7", 3), "`sed` is not a key here").message)
    a.yaml:3:1: `sed` is not a key here
      3 | sed: 7
        | ^^^
    """
    sentence = "".join(_visible(letter) for letter in message)  # a key may hold line ends of any kind
    return RecipeError(f"{mark}: {sentence}\n{snippet(mark)}", hint)


def snippet(mark: Mark) -> str:
    """The line with carets under the marked characters."""
    start = max(0, mark.column - 1 - WIDEST // 2) if len(mark.text) > WIDEST else 0
    shown = "".join(_visible(letter) for letter in mark.text[start : start + WIDEST])
    before = shown[: mark.column - 1 - start]
    room = len(shown) - len(before)
    gutter = f"{mark.line} | " if mark.line else f"{mark.file} "
    blank = f"{' ' * len(str(mark.line))} | " if mark.line else " " * len(gutter)
    caret = " " * terminal_cells(before) + "^" * max(
        1, terminal_cells(shown[len(before) : len(before) + min(mark.length, room)])
    )
    return f"  {gutter}{shown}\n  {blank}{caret}"


def _visible(letter: str) -> str:
    return letter if letter.isprintable() else " " if letter.isspace() else "·"


def nearest(word: object, valid: Iterable[str]) -> str | None:
    """The valid word that was probably meant: the word used here for one of another tool, or the most similar word.

    >>> nearest("blockines", ["sharpness", "blockiness"])
    'blockiness'
    >>> nearest("license", ["licence"])
    'licence'
    >>> nearest("x", ["licence"]) is None
    True
    """
    words = list(valid)
    synonym = SYNONYMS.get(str(word).lower())
    return synonym if synonym in words else nearest_word(str(word), words)


def choose(word: object, valid: Iterable[str], what: str = "one of") -> tuple[str, str]:
    """The end of a sentence about a wrong word, and the hint: the nearest word, and all valid words.

    >>> choose("sed", ["seed", "name"])
    ('; did you mean `seed`?', 'one of: name, seed')
    """
    words = sorted(valid)
    close = nearest(word, words)
    return f"; did you mean `{close}`?" if close else "", f"{what}: {', '.join(words)}"


def quoted(value: object) -> str:
    """A value in a form for a sentence: short, on one line.

    >>> quoted(True), quoted("a b"), quoted((1, 2))
    ('true', "'a b'", 'a list')
    """
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping of keys"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, int) and abs(value) >= 10**18:
        return "a number that long"
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:36]}…{text[-1]}"


def yaml_problem(mark: Mark, problem: str) -> RecipeError:
    """A fault that the YAML reader found, in plain words."""
    if mark.text[: mark.column].strip(" ") == "\t":
        problem = "'\\t'"
    for part, message, hint in _YAML_PROBLEMS:
        if part in problem:
            return error_at(mark, message, hint)
    return error_at(
        mark, f"this is not valid YAML: {problem or 'not readable'}", "check quotes, brackets and indentation"
    )


def later(word: str, mark: Mark) -> RecipeError:
    """The error for a word of the grammar that this version does not support yet."""
    return error_at(
        mark, f"`{word}` is not supported yet: a later version will add it", "leave it out for now"
    )
