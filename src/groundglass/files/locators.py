"""Locators say where an image's bytes are: in a file, in a part of an archive, or in a cell of a Parquet table.

A *locator* is bytes, kept in the column ``path``. That of a plain file is its path. Anything inside a file has the
file's path, a zero byte (no path can contain one), and the position to read from:

    /photos/a.jpg
    /shard.tar     \\0 part 00000000001536 10240                       offset, bytes
    /photos.zip    \\0 zip 00000000000042 900 1200 8 3735928559        offset of its header, packed bytes, bytes,
                                                                      method, CRC-32
    /list.parquet  \\0 cell 000003 000000012 image.bytes               row group, row in it, column

So no reader has to search, nothing is unpacked to disk, and sorted locators are in the order of reading
(hence the numbers padded with zeros).
"""

from __future__ import annotations

import os
import struct
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock

from groundglass.errors import ImageError
from groundglass.files.hashes import sha256_of
from groundglass.files.identity import INSIDE, file_of, identity_of

STORED, DEFLATED = 0, 8
"""Compression methods of zip members that can be read."""
_OPEN_FILES = 8
_HEAD = 30
"""Bytes of a zip member's own header before its name."""
# Errors that say nothing about the content, so they never count as a change of the file.
_OF_THE_MOMENT = ("vanished", "unreadable", "out_of_memory")


def part_of(path: bytes, offset: int, size: int) -> bytes:
    """The locator of ``size`` bytes from ``offset`` on, such as a member of an uncompressed tar."""
    return b"%b\0part %014d %d" % (path, offset, size)


def zip_member(path: bytes, offset: int, packed: int, size: int, method: int, crc: int) -> bytes:
    """The locator of a zip member: offset of its local header, and the values from the archive's directory."""
    return b"%b\0zip %014d %d %d %d %d" % (path, offset, packed, size, method, crc)


def cell(path: bytes, group: int, row: int, column: str) -> bytes:
    """The locator of a Parquet cell: row group, row within it, and the column (``image.bytes`` of a struct)."""
    return b"%b\0cell %06d %09d %b" % (path, group, row, column.encode())


def place_in_words(locator: bytes) -> str:
    """A locator in a readable form; bytes that are not UTF-8 are written as escapes.

    >>> place_in_words(b"/a.jpg"), place_in_words(part_of(b"/a.tar", 512, 3))
    ('/a.jpg', '/a.tar (part 00000000000512 3)')
    """
    path, _, inside = locator.decode(errors="backslashreplace").partition("\0")
    return f"{path} ({inside})" if inside else path


def changed_at(locator: bytes) -> int | None:
    """The modification time of the file that holds the bytes, in ns; None if it cannot be read."""
    try:
        return os.stat(file_of(locator)).st_mtime_ns
    except OSError:
        return None


def read(locator: bytes) -> bytes:
    """The bytes of an image, from any kind of place.

    Raises ImageError: ``vanished``, ``unreadable``; for locators inside a file also ``truncated``, ``corrupt``,
    ``too_large`` (a zip member that holds more than it declares) and ``empty`` (a cell without bytes).
    """
    path, _, inside = locator.partition(INSIDE)
    if not inside:
        return read_file(Path(os.fsdecode(path)))
    kind, _, where = inside.partition(b" ")
    return _READERS[kind](path, where)


def read_head(locator: bytes, most: int) -> bytes:
    """The first bytes at a locator, at most ``most``; the rest is not checked.

    Raises ImageError as `read` does, as far as the first bytes show it. Cells of tables have no head of their own.
    """
    path, _, inside = locator.partition(INSIDE)
    if not inside:
        try:
            with Path(os.fsdecode(path)).open("rb", buffering=0) as file:
                return file.read(most)
        except OSError as error:
            raise _refused(error) from error
    kind, _, where = inside.partition(b" ")
    if kind == b"part":
        offset, size = map(int, where.split())
        return _read_part(path, b"%d %d" % (offset, min(size, most)))
    offset, packed, size, method, _ = map(int, where.split())
    raw = _zip_bytes(path, offset, packed, min(packed, most + _HEAD))
    if method != DEFLATED:
        return raw[:most]
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(raw, min(size, most) or 1)
    except zlib.error as error:
        raise ImageError("corrupt", str(error)) from error


