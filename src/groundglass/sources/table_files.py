"""Table files by their endings: which can be read, what their columns are called, and their rows."""

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
    """How one format is read.

    rows    rows(path, columns or None for all, those of them wanted as text) -> a few rows at a time
    names   names(path, columns that it should have) -> those it has; None where only the rows tell
    schema  schema(path) -> the types that it declares; None where it declares none
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
    """The tables that are named (``*`` stands for any).

    Raises RecipeError where one is not there, or its format is not known.
    """
    paths = existing_files(names, "table")
    for path in paths:
        check_format(path)
    return paths


def check_format(path: Path) -> None:
    """Raises RecipeError where a file's name does not end as one of `FORMATS`."""
    if _ending(path) not in FORMATS:
        say = f"{path} is not a table in a format that groundglass reads"
        raise RecipeError(say, f"write one of {', '.join(FORMATS)}")


def declared(path: Path) -> pa.Schema | None:
    """The types that a file declares; None where it is text, and only the values tell. Raises RecipeError."""
    schema = FORMATS[_ending(path)].schema
    try:
        return schema(path) if schema else None
    except READ_ERRORS as error:
        raise unreadable(path, error) from error


def column_names(path: Path, wanted: Sequence[str] = ()) -> Sequence[str] | None:
    """The names of a file's columns, in their order; None where only its rows tell.

    ``wanted`` are columns that it should have: by them the separator of a CSV file is known. Raises RecipeError for
    damage, and where a name stands there twice.
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
    """A file's rows with these columns (None: all), those of ``text`` as text where the format leaves a choice.

    Raises RecipeError for damage, and `groundglass.sources.table_rows.ColumnFault` where one column alone is.
    """
    try:
        yield from FORMATS[_ending(path)].rows(path, columns, text)
    except READ_ERRORS as error:
        raise unreadable(path, error) from error
