"""The columns of facts next to images: a type that holds every value, or else the values as text.

The first values alone never decide a type: if shard 1 says score 5 and shard 2 score 5.5, both are kept as written.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from groundglass.sources.sidecars import is_column
from groundglass.text.format import thousands

_EXACT = 2**53
"""Integers up to this one are exact as floating point too."""
_WORDS = {
    "truth": "true or false",
    "whole": "whole numbers",
    "number": "numbers",
    "long": "whole numbers that floating point would round",
    "large": "numbers with more digits than a column can hold",
    "text": "text",
    "nested": "lists or objects",
}


@dataclass(frozen=True)
class Columns:
    """The columns of a source's facts.

    types    the columns, and the SQL type that fits all values of each
    mixed    columns that are text because their values are of several kinds: the count of each kind
    unusable names that cannot be column names
    """

    types: Mapping[str, str] = field(default_factory=dict)
    mixed: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    unusable: tuple[str, ...] = ()


def columns_of(facts: Iterable[Mapping[str, Any]]) -> Columns:
    """The columns of these facts.

    >>> columns_of([{"w": 3840, "ratio": 1}, {"w": None, "ratio": 1.5, "tags": ["a"], "": 1}]).types
    {'w': 'BIGINT', 'ratio': 'DOUBLE', 'tags': 'VARCHAR'}
    >>> columns_of([{"score": 5}, {"score": "high"}]).mixed
    {'score': {'whole': 1, 'text': 1}}
    """
    kinds: dict[str, Counter[str]] = {}
    unusable: dict[str, None] = {}
    for its in facts:
        for name, value in its.items():
            if name not in kinds:
                if not is_column(name):
                    unusable[name] = None
                    continue
                kinds[name] = Counter()
            if value is not None:
                kinds[name][_kind(value)] += 1
    types = {name: _sql_type(found) for name, found in kinds.items()}
    mixed = {
        name: dict(found) for name, found in kinds.items() if types[name] == "VARCHAR" and len(found) > 1
    }
    return Columns(types, mixed, tuple(unusable))


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, int):
        return "whole" if abs(value) <= _EXACT else "long" if -(2**63) <= value < 2**63 else "large"
    return "number" if isinstance(value, float) else "text" if isinstance(value, str) else "nested"


def _sql_type(kinds: Iterable[str]) -> str:
    found = set(kinds)
    fitting = (("BOOLEAN", {"truth"}), ("BIGINT", {"whole", "long"}), ("DOUBLE", {"whole", "number"}))
    for sql_type, those in fitting:
        if found and found <= those:
            return sql_type
    return "VARCHAR"


def mixed_in_words(columns: Columns, stated: Container[str] = ()) -> list[str]:
    """A note for each column that is text because its values are of several kinds, without the ``stated`` ones.

    >>> mixed_in_words(columns_of([{"score": 5}, {"score": "high"}]))
    ['meta.score is kept as text: it is whole numbers in 1, text in 1']
    """
    return [
        f"meta.{name} is kept as text: it is "
        + ", ".join(f"{_WORDS[kind]} in {thousands(count)}" for kind, count in kinds.items())
        for name, kinds in columns.mixed.items()
        if name not in stated
    ]


def converted(value: Any, sql_type: str) -> Any:
    """A value in the type of its column; None if it does not fit the type.

    >>> converted("3840", "BIGINT"), converted("wide", "BIGINT"), converted(["a"], "VARCHAR"), converted(1, "BOOLEAN")
    (3840, None, '["a"]', True)
    """
    if value is None:
        return None
    try:
        return _CONVERT[sql_type](value)
    except (TypeError, ValueError, OverflowError):
        return None


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # A lone surrogate cannot be written.
    return text.encode("utf-8", "replace").decode("utf-8")


def _whole(value: Any) -> int | None:
    number = int(_digits(value)) if isinstance(value, str) else value
    return int(number) if number == int(number) and abs(number) < 2**63 else None


def _floating(value: Any) -> float:
    return float(_digits(value) if isinstance(value, str) else value)


def _digits(text: str) -> str:
    # int() and float() accept 1_000, which only Python writes.
    if "_" in text:
        raise ValueError(text)
    return text


def _truth(value: Any) -> bool | None:
    words: dict[Any, bool] = {"true": True, "false": False, "1": True, "0": False}
    return words.get(str(value).strip().lower())


_CONVERT: dict[str, Any] = {"VARCHAR": _text, "BIGINT": _whole, "DOUBLE": _floating, "BOOLEAN": _truth}