def read_listed(locator: bytes, size: int | None, mtime_ns: int | None, sha256: str | None = None) -> bytes:
    """The bytes of an image, if they are still the ones that were listed.

    They are if size and time are those of the listing, or if their SHA-256 is the recorded one. ``size`` is None if
    the listing could not know it, ``mtime_ns`` if only the hash decides.
    Raises ImageError ``changed``, and those of `read`.
    """
    try:
        data = read(locator)
    except ImageError as error:
        damaged = error.reason not in _OF_THE_MOMENT
        if damaged and (sha256 is not None or changed_at(locator) != mtime_ns):
            # Damage means a change here: the file was sound before, or it is another file now.
            raise ImageError("changed", error.detail) from error
        raise
    as_listed = mtime_ns is not None and size in (None, len(data)) and changed_at(locator) == mtime_ns
    if as_listed or (sha256 is not None and sha256_of(data) == sha256):
        return data
    raise ImageError("changed", f"sha256 was {sha256[:12]}…" if sha256 else "")


def read_file(path: Path) -> bytes:
    """A file's bytes.

    Raises ImageError: ``vanished`` if it does not exist, ``unreadable`` if the system refuses.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise _refused(error) from error


def _refused(error: OSError) -> ImageError:
    reason = "vanished" if isinstance(error, FileNotFoundError) else "unreadable"
    return ImageError(reason, error.strerror or str(error))


def _read_part(path: bytes, where: bytes) -> bytes:
    offset, size = map(int, where.split())
    data = _files.read(path, offset, size)
    if len(data) < size:
        raise ImageError("truncated", f"the archive ends after {len(data):,} of {size:,} bytes")
    return data


def _read_zip_member(path: bytes, where: bytes) -> bytes:
    offset, packed, size, method, crc = map(int, where.split())
    raw = _zip_bytes(path, offset, packed, packed)
    data = inflate(raw, size) if method == DEFLATED else raw
    if zlib.crc32(data) != crc:
        raise ImageError("corrupt", "the archive's checksum does not fit")
    return data


def _zip_bytes(path: bytes, offset: int, packed: int, most: int) -> bytes:
    """The first packed bytes of the zip member with its header at ``offset``."""
    head = _files.read(path, offset, _HEAD)
    if len(head) < _HEAD or head[:4] != b"PK\3\4":
        raise ImageError("corrupt", "the archive's directory does not point to a member")
    # The local header has its own name and extra field, with lengths that may differ from the directory's.
    name, extra = struct.unpack("<HH", head[26:])
    raw = _files.read(path, offset + _HEAD + name + extra, most)
    if len(raw) < most:
        raise ImageError("truncated", f"the archive ends after {len(raw):,} of {packed:,} bytes")
    return raw


def inflate(raw: bytes, size: int) -> bytes:
    """Inflate bytes that declare a size of ``size`` bytes; at most one byte more is ever produced.

    Raises ImageError: ``corrupt``, ``truncated``, ``too_large``.
    """
    try:
        # One byte more than declared shows that a member is too large; a zip bomb gets no further.
        data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(raw, size + 1)
    except zlib.error as error:
        raise ImageError("corrupt", str(error)) from error
    if len(data) > size:
        raise ImageError("too_large", f"holds more than the {size:,} bytes that it declares")
    if len(data) < size:
        raise ImageError("truncated", f"{len(data):,} of {size:,} bytes")
    return data


def _read_cell(path: bytes, where: bytes) -> bytes:
    group, row, column = where.split(b" ", 2)
    # Imported only if a table is read, since pyarrow takes long to import.
    from groundglass.files.parquet_cells import read_cell

    return read_cell(path, int(group), int(row), column.decode())


class _Files:
    """Keeps the files that were read last open; a file that was replaced is opened again."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: OrderedDict[bytes, tuple[tuple[int, ...], int]] = OrderedDict()
        self._lock = Lock()

    def read(self, path: bytes, offset: int, size: int) -> bytes:
        """At most ``size`` bytes from ``offset`` on, fewer at the file's end."""
        with self._lock:
            try:
                return _pread(self._handle(path), offset, size)
            except OSError as error:
                raise _refused(error) from error

    def _handle(self, path: bytes) -> int:
        # A file that was replaced under its name must not be read through the old handle.
        identity = identity_of(path)
        known, handle = self._open.pop(path, (None, -1))
        if known != identity:
            if known is not None:
                os.close(handle)
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._open[path] = (identity, handle)
        while len(self._open) > self._most:
            os.close(self._open.popitem(last=False)[1][1])
        return handle


def _pread(handle: int, offset: int, size: int) -> bytes:
    pieces: list[bytes] = []
    while size > 0 and (piece := os.pread(handle, size, offset)):
        pieces.append(piece)
        offset, size = offset + len(piece), size - len(piece)
    return b"".join(pieces)


_files = _Files(_OPEN_FILES)

_READERS: Mapping[bytes, Callable[[bytes, bytes], bytes]] = {
    b"part": _read_part,
    b"zip": _read_zip_member,
    b"cell": _read_cell,
}
