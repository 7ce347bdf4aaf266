"""Thumbnails on sprite sheets: the place of each image, and the sheets as files.

One file per thumbnail, or images inside the page's text, makes browsers slow from some thousand images on.
Sheets are small (half a dozen images), so that a page that shows a few images from many sheets decodes little that
it does not show: with three times as many per sheet, a page of 10,000 took 97 MB more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from groundglass.image.region import Box
from groundglass.image.sprite_sheet import draw_sheet, image_size

_ALIGN = 16
"""Boxes begin on JPEG's 16-px blocks, so that the ringing of one image does not reach into the next."""


@dataclass(frozen=True)
class SheetSettings:
    """The layout of sheets.

    height   of an image on the sheet, px: twice the page's size for high-density screens
    widest   an image's largest width, in heights; wider panoramas are reduced in height instead
    across   width of a sheet, in heights
    shelves  rows of images on a sheet
    quality  JPEG quality
    threads  sheets that are made at the same time; they bound memory
    """

    height: int = 160
    widest: float = 2.0
    across: int = 6
    shelves: int = 1
    quality: int = 88
    threads: int = 2


@dataclass(frozen=True)
class Sheet:
    """One sheet: its file name, its size in px, and the place of each id's image."""

    name: str
    width: int
    height: int
    boxes: Mapping[str, Box]


@dataclass
class _Draft:
    """A sheet while it is filled from left to right, shelf by shelf."""

    settings: SheetSettings
    boxes: dict[str, Box] = field(default_factory=dict)
    x: int = 0
    shelf: int = 0

    def place(self, key: str, size: tuple[int, int]) -> bool:
        """Give an image its box; False if the sheet is full."""
        width, height = size
        if self.x and self.x + width > self.settings.across * self.settings.height:
            self.x, self.shelf = 0, self.shelf + 1
        if self.shelf >= self.settings.shelves:
            return False
        self.boxes[key] = Box(self.x, self.shelf * _aligned(self.settings.height), width, height)
        self.x += _aligned(width)
        return True


def _aligned(length: int) -> int:
    return -(-length // _ALIGN) * _ALIGN


def fit(size: tuple[int, int], settings: SheetSettings) -> tuple[int, int]:
    """The size of an image on its sheet: it keeps its proportions and is never upscaled.

    >>> fit((3000, 2000), SheetSettings()), fit((64, 64), SheetSettings()), fit((4000, 500), SheetSettings())
    ((240, 160), (64, 64), (320, 40))
    """
    width, height = size
    scale = min(1.0, settings.height / height, settings.widest * settings.height / width)
    return max(1, round(width * scale)), max(1, round(height * scale))


def pack(
    sizes: Iterable[tuple[str, tuple[int, int]]], settings: SheetSettings
) -> Iterator[Mapping[str, Box]]:
    """The boxes of each sheet, in the order of the images."""
    draft = _Draft(settings)
    for key, size in sizes:
        reduced = fit(size, settings)
        if not draft.place(key, reduced):
            yield draft.boxes
            draft = _Draft(settings)
            draft.place(key, reduced)
    if draft.boxes:
        yield draft.boxes


def write_sheets(
    ids: Sequence[str], thumbnails: Mapping[str, bytes], folder: Path, settings: SheetSettings | None = None
) -> list[Sheet]:
    """Write the sheets of all ``ids`` that have a thumbnail, in the order of ``ids``.

    A file is named after its index and its content, so the same images give the same names, and a page that is open
    while its report is written again never shows a wrong image.
    """
    settings = settings or SheetSettings()
    folder.mkdir(parents=True, exist_ok=True)
    layouts = enumerate(pack(_sizes(ids, thumbnails), settings))
    sheets: list[Sheet] = []
    with ThreadPoolExecutor(settings.threads) as pool:
        # A few sheets at a time, so that memory holds only their images.
        while batch := list(islice(layouts, 2 * settings.threads)):
            # Images are read here, not in the threads: the mapping may be a table that only one thread may read.
            jobs = [(index, boxes, [thumbnails[key] for key in boxes]) for index, boxes in batch]
            sheets += pool.map(lambda job: _write_sheet(job[0], job[1], job[2], folder, settings), jobs)
    return sheets


def _sizes(ids: Sequence[str], thumbnails: Mapping[str, bytes]) -> Iterator[tuple[str, tuple[int, int]]]:
    for key in ids:
        data = thumbnails.get(key)
        size = image_size(data) if data else None
        if size is not None:
            yield key, size


def _write_sheet(
    index: int, boxes: Mapping[str, Box], images: Sequence[bytes], folder: Path, settings: SheetSettings
) -> Sheet:
    width = max(box.x + box.width for box in boxes.values())
    height = max(box.y + box.height for box in boxes.values())
    data = draw_sheet(list(zip(images, boxes.values(), strict=True)), width, height, settings.quality)
    # The hash makes a browser's cache safe: new content has a new name.
    name = f"{index:04d}-{hashlib.sha256(data).hexdigest()[:8]}.jpg"
    (folder / name).write_bytes(data)
    return Sheet(name, width, height, boxes)
