"""Tables: Parquet files on disk, Arrow in memory, DuckDB for queries; ids that need no byte of an image."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from groundglass.errors import UnreachableError
from groundglass.files.atomic import written_whole

compute: Any = pyarrow.compute
"""Arrow's functions: they are created when pyarrow is imported, so type checkers cannot see them."""

ID_LENGTH = 20
"""Hex digits of an image id: 80 bits, so the probability of a clash among 100 million images is 1 in 200 million."""


ROW_GROUP = 1 << 17
"""Rows of a Parquet file that are packed together; several groups are read in parallel."""

UNIQUE = ("id", "sha256", "uri", "path", "margin")
"""Columns with values that hardly ever repeat: a dictionary would be built only to be discarded."""


def image_id(source: str, uri: str) -> str:
    """The id of a source image: fixed by its source and uri, before any byte is read.

    >>> image_id("photos", "a/113.jpg")
    'a1a3242eb8fc36c1c523'
    """
    return hashlib.sha256(f"{source}\n{uri}".encode()).hexdigest()[:ID_LENGTH]


def derived_id(root: str, region: str) -> str:
    """The id of a virtual image: a hash of its photo's id and its region (`groundglass.image.region`)."""
    return hashlib.sha256(f"{root}\n{region}".encode()).hexdigest()[:ID_LENGTH] if region else root


def connect() -> duckdb.DuckDBPyConnection:
    """A DuckDB connection in memory, with its own tables; it cannot reach files or the network."""
    return _database().cursor()


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """One database for each process: opening one costs more than most queries."""
    return duckdb.connect(config={"enable_external_access": "false"})


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table as one Parquet file, completely or not at all."""
    with written_whole(path) as temporary:
        pack(table, temporary)


def pack(table: pa.Table, path: Path) -> None:
    """Write a table in the format that all tables have: zstd, in groups that are read in parallel."""
    repeated: Any = [name for name in table.column_names if name not in UNIQUE]
    pq.write_table(table, path, compression="zstd", row_group_size=ROW_GROUP, use_dictionary=repeated)


def read_table(path: Path) -> pa.Table:
    """A table that a run wrote. Raises UnreachableError, which names the file, if it cannot be read."""
    try:
        return pq.read_table(path)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UnreachableError(
            f"{path} cannot be read: {str(error).splitlines()[0]}",
            "run the recipe again: it then starts a new run",
        ) from error


def only(rows: pa.Table, ids: Any, column: str = "id") -> pa.Table:
    """The rows with a ``column`` value in ``ids``, in their order."""
    return rows.filter(compute.is_in(rows[column], ids)) if len(rows) else rows


def without(rows: pa.Table, ids: Any, column: str = "id") -> pa.Table:
    """The rows without a ``column`` value in ``ids``, in their order."""
    return rows.filter(compute.invert(compute.is_in(rows[column], ids))) if len(ids) else rows


def numbered(rows: pa.Table) -> pa.Array:
    """0, 1, 2 …, one for each row: joins lose the order, these numbers restore it."""
    return pa.array(np.arange(rows.num_rows))


def find_keys(wanted: pa.ChunkedArray, known: pa.ChunkedArray) -> pa.ChunkedArray:
    """For each wanted key its row number among the known ones; null if it is missing or null.

    >>> find_keys(pa.chunked_array([["b", "x", None]]), pa.chunked_array([["a", "b", None]])).to_pylist()
    [1, None, None]
    """
    return compute.index_in(wanted, known, skip_nulls=True)


def find_rows(wanted: pa.Table, known: pa.Table) -> pa.ChunkedArray:
    """The same for rows of several keys; each combination must be known only once.

    >>> known = pa.table({"sha256": ["aa", "aa"], "region": ["", "crop(0,0,8,8)"]})
    >>> find_rows(known.slice(1), known).to_pylist()
    [1]
    """
    keys = [f"key_{n}" for n in range(wanted.num_columns)]
    con = connect()
    con.register("wanted", wanted.rename_columns(keys).append_column("place", numbered(wanted)))
    con.register("known", known.rename_columns(keys).append_column("found", numbered(known)))
    sql = f"SELECT k.found FROM wanted w LEFT JOIN known k USING ({', '.join(keys)}) ORDER BY w.place"
    return con.sql(sql).to_arrow_table()["found"]


def path_to_bytes(path: str | Path) -> bytes:
    """A path as the file system stores it: names need not be valid unicode."""
    return os.fsencode(path)


def bytes_to_path(raw: bytes) -> Path:
    """The path of `path_to_bytes`."""
    return Path(os.fsdecode(raw))
