"""The job that reads every listed file once, for its header, its limits and its sha256. No pixel is decoded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from groundglass.engines.shards import Summary
from groundglass.errors import ImageError
from groundglass.files.atomic import part_name
from groundglass.files.hashes import sha256_of
from groundglass.files.locators import place_in_words, read_listed
from groundglass.image.decode import all_warnings
from groundglass.image.header import ImageLimits, read_header
from groundglass.tables.parquet import connect
from groundglass.tables.parts import make_room, read_parts, write_part

KNOWN = pa.schema(
    [
        ("path", pa.binary()),
        ("bytes", pa.int64()),
        ("mtime_ns", pa.int64()),
        ("length", pa.int64()),
        ("sha256", pa.string()),
        ("width", pa.int64()),
        ("height", pa.int64()),
        ("format", pa.string()),
        ("mode", pa.string()),
        ("bit_depth", pa.int64()),
        ("orientation", pa.int64()),
        ("icc", pa.string()),
        ("frames", pa.int64()),
        ("alpha", pa.bool_()),
        ("warning", pa.string()),
        ("error", pa.string()),
        ("detail", pa.string()),
        ("judged", pa.string()),
    ]
)
"""The stored facts of a file, keyed by path, size and modification time, so that an unchanged file is not read twice.

``bytes`` is the size in the listing (null for a cell of a table), ``length`` the size that was read."""

VERSION = 2
"""Raised when reading the same header gives more or other facts: results of earlier versions are then ignored."""

PASSING = ("unreadable", "vanished", "changed", "timeout", "worker_died", "out_of_memory")
"""Errors that the file did not cause: they are ignored the next time."""


@dataclass(frozen=True)
class ListedFile:
    """An image to scan, as listed: its locator, and its size if it is known."""

    path: bytes
    bytes: int | None
    mtime_ns: int


@dataclass(frozen=True)
class Scan:
    """Reads headers and hashes; each finished shard is a part below ``folder``."""

    folder: Path
    limits: ImageLimits

    def one(self, item: ListedFile) -> dict[str, Any]:
        try:
            data = read_listed(item.path, item.bytes, item.mtime_ns)
            digest = sha256_of(data)
        except ImageError as error:
            return self._row(item, error=error.reason, detail=error.detail)
        try:
            header = read_header(data, self.limits)
        except ImageError as error:
            return self._row(item, length=len(data), sha256=digest, error=error.reason, detail=error.detail)
        return self._row(
            item,
            length=len(data),
            sha256=digest,
            width=header.width,
            height=header.height,
            format=header.format,
            mode=header.mode,
            bit_depth=header.bit_depth,
            orientation=header.orientation,
            icc=header.icc,
            frames=header.frames,
            alpha=header.alpha,
            warning="; ".join(all_warnings(data, header)) or None,
        )

    def lost(self, item: ListedFile, reason: str, detail: str) -> dict[str, Any]:
        return self._row(item, error=reason, detail=detail)

    def name(self, item: ListedFile) -> str:
        return place_in_words(item.path)

    def _row(self, item: ListedFile, **known: Any) -> dict[str, Any]:
        place = {"path": item.path, "bytes": item.bytes, "mtime_ns": item.mtime_ns}
        return {**place, **known, "judged": judged_by(self.limits)}

    def save(self, results: Sequence[dict[str, Any]]) -> Summary:
        write_part(pa.Table.from_pylist(list(results), schema=KNOWN), self.folder / part_name())
        return Summary(len(results), dict(Counter(row["error"] for row in results if row.get("error"))))


def judged_by(limits: ImageLimits) -> str:
    """The settings that decide how a file is judged, besides its content.

    >>> judged_by(ImageLimits(1e6, 5000))
    'version 2, pixels 1000000, side 5000, unknown colour keep'
    """
    return (
        f"version {VERSION}, pixels {limits.pixels:.15g}, side {limits.side}, "
        f"unknown colour {limits.unknown_colour}"
    )


def known_files(folder: Path, limits: ImageLimits) -> pa.Table:
    """Results of earlier scans under these limits: one row for each (path, bytes, mtime_ns), sound ones first."""
    make_room(folder, folder.parent)
    con = connect()
    con.register("parts", read_parts(folder, KNOWN, ("path", "bytes", "mtime_ns", "sha256", "error")))
    return con.sql(
        "SELECT DISTINCT ON (path, bytes, mtime_ns) * FROM parts WHERE judged = $judged "
        "ORDER BY path, bytes, mtime_ns, error NULLS FIRST",
        params={"judged": judged_by(limits)},
    ).to_arrow_table()


def warning_counts(warnings: pa.ChunkedArray | pa.Array) -> dict[str, int]:
    """The number of files with each word of `groundglass.image.header.WARNINGS`, the most frequent first.

    >>> warning_counts(pa.array(["bad_exif; animated", None, "animated"]))
    {'animated': 2, 'bad_exif': 1}
    """
    words = Counter(word for text in warnings.drop_null().to_pylist() for word in text.split("; "))
    return dict(sorted(words.items(), key=lambda counted: (-counted[1], counted[0])))
