"""The measure store: measured values of image content, as Parquet parts that workers add without locks.

One folder for each measure (with version and settings), one row for each (sha256, region). Parts are only added as
complete files, and removed only once another part holds their rows; so the program can be killed at any moment. If two
parts have the same image, the newest row counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from groundglass.catalog import Column
from groundglass.files.atomic import part_name
from groundglass.tables.parquet import connect
from groundglass.tables.parts import (
    keep_sound,
    make_room,
    parts_in,
    read_sound,
    remove_part,
    row_count,
    write_part,
)

PASSING = (
    "unreadable",
    "vanished",
    "changed",
    "timeout",
    "worker_died",
    "out_of_memory",
    "server_error",
    "bad_request",
    "budget",
)
"""Errors that the image did not cause: such a row is shown, but the image is measured again the next time.

Text after a colon adds details, and changes nothing.
"""
_WORD = "split_part(error, ':', 1)"
IDENTITY = ("sha256", "region")
LARGE = 200_000
"""Parts with at least this many rows are not merged with others."""
PATIENCE = 5
"""The number of times that reading starts again because another process merged parts meanwhile."""
_TYPES = {float: pa.float64(), int: pa.int64(), str: pa.string(), bool: pa.bool_(), bytes: pa.binary()}


@dataclass(frozen=True)
class MeasureStore:
    """The folder ``root`` with one folder for each key of `groundglass.catalog.settings_key`.

    >>> import tempfile
    >>> root = tempfile.TemporaryDirectory()
    >>> store = MeasureStore(Path(root.name))
    >>> schema = store.schema({"entropy": Column("bit", 0, 8, "higher", "")})
    >>> row = {"sha256": "ab", "region": "", "entropy": 7.5, "error": None}
    >>> store.add("complexity-1", pa.Table.from_pylist([row], schema))
    >>> wanted = pa.table({"sha256": ["ab", "cd"], "region": ["", ""]})
    >>> store.missing("complexity-1", wanted).to_pylist()
    [{'sha256': 'cd', 'region': ''}]
    >>> root.cleanup()
    """

    root: Path

    def folder(self, key: str) -> Path:
        """The folder of a key's parts."""
        return self.root / key

    @staticmethod
    def schema(columns: Mapping[str, Column]) -> pa.Schema:
        """sha256, region, a measure's columns, error."""
        values = [pa.field(name, _type_of(column)) for name, column in columns.items()]
        words = [pa.field(name, pa.string()) for name in (*IDENTITY, "error")]
        return pa.schema([*words[:2], *values, words[2]])

    def prepare(self, key: str, columns: Mapping[str, Column]) -> None:
        """Make sure that `read` gives these columns even before anything is measured, and that all parts have them."""
        make_room(self.folder(key), self.root)
        keep_sound(self.folder(key), self.schema(columns))
        empty = self.folder(key) / "part-0.parquet"
        if not empty.exists():
            write_part(self.schema(columns).empty_table(), empty)

    def add(self, key: str, table: pa.Table) -> None:
        """Add rows as one more part, completely or not at all. Raises UnreachableError if the disk is full."""
        write_part(table, self.folder(key) / part_name())

    def read(self, key: str, columns: Sequence[str] | None = None) -> pa.Table:
        """sha256, region, the named columns (default: all) and error, one row for each image."""
        names = None if columns is None else [*IDENTITY, *columns, "error"]
        return _newest(self._load(key, names))

    def read_rows(self, key: str, rows: pa.Table, columns: Sequence[str]) -> pa.Table:
        """The result of `read` for the contents in ``rows`` (by their sha256; any region), without loading the rest."""
        wanted = pc.field("sha256").isin(rows["sha256"].unique())
        return _newest(self._load(key, [*IDENTITY, *columns, "error"], wanted))

    def find(self, key: str, sha256: str, region: str) -> dict[str, Any] | None:
        """The row of one image, or None."""
        wanted = (pc.field("sha256") == sha256) & (pc.field("region") == region)
        rows = _newest(self._load(key, None, wanted)).to_pylist()
        return rows[0] if rows else None

    def errors(self, key: str) -> pa.Table:
        """sha256, region, error of the images that have no value."""
        found = self._load(key, [*IDENTITY, "error"], pc.field("error").is_valid())
        # The common case, and fast: no other column is read.
        if not found.num_rows:
            return found
        rows = _newest(self._load(key, [*IDENTITY, "error"]))
        return rows.filter(rows["error"].is_valid())

    def missing(self, key: str, wanted: pa.Table) -> pa.Table:
        """The (sha256, region) of ``wanted`` that are still to be measured, each once."""
        connection = connect()
        connection.register("wanted", wanted.select(list(IDENTITY)))
        connection.register("known", self._load(key, [*IDENTITY, "error"]))
        found: pa.Table = connection.sql(
            "SELECT DISTINCT sha256, region FROM wanted ANTI JOIN "
            f"(SELECT * FROM known WHERE error IS NULL OR {_WORD} NOT IN {PASSING}) USING (sha256, region)"
        ).to_arrow_table()
        return found

    def forget_failed(self, key: str) -> int:
        """Drop the rows that hold an error, so that they are measured again. Returns the number of dropped rows."""
        parts = parts_in(self.folder(key))
        table = _newest(_read(parts))
        good = table.filter(table["error"].is_null())
        if good.num_rows < table.num_rows:
            self._replace(key, parts, good)
        return table.num_rows - good.num_rows

    def compact(self, key: str, at_least: int = 2) -> None:
        """Merge the small parts into one, if there are ``at_least`` of them or more; a kill at any time loses no row.

        The merged part is complete before the first old one is removed, and has the time of the newest one, so that a
        part added meanwhile still counts as newer.
        """
        parts = [part for part in parts_in(self.folder(key)) if row_count(part) < LARGE]
        if len(parts) >= at_least:
            self._replace(key, parts, _newest(_read(parts)))

    def _replace(self, key: str, parts: Sequence[Path], table: pa.Table) -> None:
        newest = max(part.stat().st_mtime_ns for part in parts)
        write_part(table, self.folder(key) / part_name(), newest)
        for part in parts:
            remove_part(part)

    def _load(self, key: str, names: list[str] | None, wanted: Any = None) -> pa.Table:
        for _ in range(PATIENCE):
            try:
                return _read(parts_in(self.folder(key)), names, wanted)
            except FileNotFoundError:
                # Another process merged parts meanwhile: list them again.
                continue
        return _read(parts_in(self.folder(key)), names, wanted)


