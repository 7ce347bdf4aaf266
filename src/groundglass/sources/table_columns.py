"""The column of a table that has pictures: their paths, or their bytes."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from groundglass.errors import RecipeError
from groundglass.sources.table_types import is_binary, is_text


class Pictures(NamedTuple):
    """Which column has the pictures: their paths, or their bytes, which may stand in a struct (``{bytes, path}``)."""

    column: str
    embedded: bool


class Leaves(NamedTuple):
    """Where bytes stand in one file: ``image`` or ``image.bytes``; and what names them, where something does."""

    bytes: str
    names: str | None = None


def check_paths(schema: pa.Schema, name: str) -> None:
    """Raises RecipeError where a column that should hold paths holds no text."""
    kind = schema.field(name).type
    if not is_text(kind) and not pa.types.is_null(kind):
        raise RecipeError(f"the column '{name}' holds {kind}, not paths", _hint_for(kind, name))


def find_bytes(path: Path, schema: pa.Schema | None, name: str) -> Leaves:
    """Where a file's column has bytes, also in a struct as Hugging Face writes it.

    Bytes that are null everywhere may have no type of their own. Raises RecipeError where there are none.
    """
    if schema is None:
        raise RecipeError(f"only Parquet tables hold bytes, and {path} is none", "name files: `path: COLUMN`")
    kind = schema.field(name).type
    if is_binary(kind):
        return Leaves(name)
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        named = kind.get_field_index("path") >= 0 and is_text(kind.field("path").type)
        inside = kind.field("bytes").type
        if is_binary(inside) or (pa.types.is_null(inside) and named):
            return Leaves(f"{name}.bytes", f"{name}.path" if named else None)
    raise RecipeError(f"the column '{name}' holds {kind}, not bytes", _hint_for(kind, name))


def _hint_for(kind: pa.DataType, name: str) -> str:
    if is_binary(kind) or pa.types.is_struct(kind):
        return f"bytes are named by `bytes: {name}`"
    return f"paths are named by `path: {name}`" if is_text(kind) else "name another column"
