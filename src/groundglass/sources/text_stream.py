"""The bytes of a text file: unpacked if gzip packed it, and converted to UTF-8 from UTF-16 or UTF-32."""

from __future__ import annotations

import codecs
import gzip
from pathlib import Path
from typing import IO, Any, cast

from groundglass.text.decode_text import WINDOWS, encoding_of

HEAD = 1 << 20
"""Bytes that are read to detect an encoding and a header."""
_GZIP = b"\x1f\x8b"
_CHUNK = 1 << 20


def open_bytes(path: Path) -> IO[bytes]:
    """The file's content, unpacked if it is gzip, whatever its name."""
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    return cast("IO[bytes]", gzip.open(path)) if packed else path.open("rb")


class Utf8Stream:
    """A text file as bytes of UTF-8, for readers that call ``read(n)``; ``ending`` is added after its last byte.

    Bytes that are not detected as UTF-16 or UTF-32 pass unchanged.
    """

    def __init__(self, path: Path, ending: bytes = b"") -> None:
        self._file = open_bytes(path)
        self._left = [ending]
        self.closed = False
        head = self._file.read(HEAD)
        wide = wide_encoding(head)
        self._decoder = codecs.getincrementaldecoder(wide)() if wide else None
        self._ready = self._as_utf8(head)

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._ready) < size:
            chunk = self._file.read(_CHUNK)
            if not chunk:
                self._ready += self._as_utf8(b"", final=True) + (self._left.pop() if self._left else b"")
                break
            self._ready += self._as_utf8(chunk)
        end = len(self._ready) if size < 0 else size
        found, self._ready = self._ready[:end], self._ready[end:]
        return found

    def _as_utf8(self, data: bytes, final: bool = False) -> bytes:
        decoder: Any = self._decoder
        return data if decoder is None else decoder.decode(data, final).encode("utf-8")

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        self.closed = True
        self._file.close()


def wide_encoding(head: bytes) -> str | None:
    """The codec of a text with two or four bytes for each letter, or None.

    >>> wide_encoding("a,b".encode("utf-16")), wide_encoding(b"a,b"), wide_encoding(b"caf\\xe9")
    ('utf-16', None, None)
    """
    try:
        encoding = encoding_of(head)
    except ValueError:
        return None
    return encoding if encoding.startswith(("utf-16", "utf-32")) else None


def decoded(data: bytes) -> tuple[str, bool]:
    """A piece of text, and whether it had to be read as Windows-1252. Raises UnicodeDecodeError.

    >>> decoded("café".encode()), decoded(b"caf\\xe9")
    (('café', False), ('café', True))
    """
    try:
        return data.decode("utf-8"), False
    except UnicodeDecodeError:
        return data.decode(WINDOWS), True
