"""A table of votes as text: from CSV (commas, semicolons, tabs) or Parquet, with the place of each row in the file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from groundglass.errors import RecipeError
from groundglass.text.decode_text import decode_text

MISSING = frozenset({"", "nan", "na", "n/a", "null", "none", "-"})
SEPARATORS = ("\t", ";", ",")
"""The first of them in the first row separates columns: with semicolons, a comma may be a decimal point."""


@dataclass(frozen=True)
class Table:
    """A table's cells as text, without spaces at their ends.

    header  None for a matrix
    lines   for each row, its place in the file, such as "line 3"
    """

    name: str
    header: tuple[str, ...] | None
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[str, ...]
    comma: bool = False
    """A comma is a decimal point: the columns are separated by something else."""

    def number(self, cell: str) -> float | None:
        """The number of a cell; None if it is empty or NaN. Raises ValueError for a text and for an infinite number."""
        if cell.lower() in MISSING:
            return None
        value = float(cell.replace(",", ".") if self.comma else cell)
        if np.isinf(value):
            raise ValueError(cell)
        return value


def read_table(path: Path) -> Table:
    """A CSV file (commas, semicolons or tabs) or a Parquet file (by its ending).

    Raises RecipeError if it is empty, damaged, or has rows of different lengths.
    """
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            return _parquet(path)
        return _csv(path)
    except OSError as error:
        raise RecipeError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, csv.Error) as error:
        raise RecipeError(f"{path} is not a table: {error}", "give a CSV or a Parquet file") from error


def _parquet(path: Path) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        read = pq.read_table(path)
    except pa.ArrowException as error:
        raise ValueError(f"it is not a sound Parquet file: {error}") from error
    columns = [
        ["" if value is None else str(value).strip() for value in column.to_pylist()]
        for column in read.columns
    ]
    rows = tuple(zip(*columns, strict=True))
    if not rows:
        raise ValueError("it has no rows")
    return Table(str(path), tuple(read.column_names), rows, tuple(f"row {at + 1}" for at in range(len(rows))))


def _csv(path: Path) -> Table:
    text = decode_text(path.read_bytes()).text
    first = next((line for line in text.splitlines() if line.strip()), "")
    if not first:
        raise ValueError("it is empty")
    # A separator within quotes is part of a name.
    bare = re.sub(r'"[^"]*"', "", first)
    separator = next((sign for sign in SEPARATORS if sign in bare), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    rows: list[tuple[str, ...]] = []
    lines: list[str] = []
    for row in reader:
        if len(row) > 1 or (row and row[0].strip()):
            rows.append(tuple(cell.strip() for cell in row))
            lines.append(f"line {reader.line_num}")
    width = len(rows[0])
    for row, line in zip(rows, lines, strict=True):
        if len(row) != width:
            raise ValueError(f"{line} has {len(row)} cells, and the first row has {width}")
    comma = separator != ","
    if _is_matrix(rows[0], comma):
        return Table(str(path), None, tuple(rows), tuple(lines), comma)
    if len(rows) == 1:
        raise ValueError("it has a header and no rows")
    return Table(str(path), rows[0], tuple(rows[1:]), tuple(lines[1:]), comma)


def _is_matrix(row: Sequence[str], comma: bool) -> bool:
    """True if a first row holds numbers and missing votes only, so that it is not a header."""
    sign = r"[.,]" if comma else r"\."
    pattern = re.compile(rf"[-+]?(\d+({sign}\d*)?|{sign}\d+)([eE][-+]?\d+)?")
    return all(cell.lower() in MISSING or pattern.fullmatch(cell) for cell in row)


def counted_rows(table: Table) -> tuple[Table, list[str]]:
    """The votes that count of a table that `study export` wrote, and a note on the others; any other table as it is.

    >>> header = ("vote_id", "item", "rater", "score", "counts")
    >>> table = Table("a.csv", header, (("1", "a", "r", "3", "true"), ("2", "a", "r", "1", "false")), ("2", "3"))
    >>> [row[0] for row in counted_rows(table)[0].rows]
    ['1']
    """
    if table.header is None or not {"vote_id", "counts"} <= set(table.header):
        return table, []
    at = table.header.index("counts")
    kept = [place for place, row in enumerate(table.rows) if row[at].lower() != "false"]
    left_out = len(table.rows) - len(kept)
    rows, lines = (tuple(part[place] for place in kept) for part in (table.rows, table.lines))
    note = f"{left_out} votes train or check raters, or were undone, and do not count"
    return replace(table, rows=rows, lines=lines), [note] if left_out else []
