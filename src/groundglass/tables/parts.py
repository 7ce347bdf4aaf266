"""Parts of a store: Parquet files with checksums beside them, so that what a disk or a hand changed is never believed.

A cache is disposable. A part that is cut off, changed by one bit, empty or of another kind is named, set aside under
another name, and counts as never measured. The checksums lie in ``part-….parquet.sum``: one for each column, so that
reading a column checks that column only, and one for what follows the columns. A part without such a file was written
by an earlier version: it is believed as far as it can be read.
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
"""Before the name of a part that is not believed any more."""
_AGAIN = 0.2
"""Seconds until a part is looked at once more: another process may be replacing it and its sums this very moment."""
_proven: dict[tuple[str, int, int], set[str]] = {}
"""What was checked of a file (path, size, time) in this process: names of columns, and "" for what follows them."""


_NO_SUMS = (ValueError, KeyError, TypeError, RecursionError)
"""What a file raises that holds no checksums, or others than are written here."""


class Damaged(Exception):
    """A part that cannot be believed; the words say why."""


def write_part(table: pa.Table, part: Path, mtime_ns: int | None = None) -> None:
    """Write a table as a part and its sums, whole or not at all. Raises UnreachableError where that cannot be."""
    with written_whole(part) as temporary:
        pack(table, temporary)
        if mtime_ns is not None:
            os.utime(temporary, ns=(mtime_ns, mtime_ns))
        write_text(json.dumps(_sums(temporary)), _sum_file(part))


def remove_part(part: Path) -> None:
    """Take away a part and its sums; others may have done so before."""
    part.unlink(missing_ok=True)
    _sum_file(part).unlink(missing_ok=True)


def parts_in(folder: Path) -> list[Path]:
    """The parts of a folder, oldest first; none where there is no such folder."""
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
                elif not isinstance(
                    error, FileNotFoundError
                ):  # else merged by another process this very moment
                    raise
    return [Path(path) for _, path in sorted(found)]


def keep_sound(folder: Path, schema: pa.Schema) -> None:
    """Set aside every part whose bytes were changed, or that lacks a column of this schema or has it of another type.

    So what is measured again is known before the work is handed out. The sums of a part are made once a process.
    """
    for part in parts_in(folder):
        with suppress(FileNotFoundError), _setting_aside(part):
            _check(part, schema.names)
            found = pq.read_schema(part)
            for field in schema:
                if field.name not in found.names or found.field(field.name).type != field.type:
                    raise Damaged(f"it has no column {field.name} of type {field.type}")


def make_room(folder: Path, below: Path) -> None:
    """Give whatever is in the place of a folder, or of one above it up to ``below``, another name, and say so."""
    for place in (folder, *folder.parents):
        if os.path.lexists(place) and not place.is_dir():
            set_aside(place, "a folder belongs there")
        if place == below:
            return


def read_sound(
    parts: Sequence[Path], names: Sequence[str] | None, needed: Sequence[str] = (), wanted: Any = None
) -> list[pa.Table]:
    """The tables of all parts that can be believed, in their order; the others are set aside.

    names   the columns to read, None for all; a part that lacks one of them or of ``needed`` is of another kind
    wanted  a filter, as `pyarrow.parquet.read_table` takes it

    Raises FileNotFoundError where a part is gone meanwhile.
    """
    read: list[tuple[Path, pa.Table]] = []
    for part in parts:
        with _setting_aside(part):
            read.append((part, _read(part, names, needed, wanted)))
    if not read:
        return []
    usual = Counter(table.schema for _, table in read).most_common(1)[0][0]
    for part, table in read:
        if table.schema != usual:
            set_aside(part, "its columns are of other kinds than those of the parts beside it")
    return [table for _, table in read if table.schema == usual]


def read_parts(folder: Path, schema: pa.Schema, needed: Sequence[str]) -> pa.Table:
    """All parts of a folder that can be believed as one table of this schema; an empty one where there are none.

    A part without ``needed`` columns is of another kind. Others that it lacks, since an earlier version wrote it, are
    null.
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
    """How many rows a part holds; 0 of one that is set aside for being damaged."""
    with _setting_aside(part):
        _check(part, ())
        return pq.read_metadata(part).num_rows
    return 0


@contextmanager
def _setting_aside(part: Path) -> Generator[None]:
    """Whatever shows that a part cannot be believed sets it aside, and the block ends."""
    try:
        yield
    except (FileNotFoundError, PermissionError):
        raise
    except (Damaged, OSError, ValueError, KeyError, pa.ArrowException) as error:
        set_aside(part, str(error).split("\n")[0])


def set_aside(part: Path, why: str) -> None:
    """Give a part a name under which nobody looks for it, and say so. Where it cannot be renamed it is passed over."""
    aside = part.with_name(SET_ASIDE + part.name)
    with suppress(OSError):
        part.replace(aside)
    with suppress(OSError):
        _sum_file(part).replace(_sum_file(aside))
    moved = os.path.lexists(aside) and not os.path.lexists(part)
    where = f"it is now {aside.name}" if moved else "it is passed over"
    notice(f"{part} is damaged ({why}): {where}, and what it held counts as never measured")


def _read(part: Path, names: Sequence[str] | None, needed: Sequence[str], wanted: Any) -> pa.Table:
    _check(part, names)
    with pq.ParquetFile(part) as file:
        lacking = {*needed, *(names or ())} - set(file.schema_arrow.names)
        if lacking:
            raise Damaged(f"it has no column {', '.join(sorted(lacking))}")
        if (
            wanted is None and file.num_row_groups <= 1
        ):  # half the time of read_table, which counts for small parts
            return file.read(columns=names).replace_schema_metadata(None)
    return pq.read_table(part, columns=names, filters=wanted).replace_schema_metadata(None)


def _check(part: Path, names: Sequence[str] | None) -> None:
    """Compare the bytes of these columns, and all that follows the columns, with the sums. Raises Damaged."""
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
        raise Damaged(f"it has {about.st_size:,} bytes, {sums['bytes']:,} were written")
    known = _proven.setdefault((str(part), about.st_size, about.st_mtime_ns), set())
    ranges = {"": sums["rest"], **sums["columns"]}
    asked = [name for name in (ranges if names is None else ("", *names)) if name in ranges]
    with part.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for name in asked:
            if name not in known:
                pieces, told = ranges[name]
                if _sum(content, pieces) != told:
                    raise Damaged(f"the bytes of {name or 'its description'} are not what was written")
                known.add(name)


def _sums(path: Path) -> dict[str, Any]:
    """The size of a Parquet file, and for each column the pieces of the file that hold it, with their CRC-32."""
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
    """What lies before, between and after the pieces."""
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
