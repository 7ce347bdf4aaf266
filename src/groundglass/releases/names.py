"""File names that every trainer accepts: no spaces (meta_info is split at them), no dots (LMDB keys)."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from groundglass.image.region import Crop, Made, Resize, parse

LONGEST = 120
"""The most UTF-8 bytes of a stem: with suffix and temporary ending it stays below the 255 of file systems."""

_UNSAFE = re.compile(r"[\s.,/\\:*?\"<>|\x00-\x1f\x7f\ud800-\udfff]+")
_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))]
)


@dataclass(frozen=True)
class Named:
    """The facts that a name is made from: one row of the release."""

    root: str
    uri: str
    sha256: str
    region: str
    split: str


def name_rows(rows: Sequence[Named], how: str) -> list[str]:
    """The stem of each row's file, in the order of the rows.

    ``how`` is "number" (0000, 0001 … within each split), "keep" (the photo's own name made safe, tiles
    as ``name_s001`` in reading order) or "hash" (16 hex digits of photo and region).
    Stems differ, even if case is ignored, within a split ("number") or in the whole release (the
    others).

    >>> photo = Named("r1", "holiday/IMG 0113.v2.jpg", "ab", "", "train")
    >>> name_rows([photo], "keep"), name_rows([photo], "number")
    (['IMG_0113_v2'], ['0000'])
    """
    return NAMINGS[how](rows)


def safe_stem(uri: str) -> str:
    """The stem of a path in a form that trainers accept; letters of any script stay.

    >>> safe_stem("sea/--Ångström  no.3.tif"), safe_stem("日本.png"), safe_stem("...")
    ('Ångström_no_3', '日本', 'image')
    """
    name = uri.rsplit("/", 1)[-1]
    stem, dot, ending = name.rpartition(".")
    stem = stem if dot and stem and ending.isalnum() else name
    stem = _UNSAFE.sub("_", unicodedata.normalize("NFC", stem))
    stem = "".join(letter for letter in stem if letter.isprintable())
    stem = stem.encode()[:LONGEST].decode(errors="ignore").strip("_-~ ")
    if not stem:
        return "image"
    return f"{stem}_" if stem.casefold() in _RESERVED else stem


ENDINGS: dict[str, tuple[str, ...]] = {
    "JPEG": ("jpg", "jpeg", "jpe", "jfif"),
    "PNG": ("png", "apng"),
    "GIF": ("gif",),
    "BMP": ("bmp", "dib"),
    "TIFF": ("tif", "tiff"),
    "ICO": ("ico",),
    "JXL": ("jxl",),
    "JPEG2000": ("jp2", "j2k", "jpf", "jpx", "j2c", "jpc"),
    "PSD": ("psd",),
    "QOI": ("qoi",),
    "WEBP": ("webp",),
    "PPM": ("ppm", "pgm", "pbm", "pnm"),
    "AVIF": ("avif",),
    "HEIF": ("heic", "heif"),
}
"""Endings that match a file's format; the first one is used if its own does not match."""


def own_ending(uri: str, format: str) -> str:
    """The ending of a photo's own file, in its spelling if it matches the content.

    >>> own_ending("a/IMG_1.JPEG", "JPEG"), own_ending("a/renamed.jpg", "PNG"), own_ending("no ending", "WEBP")
    ('JPEG', 'png', 'webp')
    """
    ending = uri.rsplit("/", 1)[-1].rpartition(".")[2]
    fitting = ENDINGS.get(format, (format.lower(),))
    return ending if ending.lower() in fitting else fitting[0]


def _numbers(rows: Sequence[Named]) -> list[str]:
    count: defaultdict[str, int] = defaultdict(int)
    positions: list[int] = []
    for row in rows:
        positions.append(count[row.split])
        count[row.split] += 1
    width = {split: max(4, len(str(total - 1))) for split, total in count.items()}
    return [f"{position:0{width[row.split]}d}" for row, position in zip(rows, positions, strict=True)]


def _hashes(rows: Sequence[Named]) -> list[str]:
    taken: set[str] = set()
    digests = (hashlib.sha256(f"{row.sha256}\n{row.region}".encode()).hexdigest()[:16] for row in rows)
    return [_unique(digest, taken) for digest in digests]


def _kept(rows: Sequence[Named]) -> list[str]:
    """Stems are assigned in the order of the uris, so the rows' order does not affect files with equal names."""
    roots = {row.root: row for row in rows}
    taken: set[str] = set()
    ordered = sorted(roots.values(), key=lambda row: (row.uri, row.root))
    stems = {row.root: _unique(safe_stem(row.uri), taken) for row in ordered}
    numbers = _tile_numbers(rows)
    return [
        _unique(f"{stems[row.root]}_s{numbers[row.root, row.region]:03d}", taken)
        if (row.root, row.region) in numbers
        else stems[row.root]
        for row in rows
    ]


def _tile_numbers(rows: Iterable[Named]) -> Mapping[tuple[str, str], int]:
    """Tiles of one photo, counted from 1 in reading order, the largest scale first."""
    regions: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.region:
            regions[row.root].add(row.region)
    return {
        (root, region): number
        for root, found in regions.items()
        if not (len(found) == 1 and all(map(_is_whole, found)))
        for number, region in enumerate(sorted(found, key=_reading_order), start=1)
    }


def _is_whole(region: str) -> bool:
    """Whether steps made an image from a whole photo, at most cropped to a multiple of a scale before each."""
    steps = parse(region)
    tiles = sum(isinstance(step, Crop) and bool(step.x or step.y) for step in steps)
    twice = any(isinstance(one, Crop) and isinstance(after, Crop) for one, after in pairwise(steps))
    kinds = all(isinstance(step, Crop | Made) for step in steps)
    return kinds and isinstance(steps[-1], Made) and not tiles and not twice


def _reading_order(region: str) -> tuple[int, int, int, str]:
    width, x, y = 1 << 40, 0, 0
    for step in parse(region):
        if isinstance(step, Resize):
            width = step.width
        elif isinstance(step, Crop):
            x, y = step.x, step.y
    return -width, y, x, region


def _unique(stem: str, taken: set[str]) -> str:
    """The stem, with the first free number appended if it is taken; the result is marked as taken."""
    # Names that differ only in case are one file on macOS and Windows.
    candidate, number = stem, 1
    while candidate.casefold() in taken:
        number += 1
        candidate = f"{stem}_{number}"
    taken.add(candidate.casefold())
    return candidate


NAMINGS: dict[str, Callable[[Sequence[Named]], list[str]]] = {
    "number": _numbers,
    "keep": _kept,
    "hash": _hashes,
}
"""All ways to name files that a recipe may use."""
