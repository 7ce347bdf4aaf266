"""The column of a table that has the images: their paths, or their bytes."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from groundglass.errors import RecipeError
from groundglass.sources.table_types import is_binary, is_text


class ImageColumn(NamedTuple):
    """The column of the images: their paths, or their bytes, which may be in a struct (``{bytes, path}``)."""

    column: str
    embedded: bool


class Leaves(NamedTuple):
    """The fields of one file with the bytes (``image`` or ``image.bytes``), and with their names, if there are any."""

    bytes: str
    names: str | None = None


def check_paths(schema: pa.Schema, name: str) -> None:
    """Raises RecipeError if a column that should hold paths does not hold text."""
    kind = schema.field(name).type
    if not is_text(kind) and not pa.types.is_null(kind):
        raise RecipeError(f"the column '{name}' holds {kind}, not paths", _hint_for(kind, name))


def find_bytes(path: Path, schema: pa.Schema | None, name: str) -> Leaves:
    """The field of a file's column that has bytes, also in a struct as Hugging Face writes it.

    Bytes that are null everywhere may have no type. Raises RecipeError if there are no bytes.
    """
    if schema is None:
        raise RecipeError(
            f"only Parquet tables can hold bytes, and {path} is not one", "name files: `path: COLUMN`"
        )
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
        return f"for bytes, write `bytes: {name}`"
    return f"for paths, write `path: {name}`" if is_text(kind) else "name another column"
