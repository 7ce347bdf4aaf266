"""The members of an uncompressed tar file: only headers are read, so a shard of gigabytes is listed at once."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from groundglass.files.locators import part_of
from groundglass.sources.archive_members import MOST_BYTES, Member, clean, unsafe
from groundglass.tables.parquet import path_to_bytes

_BLOCK = 512


class _Header(tarfile.TarInfo):
    """A header that cannot send its reader backwards: sizes below 0 are how endless archives are made."""

    @classmethod
    def frombuf(cls, buf: Any, encoding: Any, errors: Any) -> Any:
        info = super().frombuf(buf, encoding, errors)
        if info.size < 0:
            raise tarfile.HeaderError("negative size")
        return info


def tar_members(path: Path) -> Iterator[Member]:
    """Every file in the archive, in its order, refused ones with their reason.

    A last member without a name says what is wrong with the archive itself. Nothing is raised but OSError.
    """
    raw = path_to_bytes(path.absolute())
    length = path.stat().st_size
    end = 0
    try:
        with tarfile.open(path, "r:", tarinfo=_Header) as archive:
            for info in archive:
                archive.members = []  # type: ignore[attr-defined]  # it would keep them all
                if info.offset_data + info.size <= end:
                    raise tarfile.HeaderError("a header points backwards")
                end = info.offset_data + _in_blocks(info.size) if info.isreg() else info.offset_data
                if not info.isdir():
                    yield _member(raw, info, length)
    except OSError:
        raise
    except Exception as error:  # whatever damaged headers make of the reader
        reason = "truncated" if _says_short(error) else "corrupt"
        yield Member("", raw, error=reason, detail=f"{error}, after {end:,} bytes")
        return
    yield from _rest(path, raw, end)


def _says_short(error: Exception) -> bool:
    return any(word in str(error) for word in ("unexpected end", "truncated", "empty file"))


def _in_blocks(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _member(raw: bytes, info: tarfile.TarInfo, length: int) -> Member:
    name = clean(info.name)
    wrong_name = unsafe(info.name)
    if wrong_name or not info.isreg():
        return Member(name, raw, error="unsafe_name", detail=wrong_name or "a link or a device")
    if info.issparse():
        return Member(name, raw, error="unsupported", detail="a sparse file; unpack it")
    if info.offset_data + info.size > length:
        return Member(name, raw, error="truncated", detail="the archive ends in it")
    if info.size > MOST_BYTES:
        return Member(name, raw, error="too_large", detail=f"{info.size:,} bytes, limit {MOST_BYTES:,}")
    return Member(name, part_of(raw, info.offset_data, info.size), info.size)


def _rest(path: Path, raw: bytes, end: int) -> Iterator[Member]:
    """The reader stops without a word at a header that it cannot read: what is there then is not the end mark."""
    with path.open("rb") as file:
        file.seek(end)
        block = file.read(_BLOCK)
    if block.strip(b"\0"):
        reason = "truncated" if len(block) < _BLOCK else "corrupt"
        yield Member("", raw, error=reason, detail=f"no member begins after {end:,} bytes")
