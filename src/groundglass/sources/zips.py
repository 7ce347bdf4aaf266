"""The members of a zip file, from its directory; if that is cut off, from the members' own headers."""

from __future__ import annotations

import shlex
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from zipfile import BadZipFile, ZipFile, ZipInfo

from groundglass.files.locators import DEFLATED, STORED, zip_member
from groundglass.sources.archive_members import Member, clean, free_path, too_large, unsafe
from groundglass.tables.parquet import path_to_bytes

_ENCRYPTED, _SIZES_FOLLOW, _UTF8 = 0x1, 0x8, 0x800
_AES, _OF_UNZIP = 99, (9, 12)
"""The method that strong encryption states, and those that Info-ZIP's unzip reads besides deflate."""
_HEAD = struct.Struct("<4s5H3L2H")
_METHODS = {1: "shrunk", 6: "imploded", 9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "xz"}


def zip_members(path: Path) -> Iterator[Member]:
    """Every file in the archive, in the order of its directory; refused ones with their reason.

    A last member without a name describes an error of the archive itself. Only OSError is raised.
    """
    raw = path_to_bytes(path.absolute())
    try:
        with ZipFile(path) as archive:
            infos = archive.infolist()
    except OSError:
        raise
    except Exception as error:
        # A damaged directory makes the reader raise errors of many types.
        yield from _walk(path, raw)
        reason = "truncated" if isinstance(error, BadZipFile) else "corrupt"
        yield Member("", raw, error=reason, detail=f"no directory at the archive's end: {error}")
        return
    bombs = _overlapping(infos)
    for number, info in enumerate(infos):
        # Windows programs write backslashes.
        info.orig_filename = info.orig_filename.replace("\\", "/")
        if not info.orig_filename.endswith("/"):
            yield _member(raw, info, number in bombs)
    yield from _how_to_read(path, raw, infos)


def _how_to_read(path: Path, raw: bytes, infos: list[ZipInfo]) -> Iterator[Member]:
    """A remark on the archive if members need another program, with its command."""
    files = [info for info in infos if not info.orig_filename.endswith("/")]
    locked = [info for info in files if info.flag_bits & _ENCRYPTED]
    foreign = [info for info in files if info.compress_type not in (STORED, DEFLATED, _AES)]
    if not locked and not foreign:
        return
    folder = free_path(path.with_name(f"{path.stem}-unpacked"))
    by_unzip = all(info.compress_type in (STORED, DEFLATED, *_OF_UNZIP) for info in files)
    source, into = shlex.quote(str(path)), shlex.quote(str(folder))
    command = f"unzip -d {into} {source}" if by_unzip else f"7z x -o{into} {source}"
    counts = [(locked, "are encrypted"), (foreign, "are compressed by a method that cannot be read in place")]
    said = " and ".join(f"{len(those):,} {what}" for those, what in counts if those)
    yield Member("", raw, detail=f"of {path.name} {said}: unpack it ({command}) and write folder: {folder}")


def _member(raw: bytes, info: ZipInfo, overlaps: bool) -> Member:
    name = clean(info.orig_filename)
    refused = _refused(info, overlaps)
    if refused:
        return Member(name, raw, error=refused[0], detail=refused[1])
    locator = zip_member(
        raw, info.header_offset, info.compress_size, info.file_size, info.compress_type, info.CRC
    )
    return Member(name, locator, info.file_size)


def _refused(info: ZipInfo, overlaps: bool = False) -> tuple[str, str] | None:
    """Reason and detail of a member that cannot be read."""
    mode = info.external_attr >> 16
    wrong_name = unsafe(info.orig_filename)
    if wrong_name or (stat.S_IFMT(mode) and not stat.S_ISREG(mode)):
        return "unsafe_name", wrong_name or "a link or a device"
    if info.flag_bits & _ENCRYPTED:
        return "unreadable", "encrypted"
    if info.compress_type not in (STORED, DEFLATED):
        method = _METHODS.get(info.compress_type, f"method {info.compress_type}")
        return "unsupported", f"compressed by {method}; pack it again with deflate or uncompressed"
    if info.compress_type == STORED and info.compress_size != info.file_size:
        return "corrupt", "stored, but its two sizes differ"
    large = too_large(info.compress_size, info.file_size)
    if large or overlaps:
        return "too_large", large or "shares its bytes with another member, as zip bombs do"
    return None


def _overlapping(infos: list[ZipInfo]) -> set[int]:
    """Members that begin before the previous member ends."""
    order = sorted(range(len(infos)), key=lambda number: infos[number].header_offset)
    found: set[int] = set()
    end = -1
    for number in order:
        info = infos[number]
        if info.header_offset < end:
            found.add(number)
        end = max(end, info.header_offset + _HEAD.size + info.compress_size)
    return found


def _walk(path: Path, raw: bytes) -> Iterator[Member]:
    """The members from the archive's start on, as long as each is complete and states where the next one begins."""
    length = path.stat().st_size
    with path.open("rb") as file:
        offset = 0
        while info := _info_at(file.read(_HEAD.size), offset):
            fields, names, extra = info
            name = file.read(names)
            end = offset + _HEAD.size + names + extra + fields.compress_size
            if len(name) < names or end > length:
                return
            text = name.decode("utf-8" if fields.flag_bits & _UTF8 else "cp437", "backslashreplace")
            fields.orig_filename = text = text.replace("\\", "/")
            if not text.endswith("/"):
                yield _member(raw, fields, overlaps=False)
            offset = file.seek(end)


def _info_at(head: bytes, offset: int) -> tuple[ZipInfo, int, int] | None:
    """A member from its own header, with the facts of a directory entry; and the lengths of name and extra field."""
    if len(head) < _HEAD.size:
        return None
    magic, _, flags, method, _, _, crc, packed, size, names, extra = _HEAD.unpack(head)
    # If the sizes follow the data or are in a zip64 field, the next header cannot be found.
    if magic != b"PK\3\4" or flags & _SIZES_FOLLOW or 0xFFFFFFFF in (packed, size):
        return None
    info = ZipInfo()
    info.header_offset, info.flag_bits, info.compress_type = offset, flags, method
    info.CRC, info.compress_size, info.file_size = crc, packed, size
    return info, names, extra
