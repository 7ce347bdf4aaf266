"""The columns of a table that has pictures: which one has them, and which others an expression can name."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from groundglass.errors import RecipeError
from groundglass.sources.sidecars import is_column


class Pictures(NamedTuple):
    """Which column has the pictures: their paths, or their bytes (the path of a leaf: ``image.bytes``).

    names   the leaf beside the bytes that names them (``image.path``), if there is one
    """

    column: str
    embedded: bool
    names: str | None = None


def is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


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
    """Empty where it is not a single value."""
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
    if not is_parquet(path):
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
