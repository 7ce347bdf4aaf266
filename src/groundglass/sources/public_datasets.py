"""The public sets that people start from: what is known of each, and how a source is recognised as one of them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

FILE = Path(__file__).with_name("public_datasets.toml")
Kind = Literal["photos", "tiles", "faces", "links", "pairs", "rated", "test"]
KINDS: Mapping[Kind, str] = {
    "photos": "Photos",
    "tiles": "Tiles that others have chosen",
    "faces": "Faces",
    "links": "Lists of links",
    "pairs": "Pairs of a degraded image and its ground truth",
    "rated": "Images that people rated",
    "test": "Test sets",
}
"""Every kind of set with its heading on the page, in the order of the page."""
FACTS = ("images", "size", "files", "licence", "test", "leaks")
"""The facts of a set: each that is stated has its source."""
PHRASES: Mapping[str, str] = {
    "academic research": "for academic research only, in the words of its publisher",
    "non-commercial research": "for non-commercial research only, in the words of its publisher",
    "own terms": "terms of its own, which its page states",
    "per image": "each image has its own licence",
    "of its sources": "the licences of the sets that it was made of",
    "none stated": "its publisher states none",
}
"""Licences that have no SPDX id, and what each phrase means."""
SOURCES: Mapping[str, str] = {
    "its paper": "the paper that describes the set",
    "general knowledge": "widely known, and not checked for this table",
    "measured": "measured with groundglass",
}
"""Sources of facts that are not links."""
TOLERANCE = 0.02
"""How far a median side may be from that of a known set."""


@dataclass(frozen=True)
class PublicDataset:
    """One public set. A fact that is not known is None or empty.

    kind      which table of the page it is in
    home      its page
    also      names of its folders and archives, in small letters, without any other sign
    images    how many images it has, test images included; ``images_note`` says it better where it is not exact
    size      median (width, height) in px; ``size_note`` says something weaker where that is not known
    files     format of its files, and how strongly they are compressed
    licence   an SPDX id, or one of `PHRASES`
    test      its own hold-out
    leaks     images that it shares with other sets, or has several times
    source    fact → link, or one of `SOURCES`; of several leaks, one for all or one for each
    """

    name: str
    kind: Kind
    home: str = ""
    also: tuple[str, ...] = ()
    images: int | None = None
    images_note: str = ""
    size: tuple[int, int] | None = None
    size_note: str = ""
    files: str = ""
    licence: str = ""
    test: str = ""
    leaks: tuple[str, ...] = ()
    measured_on: str = ""
    source: Mapping[str, str | list[str]] = field(default_factory=dict)

    def states(self, fact: str) -> bool:
        """Whether one of `FACTS` is known."""
        return bool(getattr(self, fact) or getattr(self, f"{fact}_note", ""))

    def sources_of(self, fact: str) -> tuple[str, ...]:
        """The source of each statement of a fact; one that is given for all of them is there once."""
        source = self.source[fact]
        return (source,) if isinstance(source, str) else tuple(source)


@cache
def public_datasets() -> tuple[PublicDataset, ...]:
    """All of them, in the order of the file.

    >>> next(known.size for known in public_datasets() if known.name == "CelebA")
    (178, 218)
    """
    rows = tomllib.loads(FILE.read_text(encoding="utf-8"))["set"]
    return tuple(PublicDataset(**{key: _frozen(value) for key, value in row.items()}) for row in rows)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def recognise(label: str, width: float, height: float) -> PublicDataset | None:
    """The set that a source looks like: its name is in the source's label, and the median size agrees.

    ``label`` is what the source is called, such as the path of its folder; ``width`` and ``height`` are the medians of
    its images in px, in either orientation. None where the name or the size is another one.

    >>> recognise("data/img_align_celeba", 178, 218).name
    'CelebA'
    >>> recognise("data/celeba", 1024, 1024), recognise("data/mine", 178, 218)
    (None, None)
    """
    for known in public_datasets():
        if known.size and _named(known, label) and _as_large(known.size, width, height):
            return known
    return None


def recognise_test_set(label: str, images: int) -> PublicDataset | None:
    """The test set that a source looks like: its name is in the source's label, and it has as many images.

    >>> recognise_test_set("benchmarks/Set5", 5).name
    'Set5'
    >>> recognise_test_set("benchmarks/Set5", 6)
    """
    for known in public_datasets():
        if known.kind == "test" and known.images == images and _named(known, label):
            return known
    return None


def _named(known: PublicDataset, label: str) -> bool:
    """Whether one of the set's names is in a label, as whole words: ``bsd 100`` is BSD100, ``absd1000`` is not."""
    words = re.findall(r"[a-z0-9]+", label.lower())
    starts = range(len(words))
    joined = {"".join(words[start : start + count]) for start in starts for count in (1, 2, 3)}
    return any(name in joined for name in known.also)


def _as_large(size: tuple[int, int], width: float, height: float) -> bool:
    near = [abs(a - b) <= TOLERANCE * b for a, b in zip(sorted((width, height)), sorted(size), strict=True)]
    return all(near)
