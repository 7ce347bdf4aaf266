"""What lies beside a picture in an archive: ``a.json``, ``a.txt`` and ``a.cls`` belong to ``a.jpg``.

This is how WebDataset shards keep captions and facts. The fields of the JSON object are columns; the text is the
column ``caption``, the class ``cls``, where the object does not say them itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from groundglass.errors import ImageError
from groundglass.files.locators import read
from groundglass.sources.archive_members import Member

KINDS = ("json", "txt", "cls")
LARGEST = 1 << 20
"""Bytes of such a file at most."""
SAMPLE = 100
"""Pictures whose files are looked at to learn which columns there are."""
_LONGEST_NAME = 100


def stem_of(name: str) -> str:
    """A name without its last ending: what ``a.json`` belongs to.

    >>> stem_of("x.y/a.b.jpg"), stem_of("a")
    ('x.y/a.b', 'a')
    """
    folder, slash, file = name.rpartition("/")
    return folder + slash + (file.rpartition(".")[0] or file)


def key_of(name: str) -> str:
    """WebDataset's key: the name up to the first dot of the file.

    >>> key_of("x.y/a.b.jpg")
    'x.y/a'
    """
    folder, slash, file = name.rpartition("/")
    return folder + slash + file.partition(".")[0]


Pair = tuple[Member, Mapping[str, Member]]


def pair(members: Sequence[Member]) -> list[Pair]:
    """Every member but companions of another, with its companions by their kind."""
    companions: dict[str, dict[str, Member]] = {}
    for member in members:
        ending = member.name.rpartition(".")[2].lower()
        if ending in KINDS and member.error is None:
            companions.setdefault(stem_of(member.name), {}).setdefault(ending, member)
    taken = {id(member) for found in companions.values() for member in found.values()}
    pictures = [member for member in members if id(member) not in taken]
    pairs: list[Pair] = []
    owned: set[str] = set()
    for picture in pictures:
        stem = next((s for s in (stem_of(picture.name), key_of(picture.name)) if s in companions), None)
        owned |= {stem} if stem is not None else set()
        pairs.append((picture, companions[stem] if stem is not None else {}))
    alone = [(m, {}) for stem, found in companions.items() if stem not in owned for m in found.values()]
    return pairs + alone


def facts_of(companions: Mapping[str, Member]) -> tuple[dict[str, Any], str | None]:
    """What the companions say, and which of them cannot be read."""
    facts: dict[str, Any] = {}
    wrong: list[str] = []
    for kind in KINDS:
        if kind in companions:
            try:
                facts = _parsed(kind, companions[kind]) | facts
            except (ImageError, ValueError, RecursionError) as error:
                wrong.append(f"{companions[kind].name} cannot be used: {error}")
    return facts, "; ".join(wrong)[:300] or None


def _parsed(kind: str, member: Member) -> dict[str, Any]:
    if (member.size or 0) > LARGEST:
        raise ValueError(f"larger than {LARGEST:,} bytes")
    text = read(member.locator).decode("utf-8")
    if kind != "json":
        return {{"txt": "caption", "cls": "cls"}[kind]: text.strip()}
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    return found


def is_column(name: str) -> bool:
    """Whether a field's name can be a column's. In an expression it may need quotes: ``meta."2"" print"``.

    >>> is_column("caption"), is_column("a.b"), is_column('2" print'), is_column("")
    (True, True, True, False)
    """
    half = any("\ud800" <= letter <= "\udfff" for letter in name)
    return 0 < len(name) <= _LONGEST_NAME and "\0" not in name and not half


def column_types(samples: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The columns of these facts with the SQL type that fits all their values; of two names that differ in capitals
    only the first counts.

    >>> column_types([{"width": 3840, "ratio": 1}, {"width": None, "ratio": 1.5, "tags": ["a"]}])
    {'width': 'BIGINT', 'ratio': 'DOUBLE', 'tags': 'VARCHAR'}
    """
    kinds: dict[str, set[type]] = {}
    spelled: dict[str, str] = {}
    for facts in samples:
        for name, value in facts.items():
            if is_column(name) and spelled.setdefault(name.lower(), name) == name:
                kinds.setdefault(name, set()).update([] if value is None else [type(value)])
    return {name: _sql_type(found) for name, found in kinds.items()}


def _sql_type(kinds: set[type]) -> str:
    for sql_type, fitting in (("BOOLEAN", {bool}), ("BIGINT", {int}), ("DOUBLE", {int, float})):
        if kinds and kinds <= fitting:
            return sql_type
    return "VARCHAR"


def converted(value: Any, sql_type: str) -> Any:
    """A value as its column has it; None where it is none of that type.

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
    return text.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate cannot be written


def _whole(value: Any) -> int | None:
    number = int(value) if isinstance(value, str) else value
    return int(number) if number == int(number) and abs(number) < 2**63 else None


def _truth(value: Any) -> bool | None:
    words: dict[Any, bool] = {"true": True, "false": False, "1": True, "0": False}
    return words.get(str(value).strip().lower())


_CONVERT: dict[str, Any] = {"VARCHAR": _text, "BIGINT": _whole, "DOUBLE": float, "BOOLEAN": _truth}
