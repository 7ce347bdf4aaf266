"""The pool that a selection judges, and the table of verdicts that it returns.

A pool is an Arrow table with ``id`` (text), the row's own columns, and ``parent``, ``root`` and ``meta``
as structs. Next to a column there may be a text column ``error:<path>`` (``error:blockiness``,
``error:root.blockiness``) that says why its value is null. NaN counts as null.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from groundglass.errors import RecipeError
from groundglass.tables.expressions import column_path
from groundglass.tables.quoting import ERROR, OWN
from groundglass.tables.sql_number_format import MACROS
from groundglass.tables.sql_writer import suggestion

Path = tuple[str, ...]

compute: Any = pc
"""pyarrow makes its functions at import, so its types do not list them."""

VERDICTS = pa.schema(
    [
        ("id", pa.string()),
        ("kept", pa.bool_()),
        ("failed", pa.bool_()),
        ("reason", pa.string()),
        ("margin", pa.float64()),
    ]
)
"""One row for each row of the pool, in the pool's order.

kept     passed the rule
failed   not kept because a measure had no value for it, not because of the rule
reason   the reason for dropping it; null if kept
margin   distance to the threshold in the deciding column's unit: positive if kept, negative if dropped;
         null if there is no single threshold
"""


def values(pool: pa.Table, path: Path) -> pa.ChunkedArray:
    """The column of a path, as int64, float64, text or bool; NaN is null. Raises RecipeError if there is none."""
    column = _find(pool, path)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    # Hashes use all 64 bits, so uint64 columns stay as they are.
    if pa.types.is_integer(column.type) and column.type != pa.uint64():
        return column.cast(pa.int64())
    if pa.types.is_floating(column.type):
        column = column.cast(pa.float64())
        return compute.if_else(compute.is_nan(column), pa.scalar(None, pa.float64()), column)
    return column


def _find(pool: pa.Table, path: Path) -> pa.ChunkedArray:
    name = ".".join(path)
    if name in pool.column_names:
        return pool[name]
    whose, _, field = name.partition(".")
    column = pool[whose] if whose in pool.column_names else None
    if column is not None and pa.types.is_struct(column.type) and column.type.get_field_index(field) >= 0:
        return compute.struct_field(column, [column.type.get_field_index(field)])
    raise RecipeError(f"there is no column '{name}'", suggestion(name, pool.column_names))


def errors(pool: pa.Table, path: Path) -> pa.ChunkedArray:
    """The reasons why the values of a path are null, if they are known."""
    name = ERROR + ".".join(path)
    return pool[name].cast(pa.string()) if name in pool.column_names else pa.nulls(pool.num_rows, pa.string())


def numbers(pool: pa.Table, by: str) -> pa.ChunkedArray:
    """The values of a column to rank by, as float64. Raises RecipeError if they are not numbers."""
    column = values(pool, column_path(by))
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_null)
    if not any(test(column.type) for test in tests):
        raise RecipeError(
            f"cannot rank by '{by}': its values are {column.type}, not numbers", "name a column of numbers"
        )
    return (
        column.cast(pa.int64()).cast(pa.float64())
        if pa.types.is_boolean(column.type)
        else column.cast(pa.float64())
    )


def flat(pool: pa.Table, paths: Iterable[Path]) -> pa.Table:
    """These columns under their dotted names, each with its ``error:``, after the places and ids."""
    columns: dict[str, Any] = {f"{OWN}place": places(pool), f"{OWN}id": pool["id"].cast(pa.string())}
    for path in paths:
        name = ".".join(path)
        # SQL names ignore case.
        if name.lower() in map(str.lower, columns):
            raise RecipeError(
                f"'{name}' and another column differ only in upper and lower case", "rename one of them"
            )
        columns[name] = values(pool, path)
        columns[ERROR + name] = errors(pool, path)
    return pa.table(columns)


def places(pool: pa.Table) -> pa.Array:
    """The row numbers 0, 1, 2 …"""
    return pa.array(np.arange(pool.num_rows, dtype=np.int64))


def ask(sql: str, tables: Mapping[str, pa.Table]) -> pa.Table:
    """The answer to a query over these tables; the query may use the macros of `sql_number_format`."""
    with _database().cursor() as connection:
        for name, table in tables.items():
            connection.register(name, table)
        try:
            return connection.sql(sql).to_arrow_table()
        except duckdb.Error as error:
            raise RecipeError(f"the selection cannot be judged: {str(error).splitlines()[0]}") from error


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """A separate database, since its macros and its setting must not affect other queries."""
    connection = duckdb.connect(config={"enable_external_access": "false"})
    connection.execute(MACROS)
    # With this optimizer, DuckDB evaluates a failing cast outside of the TRY that guards it.
    connection.execute("SET GLOBAL disabled_optimizers = 'common_subexpressions'")
    return connection


def judged(sql: str, tables: Mapping[str, pa.Table]) -> pa.Table:
    """The verdicts that a query gives, in its columns id, kept, failed, reason, margin."""
    return ask(sql, tables).select(VERDICTS.names).cast(VERDICTS)


def verdicts(pool: pa.Table, kept: Any, failed: Any, reason: Any) -> pa.Table:
    """Verdicts without a threshold, from arrays in the pool's order."""
    margin = pa.nulls(pool.num_rows, pa.float64())
    return pa.table([pool["id"].cast(pa.string()), kept, failed, reason, margin], schema=VERDICTS)
