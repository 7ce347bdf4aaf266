"""The members of an uncompressed tar file: only headers are read, so a shard of gigabytes is listed quickly."""

from __future__ import annotations

import tarfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from groundglass.files.locators import part_of
from groundglass.sources.archive_members import MOST_BYTES, Member, clean, unsafe
from groundglass.tables.parquet import path_to_bytes

_BLOCK = 512
_PIECE = 1 << 20


class _Header(tarfile.TarInfo):
    """A header that cannot send its reader backwards: negative sizes are used to build endless archives."""

    @classmethod
    def frombuf(cls, buf: Any, encoding: Any, errors: Any) -> Any:
        info = super().frombuf(buf, encoding, errors)
        if info.size < 0:
            raise tarfile.HeaderError("negative size")
        return info


def tar_members(path: Path) -> Iterator[Member]:
    """Every file in the archive, in its order; refused ones with their reason.

    Tars that were joined (``cat a.tar b.tar``) are one archive. A last member without a name describes an error of
    the archive itself or, without an error, a remark. Only OSError is raised.
    """
    raw = path_to_bytes(path.absolute())
    length = path.stat().st_size
    start = 0
    while start is not None:
        walk = _Walk(path, raw, length, start)
        yield from walk
        start = yield from _rest(path, raw, walk.end) if walk.whole else _nothing()


class _Walk:
    """The members from one archive's start to its end mark; ``whole`` says whether the end mark was reached."""

    def __init__(self, path: Path, raw: bytes, length: int, start: int) -> None:
        self.path, self.raw, self.length = path, raw, length
        self.start, self.end, self.whole = start, start, False

    def __iter__(self) -> Iterator[Member]:
        try:
            with self.path.open("rb") as file:
                file.seek(self.start)
                with tarfile.open(fileobj=file, mode="r:", tarinfo=_Header) as archive:
                    for info in archive:
                        archive.members = []  # type: ignore[attr-defined]  # else it keeps all members in memory
                        # A header that points backwards would make the reader loop forever.
                        if info.offset_data + info.size <= self.end:
                            raise tarfile.HeaderError("a header points backwards")
                        data = _in_blocks(info.size) if info.isreg() else 0
                        self.end = info.offset_data + data
                        if not info.isdir():
                            yield _member(self.raw, info, self.length)
            self.whole = True
        except OSError:
            raise
        except Exception as error:
            # Damaged headers make the reader raise errors of many types.
            reason = "truncated" if _says_short(error) else "corrupt"
            yield Member("", self.raw, error=reason, detail=f"{error}, after {self.end:,} bytes")


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


def _rest(path: Path, raw: bytes, end: int) -> Generator[Member, None, int | None]:
    """Check the bytes after the last member: the reader stops silently at a header that it cannot read.

    Returns the start of another archive, if one was joined to this one.
    """
    with path.open("rb") as file:
        file.seek(end)
        block = file.read(_BLOCK)
        if block.strip(b"\0"):
            reason = "truncated" if len(block) < _BLOCK else "corrupt"
            yield Member("", raw, error=reason, detail=f"no member begins after {end:,} bytes")
            return None
        if not block:
            # Otherwise the last member already reports that it is cut off.
            if end <= path.stat().st_size:
                yield Member("", raw, detail=f"{path.name} has no end mark: it may have been cut off")
            return None
        after = _after_zeros(file, end)
        file.seek(after)
        head = file.read(_BLOCK)
    if not head:
        return None
    if is_tar_header(head):
        return after
    said = f"{path.name}: the data after its end mark, at {after:,} bytes, is not a tar and is left out"
    yield Member("", raw, detail=said)
    return None


def _nothing() -> Generator[Member, None, None]:
    yield from ()


def _after_zeros(file: BinaryIO, start: int) -> int:
    """The start of the first block that is not all zeros, or the file's end."""
    file.seek(start)
    at = start
    while piece := file.read(_PIECE):
        if left := piece.lstrip(b"\0"):
            return at + (len(piece) - len(left)) // _BLOCK * _BLOCK
        at += len(piece)
    return at


def is_tar_header(block: bytes) -> bool:
    """Whether a block of 512 bytes is a member's header: its checksum is right."""
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return False
    return True
