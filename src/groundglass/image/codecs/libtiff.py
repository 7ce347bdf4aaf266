"""The messages of libtiff while it decodes a TIFF's strips or tiles. Pillow decodes with the same library but catches
neither its warnings nor all of its errors, and the ones that it misses are printed on the terminal.

Each handle has its own error handler here (libtiff 4.5), so threads do not receive each other's messages.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import c_char_p, c_int, c_int64, c_uint32, c_uint64, c_void_p
from functools import lru_cache
from typing import Any

from groundglass.errors import ImageError
from groundglass.libraries import Image

_HEAR = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, c_char_p, c_char_p, c_void_p)
_READ = ctypes.CFUNCTYPE(c_int64, c_void_p, c_void_p, c_int64)
_SEEK = ctypes.CFUNCTYPE(c_uint64, c_void_p, c_uint64, c_int)
_CLOSE = ctypes.CFUNCTYPE(c_int, c_void_p)
_SIZE = ctypes.CFUNCTYPE(c_uint64, c_void_p)
_MAP = ctypes.CFUNCTYPE(c_int, c_void_p, ctypes.POINTER(c_void_p), ctypes.POINTER(c_uint64))
_UNMAP = ctypes.CFUNCTYPE(None, c_void_p, c_void_p, c_uint64)
_MOST_COMPLAINTS = 3
_LONGEST_COMPLAINT = 300


@lru_cache(maxsize=1)
def _library() -> Any:
    """The libtiff that Pillow is linked to; its default handler, which prints, is removed."""
    # Pillow's own extension module holds or loads the library, so no other version can be met.
    library = ctypes.CDLL(Image.core.__file__)
    library.TIFFSetErrorHandler(None)
    pointer, number = c_void_p, c_uint32
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "TIFFOpenOptionsAlloc": (pointer, []),
        "TIFFOpenOptionsFree": (None, [pointer]),
        "TIFFOpenOptionsSetErrorHandlerExtR": (None, [pointer, _HEAR, pointer]),
        "TIFFOpenOptionsSetWarningHandlerExtR": (None, [pointer, _HEAR, pointer]),
        "TIFFClientOpenExt": (
            pointer,
            [c_char_p, c_char_p, pointer, _READ, _READ, _SEEK, _CLOSE, _SIZE, _MAP, _UNMAP, pointer],
        ),
        "TIFFClose": (None, [pointer]),
        "TIFFIsTiled": (c_int, [pointer]),
        "TIFFNumberOfStrips": (number, [pointer]),
        "TIFFNumberOfTiles": (number, [pointer]),
        "TIFFStripSize": (c_int64, [pointer]),
        "TIFFTileSize": (c_int64, [pointer]),
        "TIFFReadEncodedStrip": (c_int64, [pointer, number, pointer, c_int64]),
        "TIFFReadEncodedTile": (c_int64, [pointer, number, pointer, c_int64]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def silence() -> None:
    """Keep libtiff from printing. Its messages to Pillow become Pillow's errors; those to this module are returned."""
    _reachable()


def _reachable() -> Any:
    try:
        return _library()
    except (OSError, AttributeError):
        return None


def complaints(data: bytes, warnings_too: bool) -> list[str]:
    """Decode all strips or tiles of the first directory, and return libtiff's messages; [] for a sound one.

    At most three. Messages about the directory itself count only where it refuses to open the file.
    Raises ImageError ``unsupported`` where Pillow's libtiff cannot be called: damage could not be detected then.
    """
    library = _reachable()
    if library is None:
        raise ImageError(
            "unsupported", "compressed TIFF: this Pillow's libtiff cannot be called to detect damage"
        )
    said: list[str] = []
    hear, ignore = _HEAR(_listener(said)), _HEAR(lambda *_: 1)
    options = library.TIFFOpenOptionsAlloc()
    file = _InMemory(data)
    try:
        library.TIFFOpenOptionsSetErrorHandlerExtR(options, hear, None)
        library.TIFFOpenOptionsSetWarningHandlerExtR(options, hear if warnings_too else ignore, None)
        handle = library.TIFFClientOpenExt(b"", b"r", None, *file.procedures, options)
        if not handle:
            return said or ["cannot be opened"]
        # Complaints about the directory's tags do not concern the pixels.
        said.clear()
        try:
            _read_all(library, handle, said)
        finally:
            library.TIFFClose(handle)
    finally:
        library.TIFFOpenOptionsFree(options)
    return said


def _read_all(library: Any, handle: int, said: list[str]) -> None:
    if library.TIFFIsTiled(handle):
        count, size = library.TIFFNumberOfTiles(handle), library.TIFFTileSize(handle)
        read = library.TIFFReadEncodedTile
    else:
        count, size = library.TIFFNumberOfStrips(handle), library.TIFFStripSize(handle)
        read = library.TIFFReadEncodedStrip
    if size <= 0:
        said.append("strips or tiles without a size")
        return
    buffer = ctypes.create_string_buffer(size)
    for number in range(count):
        if read(handle, number, buffer, size) < 0 and not said:
            said.append(f"strip or tile {number} cannot be read")
        if said:
            return


def _listener(said: list[str]) -> Callable[..., int]:
    printf = ctypes.CDLL(None).vsnprintf
    printf.argtypes = [c_void_p, ctypes.c_size_t, c_char_p, c_void_p]

    def hear(_handle: int, _data: int, module: bytes | None, text: bytes, values: int) -> int:
        if len(said) < _MOST_COMPLAINTS:
            buffer = ctypes.create_string_buffer(_LONGEST_COMPLAINT)
            printf(buffer, _LONGEST_COMPLAINT, text, values)
            name = (module or b"").decode("utf-8", "replace")
            said.append(": ".join(part for part in (name, buffer.value.decode("utf-8", "replace")) if part))
        return 1  # handled: no other handler is called

    return hear


class _InMemory:
    """A file's bytes as libtiff takes them: mapped into memory, or read piece by piece."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._address = ctypes.cast(c_char_p(data), c_void_p).value
        self.procedures = (
            _READ(self._read),
            _READ(lambda *_: -1),
            _SEEK(self._seek),
            _CLOSE(lambda _: 0),
            _SIZE(lambda _: len(data)),
            _MAP(self._map),
            _UNMAP(lambda *_: None),
        )

    def _read(self, _: int, into: int, count: int) -> int:
        piece = self._data[self._at : self._at + count]
        ctypes.memmove(into, piece, len(piece))
        self._at += len(piece)
        return len(piece)

    def _seek(self, _: int, offset: int, whence: int) -> int:
        self._at = offset + (0, self._at, len(self._data))[whence]
        return self._at

    def _map(self, _: int, base: Any, size: Any) -> int:
        base[0], size[0] = self._address, len(self._data)
        return 1
