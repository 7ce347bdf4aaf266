"""The rows and errors that all readers of tables share."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pyarrow as pa

from groundglass.errors import RecipeError

READ_ERRORS = (OSError, ValueError, EOFError, RecursionError, zlib.error, pa.ArrowException)
"""Errors that reading a damaged file can raise; each of them is reported with the name of the file."""


class Rows(NamedTuple):
    """A few neighbouring rows of a table.

    columns        the requested columns, as far as the table has them
    first          the number of the first row in the file, from 0
    group          the Parquet row group of the rows, and
    place          the number of the first row in it
    bare           the cells are text without a declared type (CSV): their types must be inferred
    decimal_comma  0,5 may mean a half: in a CSV file with another separator than a comma
    guessed        columns with cells that are not UTF-8 and were read as Windows-1252
    mixed          columns with values of several sorts so far: the sorts, and the line where the second one begins
    """

    columns: pa.Table
    first: int
    group: int = 0
    place: int = 0
    bare: bool = False
    decimal_comma: bool = False
    guessed: frozenset[str] = frozenset()
    mixed: Mapping[str, str] = MappingProxyType({})


class ColumnFault(Exception):
    """One column of a table cannot be read; ``why`` is the reason. Other columns may be sound."""

    def __init__(self, column: str, why: str) -> None:
        super().__init__(column, why)
        self.column, self.why = column, why


def unreadable(path: Path, error: Exception) -> RecipeError:
    """A table that is damaged, or is not a table, with its reader's message."""
    said = str(error).splitlines() or [type(error).__name__]
    return RecipeError(f"{path} cannot be read as a table: {said[0]}")
