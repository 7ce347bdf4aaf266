"""The audit's job for workers: put known defects into photographs in memory, and measure the result.

A photograph is decoded, damaged, measured and forgotten; only rows in the audit's own store remain.
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
from groundglass.image.frame import MadeImage, Makes, open_frame
from groundglass.image.region import Made
from groundglass.measures.measure_job import Ask, Look, Row, ask_of, reason_of, take
from groundglass.measures.thumbnail import THUMBNAIL
from groundglass.random_streams import stream

if TYPE_CHECKING:
    from groundglass.degradations.settings import Pixels
    from groundglass.image.frame import Frame
    from groundglass.image.header import ImageLimits

VIEW = ask_of(THUMBNAIL, {})
"""The small JPEG that the report shows of a version: the whole image scaled down, or a detail at 1:1."""

NO_OTHER = "no_other_photograph"
"""The reason for a version that was not made because it needs a second photograph."""

DETAIL = 256
"""Side of the detail, px."""


@dataclass(frozen=True)
class Listed:
    """A photograph in the run's listing; ``path`` is a locator."""

    path: bytes
    sha256: str
    bytes: int | None
    mtime_ns: int | None


@dataclass(frozen=True)
class Specimens:
    """An item: a photograph, a defect in all its severities, and the measures to take of each.

    wanted      region → numbers of the job's asks
    background  the photograph that severities are placed into, if they need one; None if there is no other
    """

    photograph: Listed
    defect: Defect
    wanted: tuple[tuple[str, tuple[int, ...]], ...]
    background: Listed | None = None


def specimen_key(sha256: str, defect: str, severity: str) -> str:
    """The key of a version that exists in memory only, in place of a content hash: 64 hex digits."""
    return sha256_of(f"{sha256}\n{defect}\n{severity}".encode())


@dataclass(frozen=True)
class Injure:
    """Makes and measures specimens. The store gets the view of each, or the reason why it could not be made.

    asks   the measures to take; `VIEW` is added
    store  the folder of the audit's own store
    files  whether a measure reads the file's bytes, so that they must be compressed like a real file
    makes  makes the images of regions that a step of the run made
    """

    asks: tuple[Ask, ...]
    store: Path
    limits: ImageLimits
    seed: int
    files: bool
    makes: Makes | None = None

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
            # The stream depends on nothing but these, so the order in which workers finish changes no defect.
            random = stream(self.seed, "audit", item.defect.name, severity.name, item.photograph.sha256)
            # PNG is compressed only if a measure reads the file's bytes: compression is slow and changes no pixel.
            file = injure(rgb, severity, random, 3 if self.files else 0, background)
            rows += self._measured(open_frame(file, makes=self._makes_of(item)), item, severity)
        return rows

    def _makes_of(self, item: Specimens) -> Makes | None:
        """Degrades a version as its photo, by the same draws, so that only the defect differs.

        A restored version has pixels of its own: those that the store keeps are of the photo. Its file's content names
        them, since the same defect of the same photo differs with the audit's seed and the background.
        """
        makes = self.makes
        if makes is None:
            return None

        def make(rgb: Pixels, sha256: str, region: str, made: Made) -> MadeImage:
            own = item.photograph.sha256 if made.by == "degraded" else sha256
            return makes(rgb, own, region, made)

        return make

    def _pixels(self, listed: Listed) -> Pixels:
        data = read_listed(listed.path, listed.bytes, listed.mtime_ns, listed.sha256)
        return open_frame(data, self.limits).rgb

    def _background(self, item: Specimens) -> Pixels | None:
        """The other photograph, if any severity needs it."""
        needed = any(severity.inside for severity in item.defect.severities)
        return self._pixels(item.background) if needed and item.background is not None else None

    def lost(self, item: Specimens, reason: str, detail: str) -> list[Row]:
        """The rows of a photograph without specimens: one row per missing view, with the reason."""
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
            except (
                ImageError
            ) as error:  # the version has another size than the original, so the region may not exist
                yield from (Row(ask, key, region, {}, error.reason) for ask in asks)
                continue
            yield from (Row(ask, key, region, *take(self.asks[ask], part)) for ask in asks)


def _key(item: Specimens, severity: Severity) -> str:
    return specimen_key(item.photograph.sha256, item.defect.name, severity.name)


def view(frame: Frame, look: str) -> bytes:
    """A small JPEG to look at: the middle at 1:1, or the whole image."""
    if look == "whole":
        return thumbnail(frame.rgb)
    top, left = (max(0, (side - DETAIL) // 2) for side in (frame.height, frame.width))
    return encode_jpeg(frame.rgb[top : top + DETAIL, left : left + DETAIL], 92, "4:4:4")
