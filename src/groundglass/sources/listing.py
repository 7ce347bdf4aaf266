"""What a source lists: one row a file, before any byte of it is read."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

LISTING = pa.schema(
    [
        ("uri", pa.string()),
        ("path", pa.binary()),
        ("bytes", pa.int64()),
        ("mtime_ns", pa.int64()),
        ("error", pa.string()),
        ("detail", pa.string()),
    ]
)
"""A listed file: its name inside the source, its path as the file system knows it, and why it cannot be read."""


@dataclass(frozen=True)
class Listed:
    """One row of a listing."""

    uri: str
    path: bytes
    bytes: int | None = None
    mtime_ns: int | None = None
    error: str | None = None
    detail: str | None = None


def to_table(rows: list[Listed]) -> pa.Table:
    """Listed files as a table, in the order of their uris: the order on disk decides nothing."""
    ordered = sorted(rows, key=lambda row: row.uri)
    return pa.table({name: [getattr(row, name) for row in ordered] for name in LISTING.names}, schema=LISTING)
