"""Parts of a store: Parquet files with checksums next to them, so that damaged or edited parts are never used.

A cache is disposable. A part that is cut off, changed by one bit, empty or of another schema is named, renamed, and
counts as never measured. The checksums are in ``part-….parquet.sum``: one for each column, so that
reading a column checks only that column, and one for the bytes after the columns. A part without such a file comes
from an earlier version: it is used if it can be read.
"""

from __future__ import annotations

import json
import mmap
import os
import time
import zlib
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from groundglass.files.atomic import write_text, written_whole
from groundglass.notices import notice
from groundglass.tables.parquet import pack

SET_ASIDE = "damaged-"
"""The prefix of the name of a part that is not used any more."""
_AGAIN = 0.2
"""Seconds until a part is checked once more: another process may be replacing it and its checksums right now."""
_proven: dict[tuple[str, int, int], set[str]] = {}
"""Checked parts of files (path, size, time) in this process: names of columns, and "" for the bytes after them."""


_NO_SUMS = (ValueError, KeyError, TypeError, RecursionError)
"""Errors of reading a file that does not contain checksums in the form written here."""


class Damaged(Exception):
    """A part that cannot be used; the message says why."""


def write_part(table: pa.Table, part: Path, mtime_ns: int | None = None) -> None:
    """Write a table as a part with its checksums, completely or not at all. Raises UnreachableError if it cannot."""
    with written_whole(part) as temporary:
        pack(table, temporary)
        if mtime_ns is not None:
            os.utime(temporary, ns=(mtime_ns, mtime_ns))
        # The checksums are written before the part gets its name, so no part is ever without them.
        write_text(json.dumps(_sums(temporary)), _sum_file(part))


def remove_part(part: Path) -> None:
    """Remove a part and its checksums; another process may have done so before."""
    part.unlink(missing_ok=True)
    _sum_file(part).unlink(missing_ok=True)


