"""The listing of a source: one row for each image, before any of its bytes is read."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from groundglass.errors import RecipeError
from groundglass.tables.rows import META

LISTING = pa.schema(
    [
        ("uri", pa.string()),
        ("path", pa.binary()),
        ("bytes", pa.int64()),
        ("mtime_ns", pa.int64()),
        ("error", pa.string()),
        ("detail", pa.string()),
    ]
)
"""A listed image: its name in the source, its locator (`groundglass.files.locators`), its size if it is
known, and why it cannot be read. Columns that came with it follow, with names that begin with ``meta.``."""


ARROW: dict[str, pa.DataType] = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "UBIGINT": pa.uint64(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
}
"""The SQL types that such a column can have, and their Arrow types."""


@dataclass(frozen=True)
class Listed:
    """One row of a listing; ``beside`` holds the facts that came with the image."""

    uri: str
    path: bytes
    bytes: int | None = None
    mtime_ns: int | None = None
    error: str | None = None
    detail: str | None = None
    beside: Mapping[str, Any] = field(default_factory=dict)


def to_table(rows: Iterable[Listed], types: Mapping[str, str] | None = None) -> pa.Table:
    """Listed images as a table, in the order of their uris, so the order on disk has no effect.

    ``types`` are the SQL types of the columns that come with them, without ``meta.``; see `ARROW`.
    """
    ordered = sorted(rows, key=lambda row: row.uri)
    table = pa.table(
        {name: [getattr(row, name) for row in ordered] for name in LISTING.names}, schema=LISTING
    )
    for name, kind in (types or {}).items():
        values = pa.array([row.beside.get(name) for row in ordered], ARROW[kind])
        table = table.append_column(META + name, values)
    return table


def unique(uris: Sequence[str]) -> list[str]:
    """Every uri once: the second with the same name gets the suffix ``~2``.

    >>> unique(["a", "b", "a", "a~2", "a"])
    ['a', 'b', 'a~3', 'a~2', 'a~4']
    """
    taken = set(uris)
    if len(taken) == len(uris):
        return list(uris)
    seen: dict[str, int] = {}
    named: list[str] = []
    for uri in uris:
        count = seen.get(uri, 0) + 1
        name = uri
        while count > 1 and name in taken:
            name = f"{uri}~{count}"
            count += name in taken
        seen[uri] = count
        taken.add(name)
        named.append(name)
    return named


def existing_files(names: Sequence[str], what: str) -> list[Path]:
    """The named files, with paths as written; a name with ``*``, ``?`` or ``[`` means all files that match it.

    Raises RecipeError if one does not exist, is a folder, or cannot be read; ``what`` is the kind of file expected.
    """
    found: list[Path] = []
    for name in names:
        path = Path(name).expanduser()
        fitting = [path] if path.exists() else sorted(map(Path, _fitting(str(path))))
        if not fitting:
            raise RecipeError(
                f"there is no {what} {path.absolute()}", "paths are relative to the working folder"
            )
        found += [_readable(file, what) for file in fitting]
    return list(dict.fromkeys(found))


def _fitting(pattern: str) -> list[str]:
    return glob.glob(pattern, recursive=True)  # noqa: PTH207  (Path.glob takes no absolute pattern)


def _readable(path: Path, what: str) -> Path:
    if path.is_dir():
        raise RecipeError(f"{path} is a folder, not a {what}", f"name the files in it, for example {path}/*")
    if not path.is_file() or not os.access(path, os.R_OK):
        raise RecipeError(f"the {what} {path} cannot be read", f"allow it: chmod u+r {path}")
    return path


def short_names(paths: Sequence[Path]) -> list[str]:
    """The start of the uris of several files: their names, or their paths if two have the same name.

    >>> short_names([Path("x/a.zip"), Path("y/b.zip")]), short_names([Path("x/a.zip"), Path("y/a.zip")])
    (['a.zip', 'b.zip'], ['x/a.zip', 'y/a.zip'])
    """
    names = [path.name for path in paths]
    return names if len(set(names)) == len(names) else [path.as_posix() for path in paths]
