"""Table files by their endings: the formats that can be read, the names of columns, and the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from groundglass.errors import RecipeError
from groundglass.sources import csv_table, json_table, parquet_table
from groundglass.sources.listing import existing_files
from groundglass.sources.table_rows import READ_ERRORS, Rows, unreadable

Reader = Callable[[Path, Sequence[str] | None, Sequence[str]], Iterator[Rows]]


class Format(NamedTuple):
    """The functions that read one format.

    rows    rows(path, columns or None for all, the columns wanted as text) -> a few rows at a time
    names   names(path, columns that it should have) -> its columns; None if only the rows show them
    schema  schema(path) -> the types that it declares; None if it declares none
    """

    rows: Reader
    names: Callable[[Path, Sequence[str]], Sequence[str]] | None = None
    schema: Callable[[Path], pa.Schema] | None = None


_CSV = Format(lambda path, columns, _: csv_table.rows(path, columns), csv_table.header)
_JSON = Format(json_table.rows)
_PARQUET = Format(
    lambda path, columns, _: parquet_table.rows(path, columns),
    lambda path, _: parquet_table.schema(path).names,
    parquet_table.schema,
)
FORMATS: Mapping[str, Format] = {
    ".parquet": _PARQUET,
    ".csv": _CSV,
    ".tsv": _CSV,
    ".csv.gz": _CSV,
    ".tsv.gz": _CSV,
    ".jsonl": _JSON,
    ".ndjson": _JSON,
    ".json": _JSON,
    ".jsonl.gz": _JSON,
    ".ndjson.gz": _JSON,
    ".json.gz": _JSON,
}
"""The endings of the tables that can be read."""


def _ending(path: Path) -> str:
    endings = [ending.lower() for ending in path.suffixes[-2:]]
    return "".join(endings if endings[-1:] == [".gz"] else endings[-1:])


def find_tables(names: Sequence[str]) -> list[Path]:
    """The tables with these names (``*`` matches any).

    Raises RecipeError if one does not exist, or its format is unknown.
    """
    paths = existing_files(names, "table")
    for path in paths:
        check_format(path)
    return paths


def check_format(path: Path) -> None:
    """Raises RecipeError if a file's name does not have one of the endings in `FORMATS`."""
    if _ending(path) not in FORMATS:
        say = f"{path} is not a table in a format that groundglass reads"
        raise RecipeError(say, f"its name must end in one of {', '.join(FORMATS)}")


def declared(path: Path) -> pa.Schema | None:
    """The types that a file declares; None if it is text, and only the values show them. Raises RecipeError."""
    schema = FORMATS[_ending(path)].schema
    try:
        return schema(path) if schema else None
    except READ_ERRORS as error:
        raise unreadable(path, error) from error


def column_names(path: Path, wanted: Sequence[str] = ()) -> Sequence[str] | None:
    """The names of a file's columns, in their order; None if only its rows show them.

    ``wanted`` are columns that it should have: they show the separator of a CSV file. Raises RecipeError for
    damage, and for a name that occurs twice.
    """
    names = FORMATS[_ending(path)].names
    if names is None:
        return None
    try:
        found = names(path, wanted)
    except READ_ERRORS as error:
        raise unreadable(path, error) from error
    twice = next((name for name, count in Counter(found).items() if name and count > 1), None)
    if twice is not None:
        raise RecipeError(f"{path} has two columns named '{twice}'", "rename one of them")
    return found


def table_rows(path: Path, columns: Sequence[str] | None, text: Sequence[str] = ()) -> Iterator[Rows]:
    """A file's rows with these columns (None: all), those of ``text`` as text if the format leaves a choice.

    Raises RecipeError for damage, and `groundglass.sources.table_rows.ColumnFault` if only one column is damaged.
    """
    try:
        yield from FORMATS[_ending(path)].rows(path, columns, text)
    except READ_ERRORS as error:
        raise unreadable(path, error) from error
