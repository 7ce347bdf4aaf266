"""The rows of a table as images to be read, and whole tables in the types of their values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from groundglass.errors import RecipeError
from groundglass.files.locators import cell
from groundglass.sources.listing import ARROW, LISTING, short_names, unique
from groundglass.sources.parquet_table import empty_cells
from groundglass.sources.table_cast import cast, plain_values
from groundglass.sources.table_columns import ImageColumn, Leaves, check_paths, find_bytes
from groundglass.sources.table_files import column_names, declared, find_tables, table_rows
from groundglass.sources.table_paths import NamedFile, is_remote, named_file
from groundglass.sources.table_rows import READ_ERRORS, ColumnFault, Rows, unreadable
from groundglass.sources.table_survey import Question, Survey, survey
from groundglass.tables.parquet import compute, path_to_bytes
from groundglass.tables.rows import META

Empties = Callable[[Path, int, str], pa.Array | None]
_PEEK = 1_000
"""The number of rows in which a plan looks for URLs."""


def first_url(path: Path, column: str) -> str | None:
    """A URL among the first paths of a table, or None: such tables cannot be read yet."""
    for rows in table_rows(path, [column], [column]):
        values = plain_values(rows.columns[column].slice(0, _PEEK)).to_pylist()
        return next((value for value in values if isinstance(value, str) and is_remote(value)), None)
    return None


def list_tables(
    names: Sequence[str], images: ImageColumn, types: Mapping[str, str] | None = None
) -> pa.Table:
    """Every image that the tables name or hold as a row of `LISTING`, sorted by uri.

    A path is relative to the table's folder and, as written, is the uri; for several tables the table's name
    comes first. The uri of bytes is the table's name and their own name (in a struct as Hugging Face writes it), or the
    number of their row; if the struct has no bytes, the file at its path is the image. Of equal uris, the second gets
    the suffix ``~2``.
    ``types`` are the further wanted columns and their SQL types; a value that does not fit its type is null, and so
    are the values of a column that only other tables have.
    No image is read; for bytes not even the size is known. A file that does not exist is a row with the error
    ``vanished``.

    Raises RecipeError for tables that cannot be read or lack the column of images.
    """
    paths = find_tables(names)
    wanted = types or {}
    _refuse_unknown(paths, images, wanted)
    parts = [_schema(wanted).empty_table()]
    for name, path in zip(short_names(paths), paths, strict=True):
        leaves = find_bytes(path, declared(path), images.column) if images.embedded else None
        own = [images.column] if leaves is None else [leaves.names] if leaves.names else []
        texts = [images.column, *(column for column, kind in wanted.items() if kind == "VARCHAR")]
        # Rows of one group follow each other, so one entry suffices.
        empties = lru_cache(maxsize=1)(empty_cells)
        try:
            for rows in table_rows(path, _present(path, [*own, *wanted]), texts):
                prefix = f"{name}/" if len(paths) > 1 or leaves else ""
                numbered = [f"{name}/{n:09d}" for n in range(rows.first, rows.first + rows.columns.num_rows)]
                if leaves is None:
                    listed = _files(path, rows, images.column, prefix, numbered)
                else:
                    listed = _cells(path, rows, leaves, prefix, numbered, empties)
                parts.append(_with_columns(listed, rows, wanted))
        except ColumnFault as fault:
            raise RecipeError(f"the column '{fault.column}' of {path} {fault.why}") from fault
        except READ_ERRORS as error:
            raise unreadable(path, error) from error
    return _in_order(pa.concat_tables(parts))


def read_table(path: Path, texts: Sequence[str] = (), wanted: Sequence[str] | None = None) -> pa.Table:
    """A whole table, each column in the type of its values; ``texts`` as text, as written.

    ``wanted`` are the only columns (default: all columns of single values). Raises RecipeError.
    """
    found = _whole(path, texts, wanted)
    only = None if wanted is None else frozenset([*texts, *wanted])
    for name in only or texts:
        if name in found.left_out:
            raise RecipeError(f"the column '{name}' of {path} {found.left_out[name]}")
    types = {name: kind for name, kind in found.types.items() if only is None or name in only}
    types = {name: kind for name, kind in types.items() if name in found.names[0]}
    parts = [pa.schema([(name, ARROW[kind]) for name, kind in types.items()]).empty_table()]
    for rows in table_rows(path, list(types), [name for name, kind in types.items() if kind == "VARCHAR"]):
        parts.append(pa.table(dict(_cast_columns(rows, types))) if types else parts[0])
    return pa.concat_tables(parts)


def table_notes(
    path: Path, texts: Sequence[str] = (), wanted: Sequence[str] | None = None
) -> tuple[str, ...]:
    """Remarks for the user on the result of `read_table`: unknown values, and columns that are left out."""
    return _whole(path, texts, wanted).notes


def _whole(path: Path, texts: Sequence[str], wanted: Sequence[str] | None) -> Survey:
    stated = tuple((name, "VARCHAR") for name in texts)
    only = None if wanted is None else frozenset([*texts, *wanted])
    return survey([path], Question(stated=stated, wanted=only))


def _schema(types: Mapping[str, str]) -> pa.Schema:
    return pa.schema([*LISTING, *(pa.field(META + name, ARROW[kind]) for name, kind in types.items())])


def _refuse_unknown(paths: Sequence[Path], images: ImageColumn, types: Mapping[str, str]) -> None:
    """Raises RecipeError if a table has no such column of images, or no table has a wanted column."""
    known = [column_names(path, [images.column]) for path in paths]
    for path, names in zip(paths, known, strict=True):
        if names is None:
            continue
        if images.column not in names:
            raise RecipeError(f"{path} has no column '{images.column}'", f"its columns: {', '.join(names)}")
        schema = declared(path)
        if schema is not None and not images.embedded:
            check_paths(schema, images.column)
    for name in types:
        if all(names is not None and name not in names for names in known):
            raise RecipeError(
                f"{paths[0]} has no column '{name}'", f"its columns: {', '.join(known[0] or ())}"
            )


def _present(path: Path, columns: Sequence[str]) -> list[str]:
    """The columns that a file has, or may have."""
    names = column_names(path, columns[:1])
    unique = list(dict.fromkeys(columns))
    return unique if names is None else [name for name in unique if name in names or name not in columns[1:]]


def _cells(
    path: Path, rows: Rows, leaves: Leaves, prefix: str, numbered: list[str], empties: Empties
) -> pa.Table:
    """Rows of images inside the table; for rows without bytes, the file at the path next to them, if there is one."""
    raw, time = path_to_bytes(path.absolute()), path.stat().st_mtime_ns
    count = len(numbered)
    found = [
        NamedFile(cell(raw, rows.group, row, leaves.bytes), None, time)
        for row in range(rows.place, rows.place + count)
    ]
    if leaves.names is None:
        return _listed(numbered, found)
    struct = rows.columns[leaves.names.removesuffix(".path")]
    own = plain_values(compute.struct_field(struct, "path")).to_pylist()
    empty = empties(path, rows.group, leaves.bytes)
    if empty is not None:
        folder = path_to_bytes(path.absolute().parent)
        for row, none in enumerate(empty.slice(rows.place, count).to_pylist()):
            if none and own[row]:
                found[row] = named_file(folder, own[row])
    return _listed([prefix + n if n else number for n, number in zip(own, numbered, strict=True)], found)


def _files(path: Path, rows: Rows, column: str, prefix: str, unnamed: list[str]) -> pa.Table:
    """Rows of the files that a column names; ``unnamed`` are the uris of rows without a name."""
    folder = path_to_bytes(path.absolute().parent)
    texts: list[str | None] = plain_values(rows.columns[column]).to_pylist()
    uris = [prefix + text if text else uri for text, uri in zip(texts, unnamed, strict=True)]
    return _listed(uris, [named_file(folder, text) for text in texts])


def _listed(uris: Sequence[str], files: Sequence[NamedFile]) -> pa.Table:
    columns = list(zip(*files, strict=True)) if files else [[]] * (len(LISTING) - 1)
    return pa.table([pa.array(uris, pa.string()), *map(list, columns)], schema=LISTING)


def _with_columns(listed: pa.Table, rows: Rows, types: Mapping[str, str]) -> pa.Table:
    """The listing with the wanted columns, in their wanted types."""
    for name, values in _cast_columns(rows, types):
        listed = listed.append_column(META + name, values)
    return listed


def _cast_columns(rows: Rows, types: Mapping[str, str]) -> Iterator[tuple[str, pa.ChunkedArray]]:
    for name, kind in types.items():
        if name in rows.columns.column_names:
            yield name, cast(rows.columns[name], kind, rows.decimal_comma)
        else:
            yield name, pa.chunked_array([pa.nulls(rows.columns.num_rows, ARROW[kind])])


def _in_order(table: pa.Table) -> pa.Table:
    """Sorted by uri, each uri once; equal ones keep the order of their rows."""
    table = table.combine_chunks()
    ordered = table.take(compute.sort_indices(table, sort_keys=[("uri", "ascending")]))
    if compute.count_distinct(ordered["uri"]).as_py() == ordered.num_rows:
        return ordered
    named = pa.array(unique(ordered["uri"].to_pylist()), pa.string())
    return _in_order(ordered.set_column(0, LISTING.field("uri"), named))
