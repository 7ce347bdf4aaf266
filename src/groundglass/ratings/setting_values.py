"""The values of a setting as levels: each word, each of few numbers, or parts of a range with as many images each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from groundglass.ratings.vote_table import MISSING
from groundglass.ratings.votes import Flags, Floats, Ints
from groundglass.text.format import some

BINS = 5
DISTINCT = 8
"""Up to so many different numbers are levels of their own."""
MOST_WORDS = 40
"""Different words above which a column holds names, not levels."""


@dataclass(frozen=True)
class LevelOf:
    """A level: a word, a number, or the numbers from ``low`` to ``high``."""

    name: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Setting:
    """The values of a setting that are known.

    known    (N) whether an image has a value; all other arrays have only those images
    codes    the position of each image's level in ``levels``
    numbers  the values themselves; None for words
    reason   why it cannot be compared; "" if it can
    """

    name: str
    kind: Literal["number", "word"]
    known: Flags
    codes: Ints
    levels: tuple[LevelOf, ...]
    numbers: Floats | None = None
    reason: str = ""
    notes: tuple[str, ...] = ()

    def only(self, kept: Flags) -> Setting:
        """The images that ``kept`` marks among those with a value."""
        return replace(
            self, codes=self.codes[kept], numbers=None if self.numbers is None else self.numbers[kept]
        )


def settings_of(columns: Mapping[str, Sequence[Any]]) -> list[Setting]:
    """The settings of columns of cells: numbers, words, or the text of either.

    >>> settings_of({"size": ["512", "768", "", "512"]})[0].levels
    (LevelOf(name='512', low=512.0, high=512.0), LevelOf(name='768', low=768.0, high=768.0))
    """
    return [_setting(name, cells) for name, cells in columns.items()]


def _setting(name: str, cells: Sequence[Any]) -> Setting:
    texts = [_text(cell) for cell in cells]
    known = np.array([text is not None for text in texts], np.bool_)
    words = [text for text in texts if text is not None]
    numbers = [_number(word) for word in words]
    odd = [word for word, value in zip(words, numbers, strict=True) if value is None]
    empty = np.zeros(len(words), np.int64)
    if not words:
        return Setting(name, "word", known, empty, (), reason="no image has a value")
    if not odd:
        values = np.array(numbers, np.float64)
        reason = f"{_all(known)} have {values[0]:g}" if values.min() == values.max() else ""
        codes, levels = _levels_of_numbers(values)
        return Setting(name, "number", known, codes, levels, values, reason)
    notes = ()
    if len(odd) < len(words):
        said = some(len(odd), "values")
        notes = (f"{name}: {said}, such as '{odd[0][:40]}', {'is not a number' if len(odd) == 1 else 'are not numbers'}"
                 ": all are compared as words",)  # fmt: skip
    different = sorted(set(words))
    reason = ""
    if len(different) == 1:
        reason = f"{_all(known)} have '{different[0][:40]}'"
    elif len(different) > MOST_WORDS:
        reason = f"{len(different):,} different words are names, not settings (at most {MOST_WORDS})"
        return Setting(name, "word", known, empty, (), None, reason, notes)
    place = {word: at for at, word in enumerate(different)}
    codes = np.array([place[word] for word in words], np.int64)
    return Setting(name, "word", known, codes, tuple(map(LevelOf, different)), None, reason, notes)


def _all(known: Flags) -> str:
    return "all images" if known.all() else f"all {known.sum():,} images with a value"


def _text(cell: Any) -> str | None:
    """A cell as text; None if it is missing."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return None
    text = str(cell).strip()
    return None if text.lower() in MISSING else text


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _levels_of_numbers(values: Floats) -> tuple[Ints, tuple[LevelOf, ...]]:
    """Each number, if there are few; else parts of the range with about as many images each."""
    different = np.unique(values)
    if len(different) <= DISTINCT:
        codes = np.searchsorted(different, values)
        return codes, tuple(LevelOf(f"{one:g}", one, one) for one in different.tolist())
    inner = np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1])
    # Equal numbers fall into the same part, so a part may be empty.
    used, codes = np.unique(np.searchsorted(np.unique(inner), values, side="left"), return_inverse=True)
    ends = [(values[codes == at].min(), values[codes == at].max()) for at in range(len(used))]
    return codes.astype(np.int64), tuple(
        LevelOf(f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}", float(low), float(high))
        for low, high in ends
    )