def _type_of(column: Column) -> pa.DataType:
    """The Arrow type of a column. Whole numbers beyond 63 bits are hashes, so they are unsigned."""
    wide = column.kind is int and column.high is not None and column.high >= 2**63
    return pa.uint64() if wide else _TYPES[column.kind]


def _read(parts: Sequence[Path], names: list[str] | None = None, wanted: Any = None) -> pa.Table:
    """The parts one after the other; if there are none, no rows, and the named columns without a type."""
    tables = read_sound(parts, names, (*IDENTITY, "error"), wanted)
    if tables:
        return pa.concat_tables(tables)
    words = MeasureStore.schema({})
    kinds = {name: pa.string() if name in words.names else pa.null() for name in names or words.names}
    return pa.schema(kinds).empty_table()


def _newest(table: pa.Table) -> pa.Table:
    """One row for each image: the last without a passing error, else the last."""
    connection = connect()
    total = table.num_rows
    numbers = pa.array(np.arange(total))
    connection.register("rows", table.select([*IDENTITY, "error"]).append_column("number", numbers))
    counted = connection.sql("SELECT count(DISTINCT hash(sha256, region)) FROM rows").fetchall()
    # All hashes differ, so no image has two rows.
    if counted == [(total,)]:
        return table
    last: pa.Table = connection.sql(
        f"SELECT max(CASE WHEN {_WORD} IN {PASSING} THEN number ELSE number + {total} END) % {total} AS row "
        "FROM rows GROUP BY sha256, region ORDER BY row"
    ).to_arrow_table()
    return table.take(last["row"].combine_chunks())
