"""Pictures that a table names or holds: Parquet, CSV or JSONL, with what else it knows of them."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar

import pyarrow as pa
from pydantic import Field, model_validator

from groundglass.errors import RecipeError
from groundglass.files.locators import cell
from groundglass.settings.field_types import Names
from groundglass.settings.key_rules import one_of, refuse
from groundglass.sources.listing import ARROW, LISTING, existing_files, short_names, unique
from groundglass.sources.source import Brought, SourceFault, SourceWithColumns
from groundglass.sources.table_columns import (
    Pictures,
    bytes_column,
    is_parquet,
    path_column,
    sql_types,
)
from groundglass.tables.parquet import compute, connect, path_to_bytes
from groundglass.tables.rows import META
from groundglass.tables.sql_writer import quoted

READERS = (".parquet", ".csv", ".jsonl")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PEEK = 1_000
"""Rows in which a plan looks for URLs."""


class Table(SourceWithColumns):
    """The images that a table names or holds: Parquet, CSV or JSONL."""

    keys: ClassVar = ("table",)
    reference: ClassVar = "Parquet, RFC 4180, JSON Lines; Hugging Face's image columns"
    example: ClassVar = "{table: list.parquet, path: file, columns: {caption: TEXT}, where: 'width >= 2048'}"

    table: Annotated[
        Names,
        Field(
            min_length=1,
            description="Parquet, CSV or JSONL files whose rows are images; `*` stands for any name",
        ),
    ]
    path: Annotated[
        str | None, Field(description="the table's column of files, each taken from the table's folder")
    ] = None
    bytes: Annotated[
        str | None, Field(description="the Parquet table's column of whole files, or its struct with `bytes`")
    ] = None

    @model_validator(mode="after")
    def _check(self) -> Table:
        if self.path is None and self.bytes is None:
            say = "`table` needs the column of the pictures"
            refuse("table", say, "add `path: COLUMN` or `bytes: COLUMN` to it")
        one_of(self, ("path", "bytes"))
        return self

    def look(self) -> Brought:
        first = find_tables(self.table)[0]
        schema = table_schema(first)
        self._pictures(first, schema)
        name = self.bytes or self.path or ""
        url = None if self.bytes else first_url(first, name)
        if url:
            hint = "fetch them first, and name the files; downloading comes in a later version"
            said = f"the column '{name}' holds URLs ({url[:60]}): not yet possible"
            raise SourceFault(said, hint, ("path",), name)
        found = sql_types(schema, without=name)
        for stated in self.columns or {}:
            if stated not in found:
                what = "is of the pictures" if stated == name else "holds no single values"
                message = f"the column '{stated}' of {first} {what}" if stated in schema.names else ""
                none = message or f"{first} has no column '{stated}'"
                raise SourceFault(none, "", ("columns", stated), stated, tuple(found))
        stated = self.stated()
        return self.brought(found | stated, stated)

    def _pictures(self, first: Path, schema: pa.Schema) -> Pictures:
        """The column of the pictures. Raises SourceFault where the table has none that can be used."""
        key, name = ("bytes", self.bytes) if self.bytes else ("path", self.path or "")
        if name not in schema.names:
            raise SourceFault(f"{first} has no column '{name}'", "", (key,), name, schema.names)
        try:
            return bytes_column(first, schema, name) if self.bytes else path_column(schema, name)
        except RecipeError as error:
            raise SourceFault(error.message, error.hint, (key,), name) from error

    def listing(self, types: Mapping[str, str], own_folder: Path) -> pa.Table:
        first = find_tables(self.table)[0]
        return list_tables(self.table, self._pictures(first, table_schema(first)), types)

    def label(self) -> str:
        return ", ".join(self.table)


def find_tables(names: Sequence[str]) -> list[Path]:
    """The tables that are named (``*`` stands for any).

    Raises RecipeError where one is not there, or its format is not known.
    """
    paths = existing_files(names, "table")
    for path in paths:
        check_format(path)
    return paths


def check_format(path: Path) -> None:
    """Raises RecipeError where a file's name does not end as one of `READERS`."""
    if path.suffix.lower() not in READERS:
        say = f"{path} is not a table in a format that groundglass reads"
        raise RecipeError(say, f"write one of {', '.join(READERS)}")


