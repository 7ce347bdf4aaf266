"""Pictures that a table names or holds: Parquet, CSV or JSONL, with what else it knows of them."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from groundglass.errors import RecipeError
from groundglass.files.locators import cell
from groundglass.sources.listing import ARROW, LISTING, existing_files, short_names, unique
from groundglass.sources.sidecars import is_column
from groundglass.tables.parquet import compute, connect, path_to_bytes
from groundglass.tables.rows import META
from groundglass.tables.sql_writer import quoted

READERS = (".parquet", ".csv", ".jsonl")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PEEK = 1_000
"""Rows in which a plan looks for URLs."""


class Pictures(NamedTuple):
    """Which column has the pictures: their paths, or their bytes (the path of a leaf: ``image.bytes``).

    names   the leaf beside the bytes that names them (``image.path``), if there is one
    """

    column: str
    embedded: bool
    names: str | None = None


def find_tables(names: Sequence[str]) -> list[Path]:
    """The tables that are named (``*`` stands for any).

    Raises RecipeError where one is not there, or is no table that is known here.
    """
    paths = existing_files(names, "table")
    for path in paths:
        if path.suffix.lower() not in READERS:
            raise RecipeError(f"{path} is no table that is known here", f"write one of {', '.join(READERS)}")
    return paths


def table_schema(path: Path) -> pa.Schema:
    """The columns of a table; of a CSV or JSONL file as its content suggests. Raises RecipeError for damage."""
    from pyarrow import parquet

    try:
        schema = parquet.read_schema(path) if _is_parquet(path) else _whole(path).schema
        _ = schema.names  # names that are no UTF-8 are found out here
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error
    return schema


def sql_types(schema: pa.Schema, without: str = "") -> dict[str, str]:
    """The columns with single values that an expression can name, and their SQL types.

    >>> sql_types(pa.schema([("w", pa.int32()), ("at", pa.date32()), ("tags", pa.list_(pa.string()))]))
    {'w': 'BIGINT', 'at': 'VARCHAR'}
    """
    found = {field.name: _sql_type(field.type) for field in schema if is_column(field.name)}
    spelled: dict[str, str] = {}
    for name in found:  # of two names that differ in capitals only, SQL could not tell the second
        spelled.setdefault(name.lower(), name)
    return {n: kind for n, kind in found.items() if kind and n != without and spelled[n.lower()] == n}


def _sql_type(kind: pa.DataType) -> str:
    """Empty for what is no single value."""
    types = pa.types
    if types.is_dictionary(kind):
        return _sql_type(kind.value_type)
    if types.is_boolean(kind):
        return "BOOLEAN"
    if types.is_integer(kind):
        return "UBIGINT" if kind == pa.uint64() else "BIGINT"
    if types.is_float32(kind) or types.is_float64(kind) or types.is_decimal128(kind):
        return "DOUBLE"
    text = types.is_string(kind) or types.is_large_string(kind) or types.is_null(kind)
    return "VARCHAR" if text or types.is_date(kind) or types.is_timestamp(kind) else ""


def path_column(schema: pa.Schema, name: str) -> Pictures:
    """The column of paths. Raises RecipeError where it holds no text."""
    kind = schema.field(name).type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise RecipeError(f"the column '{name}' holds {kind}, not paths", _hint_for(kind, name))
    return Pictures(name, embedded=False)


def bytes_column(path: Path, schema: pa.Schema, name: str) -> Pictures:
    """The column of bytes, also inside a struct as Hugging Face writes it. Raises RecipeError where there are none."""
    if not _is_parquet(path):
        raise RecipeError(f"only Parquet tables hold bytes, and {path} is none", "name files: `path: COLUMN`")
    kind = schema.field(name).type
    if _is_binary(kind):
        return Pictures(name, embedded=True)
    if (
        pa.types.is_struct(kind)
        and kind.get_field_index("bytes") >= 0
        and _is_binary(kind.field("bytes").type)
    ):
        named = kind.get_field_index("path") >= 0 and pa.types.is_string(kind.field("path").type)
        return Pictures(f"{name}.bytes", True, f"{name}.path" if named else None)
    raise RecipeError(f"the column '{name}' holds {kind}, not bytes", _hint_for(kind, name))


def _is_binary(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _hint_for(kind: pa.DataType, name: str) -> str:
    if _is_binary(kind) or pa.types.is_struct(kind):
        return f"bytes are named by `bytes: {name}`"
    return f"paths are named by `path: {name}`" if "string" in str(kind) else "name another column"


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
    if not _is_parquet(path):
        yield 0, 0, _whole(path).select(columns)
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


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _whole(path: Path) -> pa.Table:
    """A CSV or JSONL file."""
    from pyarrow import csv, json

    try:
        return csv.read_csv(path) if path.suffix.lower() == ".csv" else json.read_json(path)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> RecipeError:
    return RecipeError(f"{path} cannot be read as a table: {str(error).splitlines()[0]}")
