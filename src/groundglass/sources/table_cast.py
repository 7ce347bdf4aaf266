"""A table's values in the wanted type: values that do not fit it are null, and nothing is rounded."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pyarrow as pa

from groundglass.sources.listing import ARROW
from groundglass.sources.table_types import LISTS, declared_kind
from groundglass.tables.parquet import compute, connect

# DuckDB's cast rounds the text 3.7 to 4, so text must match a pattern first.
_WHOLE = r"regexp_full_match(x, '\s*[+-]?[0-9]+(\.0*)?\s*')"
_DIGITS = r"regexp_replace(x, '\.0*\s*$', '')"
_NUMBER = r"regexp_full_match(x, '\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*')"
_OF_TEXT = {
    "BIGINT": f"CASE WHEN {_WHOLE} THEN TRY_CAST({_DIGITS} AS BIGINT) END",
    "UBIGINT": f"CASE WHEN {_WHOLE} THEN TRY_CAST({_DIGITS} AS UBIGINT) END",
    "DOUBLE": f"CASE WHEN {_NUMBER} AND isfinite(TRY_CAST(x AS DOUBLE)) THEN TRY_CAST(x AS DOUBLE) END",
    "BOOLEAN": "CASE WHEN lower(trim(x)) IN ('true', 't', 'yes', '1') THEN true "
    "WHEN lower(trim(x)) IN ('false', 'f', 'no', '0') THEN false END",
    "VARCHAR": "x",
}
_OF_NUMBERS = {
    "BIGINT": "CASE WHEN x = trunc(x) THEN TRY_CAST(x AS BIGINT) END",
    "UBIGINT": "CASE WHEN x = trunc(x) THEN TRY_CAST(x AS UBIGINT) END",
    "DOUBLE": "CAST(x AS DOUBLE)",
    "BOOLEAN": "CASE WHEN x = 1 THEN true WHEN x = 0 THEN false END",
    "VARCHAR": "CAST(x AS VARCHAR)",
}
_OF_BOOLEANS = {kind: f"CAST(x AS {kind})" for kind in ARROW}
"""SQL that turns a value ``x`` into each type, by the kind of the value."""


def cast(values: pa.ChunkedArray, sql_type: str, decimal_comma: bool = False) -> pa.ChunkedArray:
    """The values as a column of an SQL type of `groundglass.sources.listing.ARROW`; values that do not fit it are null.

    Fractions are not integers, and not-a-number is not a number. With ``decimal_comma``, the text 0,5 is a half.

    >>> cast(pa.chunked_array([["3840", "3.7", "wide", None]]), "BIGINT").to_pylist()
    [3840, None, None, None]
    """
    plain = plain_values(values)
    kind = plain.type
    if kind == ARROW[sql_type] and not pa.types.is_floating(kind):
        return plain
    if decimal_comma and sql_type == "DOUBLE" and pa.types.is_string(kind):
        plain = compute.replace_substring_regex(plain, r"^(\s*[+-]?\d+),(\d+\s*)$", r"\1.\2")
    forms = _OF_TEXT
    if pa.types.is_boolean(kind):
        forms = _OF_BOOLEANS
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        plain = _without_nan(plain)
        forms = _OF_NUMBERS
    con = connect()
    con.register("given", pa.table({"x": plain}))
    text = "x" if forms is not _OF_TEXT or pa.types.is_string(kind) else "CAST(x AS VARCHAR) AS x"
    found = con.sql(f"SELECT {forms[sql_type]} AS y FROM (SELECT {text} FROM given)").to_arrow_table()
    return found["y"].cast(ARROW[sql_type])


def unfit(values: pa.ChunkedArray, fitted: pa.ChunkedArray) -> tuple[int, str | None]:
    """The number of values that became null, and one of them. Not-a-number is not counted: tables use it for "none"."""
    given = _without_nan(plain_values(values))
    lost = compute.and_(compute.is_valid(given), compute.is_null(fitted))
    count = int(compute.sum(lost).as_py() or 0)
    return count, str(given.filter(lost)[0].as_py()) if count else None


def plain_values(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Values without details of storage: dictionaries, views, extensions. Lists are JSON text."""
    kind, types = values.type, pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return plain_values(pa.chunked_array([c.storage for c in values.chunks], kind.storage_type))
    if types.is_dictionary(kind):
        return plain_values(values.cast(kind.value_type))
    if types.is_null(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return values.cast(pa.string())
    if types.is_float16(kind):
        return values.cast(pa.float32())
    # DuckDB would convert a time to this machine's zone; as text it keeps its own.
    if types.is_decimal256(kind) or (types.is_timestamp(kind) and kind.tz):
        return values.cast(pa.string())
    if declared_kind(kind) == LISTS:
        texts = [None if value is None else _json(value) for value in values.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])
    return values


def _without_nan(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if not pa.types.is_floating(values.type):
        return values
    return compute.if_else(compute.is_nan(values), pa.scalar(None, values.type), values)


def _json(value: Any) -> str:
    if isinstance(value, datetime.timedelta):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)
