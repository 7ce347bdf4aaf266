"""The audit's job for workers: known defects are put into photographs in memory, and what is made is measured.

A photograph is decoded, damaged, measured and forgotten; what stays are rows in a store of the audit's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from groundglass.audits.defects import Defect, Severity, injure
from groundglass.engines.shards import Summary
from groundglass.errors import ImageError
from groundglass.files.hashes import sha256_of
from groundglass.files.locators import place_in_words, read_listed
from groundglass.image.encode import encode_jpeg, thumbnail
from groundglass.image.frame import open_frame
from groundglass.measures.measure_job import Ask, Look, Row, ask_of, reason_of, take
from groundglass.measures.thumbnail import THUMBNAIL
from groundglass.random_streams import stream

if TYPE_CHECKING:
    from groundglass.degradations.settings import Pixels
    from groundglass.image.frame import Frame
    from groundglass.image.header import ImageLimits

VIEW = ask_of(THUMBNAIL, {})
"""What is kept for the eye: the whole picture made small, or a detail of it at 1:1."""

NO_OTHER = "no_other_photograph"
"""Why a version was not made that needs a second photograph."""

DETAIL = 256
"""Side of the detail, px."""


@dataclass(frozen=True)
class Listed:
    """A photograph as the run listed it; ``path`` is a locator."""

    path: bytes
    sha256: str
    bytes: int | None
    mtime_ns: int | None


@dataclass(frozen=True)
class Specimens:
    """An item: a photograph, a defect in all its severities, and what to measure of each.

    wanted      region → numbers of the job's asks
    background  the photograph into which severities that need one are laid; None where there is no other
    """

    photograph: Listed
    defect: Defect
    wanted: tuple[tuple[str, tuple[int, ...]], ...]
    background: Listed | None = None


def specimen_key(sha256: str, defect: str, severity: str) -> str:
    """What stands for the content's hash of a version that exists in memory only: 64 hex digits."""
    return sha256_of(f"{sha256}\n{defect}\n{severity}".encode())


@dataclass(frozen=True)
class Injure:
    """Makes and measures specimens. Of every one its view is kept, or the reason why it could not be made.

    asks   what to measure; `VIEW` is added
    store  the folder of the audit's own store
    files  whether a measure looks at the file's bytes, so that they must be as they would be found
    """

    asks: tuple[Ask, ...]
    store: Path
    limits: ImageLimits
    seed: int
    files: bool

    @property
    def _look(self) -> Look:
        return Look((*self.asks, VIEW), self.store, self.limits)

    def one(self, item: Specimens) -> list[Row]:
        """The rows of all severities."""
        try:
            rgb, background = self._pixels(item.photograph), self._background(item)
        except (ImageError, MemoryError) as error:
            return self.lost(item, reason_of(error), "")
        rows: list[Row] = []
        for severity in item.defect.severities:
            if severity.inside and background is None:
                rows.append(Row(len(self.asks), _key(item, severity), "", {}, NO_OTHER))
                continue
            random = stream(self.seed, "audit", item.defect.name, severity.name, item.photograph.sha256)
            file = injure(rgb, severity, random, 3 if self.files else 0, background)
            rows += self._measured(open_frame(file), item, severity)
        return rows

    def _pixels(self, listed: Listed) -> Pixels:
        data = read_listed(listed.path, listed.bytes, listed.mtime_ns, listed.sha256)
        return open_frame(data, self.limits).rgb

    def _background(self, item: Specimens) -> Pixels | None:
        """The other photograph, where any severity needs it."""
        needed = any(severity.inside for severity in item.defect.severities)
        return self._pixels(item.background) if needed and item.background is not None else None

    def lost(self, item: Specimens, reason: str, detail: str) -> list[Row]:
        """No specimen of this photograph: one row for each view that is missing, with the reason."""
        error = f"{reason}: {detail}" if detail else reason
        keys = [_key(item, severity) for severity in item.defect.severities]
        return [Row(len(self.asks), key, "", {}, error) for key in keys]

    def name(self, item: Specimens) -> str:
        """The photograph's place."""
        return place_in_words(item.photograph.path)

    def save(self, results: Sequence[list[Row]]) -> Summary:
        """One part for each ask that has rows."""
        return self._look.save(results)

    def _measured(self, frame: Frame, item: Specimens, severity: Severity) -> Iterator[Row]:
        key = _key(item, severity)
        yield Row(len(self.asks), key, "", {"thumbnail": view(frame, item.defect.look)}, None)
        for region, asks in item.wanted:
            try:
                part = frame.at(region)
            except ImageError as error:  # another size than its original's
                yield from (Row(ask, key, region, {}, error.reason) for ask in asks)
                continue
            yield from (Row(ask, key, region, *take(self.asks[ask], part)) for ask in asks)


def _key(item: Specimens, severity: Severity) -> str:
    return specimen_key(item.photograph.sha256, item.defect.name, severity.name)


def view(frame: Frame, look: str) -> bytes:
    """A small JPEG for the eye: of the middle at 1:1, or of the whole."""
    if look == "whole":
        return thumbnail(frame.rgb)
    top, left = (max(0, (side - DETAIL) // 2) for side in (frame.height, frame.width))
    return encode_jpeg(frame.rgb[top : top + DETAIL, left : left + DETAIL], 92, "4:4:4")
