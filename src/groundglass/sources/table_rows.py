"""What every reader of tables gives and raises."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pyarrow as pa

from groundglass.errors import RecipeError

READ_ERRORS = (OSError, ValueError, EOFError, RecursionError, zlib.error, pa.ArrowException)
"""What reading a damaged file can raise: whatever it is, the file is named."""


class Rows(NamedTuple):
    """A few neighbouring rows of a table.

    columns        what was asked for, as far as the table has it
    first          the number of the first of them in the file, from 0
    group          the Parquet row group that they lie in, and
    place          the number of the first of them in it
    bare           the cells are text that no type was given to (CSV): what is meant by it has to be inferred
    decimal_comma  0,5 may stand for a half: in a CSV file that is not separated by commas
    guessed        columns with cells that are not UTF-8 and were read as Windows-1252
    mixed          columns whose values had several sorts so far: which ones, and from which line on
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
    """One column of a table cannot be read, and ``why``; the others may be sound."""

    def __init__(self, column: str, why: str) -> None:
        super().__init__(column, why)
        self.column, self.why = column, why


def unreadable(path: Path, error: Exception) -> RecipeError:
    """A table that is damaged, or is none, with what its reader said of it."""
    said = str(error).splitlines() or [type(error).__name__]
    return RecipeError(f"{path} cannot be read as a table: {said[0]}")
