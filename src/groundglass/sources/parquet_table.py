"""Parquet: the requested columns, a few rows at a time; and which images are null, without reading them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from groundglass.sources.table_rows import READ_ERRORS, ColumnFault, Rows
from groundglass.tables.parquet import compute

BATCH = 1 << 16
"""Rows that are in memory at a time."""
# Each cell may hold megabytes of image bytes.
_IMAGES = 8


def schema(path: Path) -> pa.Schema:
    """The columns and their types. Raises pyarrow's errors for damage."""
    found = pq.read_schema(path)
    # Names that are not UTF-8 fail here.
    _ = found.names
    return found


def rows(path: Path, columns: Sequence[str] | None) -> Iterator[Rows]:
    """The table's rows with these columns (None: all), which may be fields of structs such as ``image.path``.

    Raises ColumnFault for a column that cannot be read if others can.
    """
    with pq.ParquetFile(path) as file:
        first = 0
        for group in range(file.num_row_groups):
            place = 0
            for batch in _group(file, group, file.schema_arrow.names if columns is None else columns):
                yield Rows(batch, first, group, place)
                first, place = first + batch.num_rows, place + batch.num_rows


def _group(file: pq.ParquetFile, group: int, columns: Sequence[str]) -> Iterator[pa.Table]:
    if not columns:
        yield pa.table({"": pa.nulls(file.metadata.row_group(group).num_rows)})
        return
    try:
        for batch in file.iter_batches(BATCH, [group], list(columns)):
            yield pa.Table.from_batches([batch])
    # Arrow does not say which column is damaged, so each one is tried alone.
    except READ_ERRORS:
        for name in columns if len(columns) > 1 else ():
            _can_be_read(file, group, name)
        raise


def _can_be_read(file: pq.ParquetFile, group: int, name: str) -> None:
    """Raises ColumnFault if it cannot be read."""
    try:
        for _ in file.iter_batches(BATCH, [group], [name]):
            pass
    except READ_ERRORS as error:
        raise ColumnFault(name, f"cannot be read: {str(error).splitlines()[0]}") from error


def empty_cells(path: Path, group: int, leaf: str) -> pa.Array | None:
    """Whether each cell of a row group's leaf is null; None if none is, as far as that is known without reading.

    The file's statistics usually answer this. Cells are read, a few at a time, only if some are null and some are not;
    or, without statistics, if the first cell is null.
    """
    with pq.ParquetFile(path) as file:
        part = file.metadata.row_group(group)
        count = part.num_rows
        nulls = _nulls(part, leaf)
        if nulls == 0:
            return None
        if nulls == count:
            return pa.repeat(pa.scalar(True), count)
        found: list[pa.Array] = []
        for batch in file.iter_batches(_IMAGES, [group], [leaf], use_threads=False):
            value: Any = batch.column(0)
            while pa.types.is_struct(value.type):
                value = value.flatten()[0]
            found.append(compute.is_null(value))
            if nulls is None and len(found) == 1 and not found[0][0].as_py():
                return None
        return pa.concat_arrays(found)


def _nulls(part: pq.RowGroupMetaData, leaf: str) -> int | None:
    """The number of null cells in a row group, if the file's statistics state it."""
    for place in range(part.num_columns):
        column = part.column(place)
        if column.path_in_schema == leaf:
            said = column.statistics
            return said.null_count if said is not None and said.has_null_count else None
    return None
