"""Damage in a TIFF's strips or tiles that its decoder would show as pixels: detected before the image is decoded."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

from groundglass.errors import ImageError
from groundglass.image.codecs import filled_runs, libtiff

_NONE, _OLD_JPEG, _JPEG, _PACKBITS = 1, 6, 7, 32773
_DEFLATE = (8, 32946)
_PACKBITS_RUN = 256
"""A literal run of PackBits holds at most 128 bytes, so as many equal ones mean that nothing was shortened."""

_CHUNK = 1 << 20
_SPARE = 4


def refuse(data: bytes, tags: Any) -> None:
    """Raises ImageError ``truncated`` or ``corrupt`` where strips or tiles of the first directory are damaged.

    ``tags`` are Pillow's. Without compression, only the extent of samples can show damage.
    """
    compression = _numbers(tags, 259, _NONE)[0]
    if compression == _NONE:
        return
    for number, coded in enumerate(_coded(data, tags)):
        what = f"strip or tile {number}"
        if compression in _DEFLATE:
            _refuse_bad_deflate(coded, what, _SPARE * _plain_bytes(tags) + _CHUNK)
        elif compression not in (_OLD_JPEG, _JPEG):
            run = _PACKBITS_RUN if compression == _PACKBITS else filled_runs.LONGEST
            filled_runs.refuse(coded, what, run)
    if compression in _DEFLATE:  # its checksums were right
        return
    if complaints := libtiff.complaints(data, warnings_too=compression != _OLD_JPEG):  # it warns of its age
        raise ImageError(_reason(complaints[0]), "; ".join(complaints))


def _numbers(tags: Any, tag: int, default: int) -> tuple[int, ...]:
    value = tags.get(tag, default)
    numbers = value if isinstance(value, tuple) else (value,)
    return numbers if numbers and all(isinstance(number, int) for number in numbers) else (default,)


def _coded(data: bytes, tags: Any) -> Iterator[memoryview]:
    """Each strip's or tile's bytes. Those without a stated length are left to libtiff, which guesses it."""
    tiled = 324 in tags
    offsets, counts = (_numbers(tags, tag, 0) for tag in ((324, 325) if tiled else (273, 279)))
    for offset, count in zip(offsets, counts, strict=False):
        if offset + count > len(data):
            raise ImageError(
                "truncated", f"a strip or tile reaches {offset + count - len(data)} bytes beyond the end"
            )
        if count:
            yield memoryview(data)[offset : offset + count]


def _plain_bytes(tags: Any) -> int:
    """Bytes of the image without compression, counting all samples as wide as the widest."""
    sides = _numbers(tags, 256, 0)[0] * _numbers(tags, 257, 0)[0]
    return sides * _numbers(tags, 277, 1)[0] * max(8, *_numbers(tags, 258, 1)) // 8


def _refuse_bad_deflate(coded: memoryview, what: str, most: int) -> None:
    """libtiff stops once it has enough, before the checksum: this reads up to it. ``most``: bytes, against bombs."""
    stream = zlib.decompressobj()
    waiting: bytes | memoryview = coded
    try:
        while not stream.eof and most > 0:
            piece = stream.decompress(waiting, _CHUNK)
            waiting = stream.unconsumed_tail
            most -= len(piece)
            if not piece and not waiting and not stream.eof:
                raise ImageError("truncated", f"{what}: the compressed data ends early")
    except zlib.error as error:
        raise ImageError("corrupt", f"{what}: {error}") from error
    if not stream.eof:
        raise ImageError("corrupt", f"{what}: holds far more than the image")


def _reason(complaint: str) -> str:
    text = complaint.lower()
    if "not implemented" in text or "not configured" in text:
        return "unsupported"
    ends = ("not enough data", "read error", "premature end", "seek error")
    return "truncated" if any(word in text for word in ends) else "corrupt"
