"""Files that are written completely or not at all, and names for parts that several processes write."""

from __future__ import annotations

import errno
import itertools
import os
import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from groundglass.errors import cannot_write


@contextmanager
def written_whole(path: Path) -> Generator[Path]:
    """A temporary path next to ``path``: renamed to ``path`` if the block succeeds, removed if it fails.

    Raises UnreachableError if the disk is full or the folder cannot be written to.
    """
    # A random name, so that two processes never write the same temporary file.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _on_disk(temporary)
        temporary.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        # If nothing could be written, there is nothing to remove.
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _on_disk(path: Path) -> None:
    """Wait until a file's bytes are on the disk: a name that outlives a power cut must not name an empty file."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def write_all(file: int, content: bytes) -> None:
    """Write bytes to an open file in one call. Raises OSError also if only some of them fit on the disk."""
    if os.write(file, content) < len(content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def write_text(text: str, path: Path) -> None:
    """Write a text file, completely or not at all."""
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


_names: ContextVar[Iterator[str] | None] = ContextVar("_names", default=None)


@contextmanager
def parts_named(token: str) -> Generator[None]:
    """Inside the block, `part_name` is derived from ``token``: saving the same shard again replaces its files."""
    before = _names.set(f"part-{token}-{number}.parquet" for number in itertools.count())
    try:
        yield
    finally:
        _names.reset(before)


def write_bytes(content: bytes, path: Path) -> None:
    """Write a file, completely or not at all."""
    with written_whole(path) as temporary:
        temporary.write_bytes(content)


def part_name() -> str:
    """A file name for a part that no other worker or earlier run has used."""
    names = _names.get()
    return f"part-{uuid.uuid4().hex}.parquet" if names is None else next(names)
