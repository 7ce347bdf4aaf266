"""Files next to an image, in a folder or an archive: ``a.txt``, ``a.caption``, ``a.json`` and ``a.cls`` belong to
``a.jpg``.

Trainers keep captions in this way, and WebDataset shards keep facts. Texts are the column ``caption``, classes ``cls``;
the fields of a JSON object are columns. The closest name decides which image a file belongs to:

1. ``a.jpg.txt`` belongs to ``a.jpg``, as downloaders write it;
2. ``a.b.txt`` to ``a.b.jpg`` and ``a.b.png``;
3. ``a.caption.txt`` to all images with names that begin with ``a.``: WebDataset's key ends at the first dot. The part
   between the key and the ending is the column.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from groundglass.sources.archive_members import Member
from groundglass.sources.image_names import ending_of

KINDS = ("json", "caption", "txt", "cls")
"""Endings of such files; if two give the same column, the first one wins."""
_COLUMNS = {"json": "json", "caption": "caption", "txt": "caption", "cls": "cls"}
"""The column of a text without a column between key and ending; for JSON only if it is not an object."""
_LONGEST_NAME = 100


class Sidecar(NamedTuple):
    """A file next to an image: its ending, and the column of its text."""

    member: Member
    kind: str
    column: str


Pair = tuple[Member, tuple[Sidecar, ...]]
"""An image, and the files next to it, the closest first."""


def stem_of(name: str) -> str:
    """A name without its last ending: for ``a.json``, the stem of the images that it belongs to.

    >>> stem_of("x.y/a.b.jpg"), stem_of("a"), stem_of("x/.a")
    ('x.y/a.b', 'a', 'x/.a')
    """
    return name[: -len(ending) - 1] if (ending := ending_of(name)) else name


def key_of(name: str) -> str:
    """WebDataset's key: the name up to the first dot of the file, except for dots at its start.

    >>> key_of("x.y/a.b.jpg"), key_of("x/.a.b.jpg")
    ('x.y/a', 'x/.a')
    """
    folder, slash, file = name.rpartition("/")
    visible = file.lstrip(".")
    dots = file[: len(file) - len(visible)]
    return folder + slash + dots + visible.partition(".")[0]


def may_be_sidecar(member: Member) -> bool:
    """Whether a file has one of the endings of files next to images."""
    return member.error is None and ending_of(member.name) in KINDS


def pair(images: Sequence[Member], others: Sequence[Member]) -> tuple[list[Pair], list[Member]]:
    """Every image with the files next to it, and those of ``others`` that belong to no image.

    A file for a whole key belongs to an image with a two-part ending only if that image has no closer file.
    """
    if not others:
        return [(image, ()) for image in images], []
    by_name = _grouped(images, lambda name: name)
    by_stem, by_key = _grouped(images, stem_of), _grouped(images, key_of)
    found: dict[int, list[_Near]] = {}
    alone: list[Member] = []
    for member in others:
        kind, stem, key = (
            ending_of(member.name),
            _composed(stem_of(member.name)),
            _composed(key_of(member.name)),
        )
        owners = [(1, image) for image in by_name.get(stem, ())] or [
            (2, image) for image in by_stem.get(stem, ())
        ]
        of_key = by_key.get(key, ())
        if not owners or (owners[0][0] == 2 and stem == key and len(of_key) > len(owners)):
            near = {id(image) for _, image in owners}
            owners += [(3, image) for image in of_key if id(image) not in near]
        if not owners:
            alone.append(member)
        between = stem[len(key) + 1 :].replace(".", "_") if owners and owners[0][0] == 3 else ""
        sidecar = Sidecar(member, kind, between or _COLUMNS[kind])
        for level, image in owners:
            found.setdefault(id(image), []).append(_Near(level, KINDS.index(kind), member.name, sidecar))
    return [(image, _own(image, found.get(id(image), []))) for image in images], alone


class _Near(NamedTuple):
    level: int
    rank: int
    name: str
    sidecar: Sidecar


def _own(image: Member, near: list[_Near]) -> tuple[Sidecar, ...]:
    if len(near) > 1:
        near = sorted(near, key=lambda one: one[:3])
    if near and near[0].level < 3 and stem_of(image.name) != key_of(image.name):
        near = [one for one in near if one.level < 3]
    return tuple(one.sidecar for one in near)


def _grouped(images: Sequence[Member], part: Any) -> dict[str, list[Member]]:
    groups: dict[str, list[Member]] = {}
    for image in images:
        groups.setdefault(_composed(part(image.name)), []).append(image)
    return groups


def _composed(name: str) -> str:
    """``é`` as one letter: a Mac writes it as two, and a file from another system may be next to it."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def shared_keys(images: Iterable[Member]) -> dict[str, int]:
    """The number of images with a two-part ending that share their key with a one-part neighbour, by these endings.

    >>> shared_keys([Member(name, b"") for name in ("1.jpg", "1.seg.png", "2.jpg", "3.a.jpg")])
    {'seg.png': 1}
    """
    names = [image.name for image in images]
    plain = {key_of(name) for name in names if stem_of(name) == key_of(name)}
    counts: dict[str, int] = {}
    for name in names:
        key = key_of(name)
        if key in plain and stem_of(name) != key:
            ending = name[len(key) + 1 :]
            counts[ending] = counts.get(ending, 0) + 1
    return counts


def is_column(name: str) -> bool:
    """Whether a field's name can be a column name. In an expression it may need quotes: ``meta."2"" print"``.

    >>> is_column("caption"), is_column("a.b"), is_column('2" print'), is_column("")
    (True, True, True, False)
    """
    half = any("\ud800" <= letter <= "\udfff" for letter in name)
    return 0 < len(name) <= _LONGEST_NAME and "\0" not in name and not half


def merged(facts: Sequence[Mapping[str, Any]], spelled: dict[str, str]) -> tuple[dict[str, Any], list[str]]:
    """One image's facts, those of the closest file first, and the columns on which its files disagree.

    Names that differ only in case are one column, as in SQL; ``spelled`` remembers the first spelling.

    >>> merged([{"caption": "a cat"}, {"Caption": "cat, sofa", "w": 3}, {"w": 3}], {})
    ({'caption': 'a cat', 'w': 3}, ['caption'])
    >>> merged([{"s": "high", "S": 3}], {})
    ({'s': 'high'}, ['s, also spelled S in one file'])
    """
    found: dict[str, Any] = {}
    differing: list[str] = []
    for its in facts:
        written: dict[str, str] = {}
        for said, value in its.items():
            name = spelled.setdefault(said.lower(), said)
            twice = written.setdefault(name, said) != said
            what = f"{name}, also spelled {said} in one file" if twice else name
            if found.setdefault(name, value) != value and what not in differing:
                differing.append(what)
    return found, differing