def parts_in(folder: Path) -> list[Path]:
    """The parts of a folder, oldest first; none if there is no such folder."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        named = [e for e in entries if e.name.startswith("part-") and e.name.endswith(".parquet")]
        found: list[tuple[int, str]] = []
        for entry in named:
            try:
                found.append((entry.stat().st_mtime_ns, entry.path))
            except OSError as error:
                if entry.is_symlink():
                    set_aside(Path(entry.path), f"a link that leads nowhere: {error.strerror}")
                # A FileNotFoundError means that another process has just merged this part.
                elif not isinstance(error, FileNotFoundError):
                    raise
    return [Path(path) for _, path in sorted(found)]


def keep_sound(folder: Path, schema: pa.Schema) -> None:
    """Set aside every part that was changed, that lacks a column of this schema or has it with another type.

    So the rows to measure again are found before the work is handed out. A process computes a part's sums only once.
    """
    for part in parts_in(folder):
        with suppress(FileNotFoundError), _setting_aside(part):
            _check(part, schema.names)
            found = pq.read_schema(part)
            for field in schema:
                if field.name not in found.names or found.field(field.name).type != field.type:
                    raise Damaged(f"it has no column {field.name} of type {field.type}")


def make_room(folder: Path, below: Path) -> None:
    """Rename a file that is in the place of a folder, or of one above it up to ``below``, and report it."""
    for place in (folder, *folder.parents):
        if os.path.lexists(place) and not place.is_dir():
            set_aside(place, "a folder belongs there")
        if place == below:
            return


def read_sound(
    parts: Sequence[Path], names: Sequence[str] | None, needed: Sequence[str] = (), wanted: Any = None
) -> list[pa.Table]:
    """The tables of all sound parts, in their order; the other parts are set aside.

    names   the columns to read, None for all; a part that lacks one of them or of ``needed`` has another schema
    wanted  a filter, as `pyarrow.parquet.read_table` takes it

    Raises FileNotFoundError if a part disappears meanwhile.
    """
    read: list[tuple[Path, pa.Table]] = []
    for part in parts:
        with _setting_aside(part):
            read.append((part, _read(part, names, needed, wanted)))
    if not read:
        return []
    # One odd part must not stop the others from being joined: the schema of the majority is taken as the right one.
    usual = Counter(table.schema for _, table in read).most_common(1)[0][0]
    for part, table in read:
        if table.schema != usual:
            set_aside(part, "its columns have other types than those of the other parts")
    return [table for _, table in read if table.schema == usual]


def read_parts(folder: Path, schema: pa.Schema, needed: Sequence[str]) -> pa.Table:
    """All sound parts of a folder as one table of this schema; an empty table if there are none.

    A part without the ``needed`` columns has another schema and is set aside. Other columns that an earlier version did
    not write are null.
    """
    tables = [schema.empty_table()]
    for part in parts_in(folder):
        with _setting_aside(part):
            tables.append(_as(schema, _read(part, None, needed, None)))
    return pa.concat_tables(tables)


def _as(schema: pa.Schema, table: pa.Table) -> pa.Table:
    there = set(table.schema.names)
    columns = [
        table[field.name].cast(field.type) if field.name in there else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def row_count(part: Path) -> int:
    """The number of rows of a part; 0 if it is damaged and set aside."""
    with _setting_aside(part):
        _check(part, ())
        return pq.read_metadata(part).num_rows
    return 0


@contextmanager
def _setting_aside(part: Path) -> Generator[None]:
    """Set the part aside and end the block on any error that shows damage."""
    try:
        yield
    except (FileNotFoundError, PermissionError):
        raise
    except (Damaged, OSError, ValueError, KeyError, pa.ArrowException) as error:
        set_aside(part, str(error).split("\n")[0])


def set_aside(part: Path, why: str) -> None:
    """Rename a part so that it is never read again, and report it. If it cannot be renamed, it is skipped."""
    # Renamed instead of deleted, so that the damaged file can still be examined.
    aside = part.with_name(SET_ASIDE + part.name)
    with suppress(OSError):
        part.replace(aside)
    with suppress(OSError):
        _sum_file(part).replace(_sum_file(aside))
    moved = os.path.lexists(aside) and not os.path.lexists(part)
    where = f"it is now {aside.name}" if moved else "it is skipped"
    notice(f"{part} is damaged ({why}): {where}, and its rows count as never measured")


def _read(part: Path, names: Sequence[str] | None, needed: Sequence[str], wanted: Any) -> pa.Table:
    _check(part, names)
    with pq.ParquetFile(part) as file:
        lacking = {*needed, *(names or ())} - set(file.schema_arrow.names)
        if lacking:
            raise Damaged(f"it has no column {', '.join(sorted(lacking))}")
        # Reading in this way takes half the time of read_table, which matters for small parts.
        if wanted is None and file.num_row_groups <= 1:
            return file.read(columns=names).replace_schema_metadata(None)
    return pq.read_table(part, columns=names, filters=wanted).replace_schema_metadata(None)


def _check(part: Path, names: Sequence[str] | None) -> None:
    """Compare the bytes of these columns, and the bytes after the columns, with the checksums. Raises Damaged."""
    try:
        _compare(part, names)
    except (Damaged, *_NO_SUMS):
        time.sleep(_AGAIN)
        try:
            _compare(part, names)
        except _NO_SUMS as error:
            raise Damaged(f"its checksums cannot be read: {error}") from error


def _compare(part: Path, names: Sequence[str] | None) -> None:
    try:
        sums = json.loads(_sum_file(part).read_bytes())
    except FileNotFoundError:
        return
    about = part.stat()
    if about.st_size != sums["bytes"]:
        raise Damaged(f"it has {about.st_size:,} bytes, but {sums['bytes']:,} were written")
    known = _proven.setdefault((str(part), about.st_size, about.st_mtime_ns), set())
    ranges = {"": sums["rest"], **sums["columns"]}
    asked = [name for name in (ranges if names is None else ("", *names)) if name in ranges]
    with part.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for name in asked:
            if name not in known:
                pieces, expected = ranges[name]
                if _sum(content, pieces) != expected:
                    raise Damaged(
                        f"the bytes of {name or 'its description'} differ from those that were written"
                    )
                known.add(name)


def _sums(path: Path) -> dict[str, Any]:
    """The size of a Parquet file, and for each column its byte ranges in the file, with their CRC-32."""
    metadata = pq.read_metadata(path)
    pieces: dict[str, list[tuple[int, int]]] = {}
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(index)
            start = chunk.data_page_offset
            if chunk.has_dictionary_page and chunk.dictionary_page_offset:
                start = min(start, chunk.dictionary_page_offset)
            name = chunk.path_in_schema.split(".")[0]
            pieces.setdefault(name, []).append((start, start + chunk.total_compressed_size))
    size = path.stat().st_size
    rest = list(_between(sorted(piece for column in pieces.values() for piece in column), size))
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        columns = {name: (its, _sum(content, its)) for name, its in pieces.items()}
        return {"bytes": size, "rest": (rest, _sum(content, rest)), "columns": columns}


def _between(pieces: Sequence[tuple[int, int]], size: int) -> Iterator[tuple[int, int]]:
    """The ranges before, between and after the pieces."""
    end = 0
    for start, stop in (*pieces, (size, size)):
        if start > end:
            yield end, start
        end = max(end, stop)


def _sum(content: mmap.mmap, pieces: Sequence[Sequence[int]]) -> int:
    found = 0
    with memoryview(content) as view:
        for start, stop in pieces:
            found = zlib.crc32(view[start:stop], found)
    return found


def _sum_file(part: Path) -> Path:
    return part.with_name(part.name + ".sum")
