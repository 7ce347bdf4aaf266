"""JSON objects as rows: one on each line (JSON Lines), or all in one array. Fields may have any type in any row.

This uses Python's own reader, since it keeps numbers as written: ``1.10`` stays 1.10 if the column is text, and
integers have no upper limit.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from groundglass.sources.table_rows import Rows
from groundglass.sources.table_types import BOOLEAN, LISTS, TEXT
from groundglass.sources.text_stream import HEAD, Utf8Stream, decoded

BATCH = 20_000
"""Rows that are in memory at a time."""
_MARK = "\ufeff"
_EXACT = 1 << 53
"""Integers up to this one are exact as doubles."""


class _Fraction(str):
    """A number with a point or an exponent, as written."""

    __slots__ = ()


_SORTS: dict[type, str] = {
    bool: BOOLEAN,
    int: "numbers",
    _Fraction: "numbers",
    str: TEXT,
    list: LISTS,
    dict: LISTS,
}
"""The sort of each type of value, in words."""


class _Doubled(ValueError):
    """An object has the same name twice."""


def rows(path: Path, columns: Sequence[str] | None, text: Sequence[str] = ()) -> Iterator[Rows]:
    """The table's rows with these columns (None: all columns); those of ``text`` as text, whatever their values.

    If a few rows have values of several types, they are text. Lists and objects are lists with one text, their JSON.
    Raises ValueError for damage.
    """
    objects: list[dict[str, Any]] = []
    places: list[str] = []
    guessed: set[str] = set()
    sorts = _Sorts()
    first = 0
    for place, found, was_guessed in _objects(path):
        objects.append(found)
        places.append(place)
        if was_guessed:
            guessed.update(name for name, value in found.items() if not str(value).isascii())
        if len(objects) == BATCH:
            table = _table(objects, columns, text, partial(sorts.look, places))
            yield Rows(table, first, guessed=frozenset(guessed), mixed=dict(sorts.mixed))
            first += BATCH
            objects, places, guessed = [], [], set()
    table = _table(objects, columns, text, partial(sorts.look, places))
    yield Rows(table, first, guessed=frozenset(guessed), mixed=dict(sorts.mixed))


class _Sorts:
    """The sort of values in each column.

    mixed  columns with values of several sorts, with the place of the first one of a second sort, in words
    """

    def __init__(self) -> None:
        self._first: dict[str, str] = {}
        self.mixed: dict[str, str] = {}

    def look(self, places: Sequence[str], name: str, values: Sequence[Any], kinds: Collection[type]) -> None:
        """Record the values of a column with the types ``kinds``; ``places`` are their lines in words."""
        if name in self.mixed or not kinds:
            return
        usual = self._first.setdefault(
            name, next(_SORTS[type(value)] for value in values if value is not None)
        )
        if any(_SORTS[kind] != usual for kind in kinds):
            number = next(n for n, v in enumerate(values) if v is not None and _SORTS[type(v)] != usual)
            self.mixed[name] = f"{usual}, and {_SORTS[type(values[number])]} from {places[number]} on"


def _objects(path: Path) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Every object with its place in words, and whether its text was read as Windows-1252."""
    stream = Utf8Stream(path)
    try:
        head = stream.read(HEAD)
        if head.removeprefix(_MARK.encode()).lstrip()[:1] == b"[":
            whole, guessed = decoded(head + stream.read())
            for number, found in enumerate(_array(whole.strip(_MARK)), 1):
                yield f"element {number:,}", found, guessed
        else:
            yield from _lines(io.BufferedReader(_Rest(stream, head)))
    finally:
        stream.close()


class _Rest(io.RawIOBase):
    """A stream with its head, which was read before, put back in front."""

    def __init__(self, stream: Utf8Stream, head: bytes) -> None:
        super().__init__()
        self._stream, self._head = stream, head

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._head or self._stream.read(len(buffer))
        piece, self._head = data[: len(buffer)], data[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


def _lines(lines: Iterable[bytes]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    for number, line in enumerate(lines, 1):
        try:
            text, guessed = decoded(line)
            text = text.strip(_MARK + " \t\r\n")
            if text:
                yield f"line {number:,}", _object(_decode(text)), guessed
        except UnicodeDecodeError as error:
            raise ValueError(f"line {number} is neither UTF-8 nor Windows-1252") from error
        # Every line is checked for repeated names: which of the two values is meant cannot be known.
        except _Doubled as error:
            raise ValueError(f"line {number} {error}") from error
        except (ValueError, RecursionError) as error:
            raise ValueError(f"line {number} is not a JSON object: {error}") from error


def _array(text: str) -> Iterator[dict[str, Any]]:
    """The objects in an array, one after the other."""
    at = _after_space(text, text.index("[") + 1)
    number = 0
    while text[at : at + 1] != "]":
        number += 1
        try:
            found, at = _DECODER.raw_decode(text, at)
            yield _object(found)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"element {number} of its array is not a JSON object: {error}") from error
        at = _after_space(text, at)
        if text[at : at + 1] == ",":
            at = _after_space(text, at + 1)
        elif text[at : at + 1] != "]":
            raise ValueError(f"its array ends early, after element {number}")


def _after_space(text: str, at: int) -> int:
    while text[at : at + 1].isspace():
        at += 1
    return at


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"found {_json(value)[:40]}")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Doubled(f"has '{twice}' twice")
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_float=_Fraction, parse_constant=_Fraction)
_decode = _DECODER.decode


def _table(
    objects: Sequence[dict[str, Any]],
    columns: Sequence[str] | None,
    text: Sequence[str],
    look: Callable[[str, Sequence[Any], Collection[type]], None],
) -> pa.Table:
    if columns is None:
        columns = list(dict.fromkeys(chain.from_iterable(objects)))
    as_text = frozenset(text)
    found: dict[str, pa.Array] = {}
    for name in columns:
        values = [row.get(name) for row in objects]
        kinds = set(map(type, values)) - {type(None)}
        if name not in as_text:
            look(name, values, kinds)
        found[name] = _column(values, kinds, name in as_text)
    return pa.table(found) if found else pa.table({"": pa.nulls(len(objects))})


def _column(values: list[Any], kinds: set[type], as_text: bool) -> pa.Array:
    if not kinds and not as_text:
        # Nulls without a type: the values of other rows decide.
        return pa.nulls(len(values))
    if not as_text:
        if kinds <= {dict, list}:
            return pa.array([None if v is None else [_json(v)] for v in values], pa.list_(pa.string()))
        if kinds == {bool}:
            return pa.array(values, pa.bool_())
        if kinds == {int} and (whole := _whole(values)) is not None:
            return whole
        if kinds <= {int, _Fraction} and all(abs(v) <= _EXACT for v in values if type(v) is int):
            return pa.array([None if v is None else float(v) for v in values], pa.float64())
    return _texts([None if value is None else _as_text(value) for value in values])


def _whole(values: list[int | None]) -> pa.Array | None:
    for kind in (pa.int64(), pa.uint64()):
        try:
            return pa.array(values, kind)
        except (OverflowError, pa.ArrowInvalid):
            continue
    return None


def _as_text(value: Any) -> str:
    return str(value) if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    """A value as JSON, with its fractions as written."""
    if isinstance(value, _Fraction):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_json, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_json(name)}: {_json(part)}" for name, part in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def _texts(values: list[str | None]) -> pa.Array:
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:
        # Half of a surrogate pair, which UTF-8 cannot encode.
        whole = (None if v is None else v.encode("utf-8", "replace").decode("utf-8") for v in values)
        return pa.array(list(whole), pa.string())