def table_schema(path: Path) -> pa.Schema:
    """The columns of a table; of a CSV or JSONL file as its content suggests. Raises RecipeError for damage."""
    from pyarrow import parquet

    try:
        schema = parquet.read_schema(path) if is_parquet(path) else read_whole(path).schema
        _ = schema.names  # names that are not UTF-8 fail here
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error
    return schema


def first_url(path: Path, column: str) -> str | None:
    """A URL among the first paths of a table, if there is one: such tables cannot be read yet."""
    for _, _, rows in _groups(path, [column]):
        for value in rows[column].slice(0, _PEEK).to_pylist():
            if _URL.match(str(value)):
                return str(value)
        return None
    return None


def list_tables(names: Sequence[str], pictures: Pictures, types: Mapping[str, str] | None = None) -> pa.Table:
    """Every picture that the tables name or hold as a row of `LISTING`, sorted by uri.

    A path is taken from the table's folder and is the uri; of several tables the table's name comes first. Bytes
    have the table's name and their own (in a struct as Hugging Face writes it), or the number of their row. Of two
    equal uris the second gets ``~2`` behind it.
    ``types`` are the further columns wanted and their SQL types; a value of another type is null.
    No picture is read, and of bytes not even the size is known. A file that is not there is a row with the error
    ``vanished``.

    Raises RecipeError for tables that cannot be read or lack a column.
    """
    paths = find_tables(names)
    parts = [_schema(types or {}).empty_table()]
    for name, path in zip(short_names(paths), paths, strict=True):
        for group, first, rows in _groups(path, _wanted(path, pictures, types or {})):
            numbered = [f"{name}/{n:09d}" for n in range(first, first + rows.num_rows)]
            if pictures.embedded:
                listed = _cells(path, pictures.column, group, _named(name, rows, pictures.names, numbered))
            else:
                prefix = f"{name}/" if len(paths) > 1 else ""
                listed = _files(path, rows[pictures.column], prefix, numbered)
            parts.append(_with_columns(listed, rows, types or {}))
    return _in_order(pa.concat_tables(parts))


def _schema(types: Mapping[str, str]) -> pa.Schema:
    return pa.schema([*LISTING, *(pa.field(META + name, ARROW[kind]) for name, kind in types.items())])


def _wanted(path: Path, pictures: Pictures, types: Mapping[str, str]) -> list[str]:
    """The columns to read. Raises RecipeError where the table has not all of them."""
    schema = table_schema(path)
    there = schema.names
    struct = pictures.embedded and pictures.column not in there
    for name in [pictures.column.removesuffix(".bytes") if struct else pictures.column, *types]:
        if name not in there:
            raise RecipeError(f"{path} has no column '{name}'", f"its columns: {', '.join(there)}")
    if not pictures.embedded:
        path_column(schema, pictures.column)
    of_pictures = pictures.names if pictures.embedded else pictures.column
    return list(dict.fromkeys([*([of_pictures] if of_pictures else []), *types]))


def _groups(path: Path, columns: list[str]) -> Iterator[tuple[int, int, pa.Table]]:
    """Number, first row and content of each row group; a CSV or JSONL file is one."""
    if not is_parquet(path):
        yield 0, 0, read_whole(path).select(columns)
        return
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            first = 0
            for group in range(file.num_row_groups):
                count = file.metadata.row_group(group).num_rows
                rows = file.read_row_group(group, columns=columns) if columns else _no_columns(count)
                yield group, first, rows
                first += count
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error


def _no_columns(count: int) -> pa.Table:
    """Rows of nothing but their number."""
    return pa.table({"": pa.nulls(count)})


