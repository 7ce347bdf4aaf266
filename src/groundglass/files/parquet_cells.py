"""Images inside Parquet tables: single cells, read forwards so that neighbours cost one pass.

To reach one row of a row group, Parquet must read all rows before it. So a reader stays at its last position:
the next row of the same group is one step away, and only a step back starts the group again. A few rows are
in memory at a time, however large the group is.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from threading import Lock
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from groundglass.errors import ImageError
from groundglass.files.identity import identity_of

ROWS = 8
"""Rows that are decoded at a time."""
_BUFFER = 1 << 20
_OPEN = 4


class _Cursor:
    """One column of one row group, read from its first row on."""

    def __init__(self, path: bytes, group: int, column: str) -> None:
        # `pre_buffer` would load the whole column of a row group into memory.
        self._file = pq.ParquetFile(os.fsdecode(path), buffer_size=_BUFFER, pre_buffer=False)
        self._batches = self._file.iter_batches(ROWS, [group], [column], use_threads=False)
        self._start = 0
        self._batch: Any = None

    def can_reach(self, row: int) -> bool:
        return row >= self._start

    def at(self, row: int) -> Any:
        """The bytes in this row. Raises StopIteration if the group ends before it."""
        while self._batch is None or row >= self._start + self._batch.num_rows:
            self._start += 0 if self._batch is None else self._batch.num_rows
            self._batch = next(self._batches)
        value = self._batch.column(0)[row - self._start].as_py()
        # Unpack the struct around the bytes.
        while isinstance(value, dict):
            value = next(iter(value.values()), None)
        return value

    def close(self) -> None:
        self._file.close()


Key = tuple[bytes, tuple[int, ...], int, str]
_cursors: OrderedDict[Key, _Cursor] = OrderedDict()
_lock = Lock()


def read_cell(path: bytes, group: int, row: int, column: str) -> bytes:
    """The bytes in a cell: row group, row in it, and the column's path (``image.bytes`` of a struct).

    Raises ImageError: ``vanished``, ``unreadable``, ``corrupt`` (no such cell, or damage), ``empty`` (null).
    """
    try:
        with _lock:
            value = _cursor_at(path, group, row, column).at(row)
    except FileNotFoundError as error:
        raise ImageError("vanished", error.strerror or "") from error
    except PermissionError as error:
        raise ImageError("unreadable", error.strerror or "") from error
    except (OSError, ValueError, IndexError, StopIteration, pa.ArrowException) as error:
        raise ImageError("corrupt", f"the table cannot be read here: {error}") from error
    if value is None:
        raise ImageError("empty", "the table's cell is null")
    if not isinstance(value, bytes):
        raise ImageError("not_an_image", f"the table's cell holds {type(value).__name__}")
    return value


def _cursor_at(path: bytes, group: int, row: int, column: str) -> _Cursor:
    """A reader at or before the row; the most recently used readers stay open."""
    key = (path, identity_of(path), group, column)
    cursor = _cursors.pop(key, None)
    if cursor is None or not cursor.can_reach(row):
        if cursor is not None:
            cursor.close()
        cursor = _Cursor(path, group, column)
    _cursors[key] = cursor
    while len(_cursors) > _OPEN:
        _cursors.popitem(last=False)[1].close()
    return cursor