def _named(table: str, rows: pa.Table, leaf: str | None, numbered: list[str]) -> list[str]:
    """The uris of embedded pictures: their own names where they have any."""
    if leaf is None or leaf.removesuffix(".path") not in rows.column_names:
        return numbered
    own = compute.struct_field(rows[leaf.removesuffix(".path")], "path").to_pylist()
    return [f"{table}/{name}" if name else number for name, number in zip(own, numbered, strict=True)]


def _cells(path: Path, column: str, group: int, uris: list[str]) -> pa.Table:
    raw, time = path_to_bytes(path.absolute()), path.stat().st_mtime_ns
    count = len(uris)
    found = {
        "uri": pa.array(uris, pa.string()),
        "path": pa.array([cell(raw, group, row, column) for row in range(count)], pa.binary()),
        "bytes": pa.nulls(count, pa.int64()),
        "mtime_ns": pa.repeat(pa.scalar(time), count),
    }
    empty = {name: pa.nulls(count, pa.string()) for name in ("error", "detail")}
    return pa.table(found | empty, schema=LISTING)


def _files(path: Path, values: pa.ChunkedArray, prefix: str, unnamed: list[str]) -> pa.Table:
    """Rows of the files that a column names; ``unnamed`` are the uris of rows that name none."""
    folder = path_to_bytes(path.absolute().parent)
    texts = values.cast(pa.string()).to_pylist()
    rows = [_file(folder, text) for text in texts]
    uris = [prefix + text if text else uri for text, uri in zip(texts, unnamed, strict=True)]
    columns = list(zip(*rows, strict=True)) if rows else [[]] * (len(LISTING) - 1)
    return pa.table([uris, *map(list, columns)], schema=LISTING)


def _file(folder: bytes, text: str | None) -> tuple[bytes, int | None, int | None, str | None, str | None]:
    """Path, bytes, time, error and detail of a file that a table names."""
    if not text:
        return folder, None, None, "vanished", "the table names no file here"
    if "\0" in text:
        return folder, None, None, "unsafe_name", "the name holds a zero byte"
    if _URL.match(text):
        return folder, None, None, "unsupported", "a URL; downloading comes in a later version"
    path = os.path.join(folder, os.fsencode(text))
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return path, None, None, "vanished", "there is no such file"
    except OSError as error:
        return path, None, None, "unreadable", error.strerror
    if not stat.S_ISREG(found.st_mode):
        return path, None, None, "not_an_image", "not a regular file"
    return path, found.st_size, found.st_mtime_ns, None, None


def _with_columns(listed: pa.Table, rows: pa.Table, types: Mapping[str, str]) -> pa.Table:
    """The listing with the wanted columns of its rows, in their wanted types."""
    if not types:
        return listed
    con = connect()
    con.register("rows", rows)
    casts = (f"TRY_CAST({quoted((name,))} AS {kind}) AS {quoted((name,))}" for name, kind in types.items())
    found = con.sql(f"SELECT {', '.join(casts)} FROM rows").to_arrow_table()
    for name, kind in types.items():
        listed = listed.append_column(META + name, found[name].cast(ARROW[kind]))
    return listed


def _in_order(table: pa.Table) -> pa.Table:
    """Sorted by uri, each uri once; equal ones in the order of their rows."""
    table = table.combine_chunks()
    ordered = table.take(compute.sort_indices(table, sort_keys=[("uri", "ascending")]))
    if compute.count_distinct(ordered["uri"]).as_py() == ordered.num_rows:
        return ordered
    named = pa.array(unique(ordered["uri"].to_pylist()), pa.string())
    return _in_order(ordered.set_column(0, LISTING.field("uri"), named))


def read_whole(path: Path) -> pa.Table:
    """A Parquet, CSV or JSONL file. Raises RecipeError for damage."""
    from pyarrow import csv, json, parquet

    readers = {".parquet": parquet.read_table, ".csv": csv.read_csv, ".jsonl": json.read_json}
    try:
        return readers[path.suffix.lower()](path)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> RecipeError:
    return RecipeError(f"{path} cannot be read as a table: {str(error).splitlines()[0]}")
