"""Run-length coded BMPs. Pillow reads those with full lines only; a line may end early, and so may an image.

Pixels that the runs leave out have the palette's first colour, as Windows, Pillow and OpenCV show them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from groundglass.errors import ImageError
from groundglass.image.orientation import Pixels

_BITS = {1: 8, 2: 4}
_END_OF_LINE, _END_OF_IMAGE, _DELTA = 0, 1, 2


def read_runs(data: bytes) -> Pixels | None:
    """H×W×3 of a run-length coded BMP; None of any other.

    Raises ImageError: ``corrupt`` for runs beyond the image and colours beyond the palette, ``truncated`` where
    the runs end before the image.
    """
    head, coding = int.from_bytes(data[14:18], "little"), int.from_bytes(data[30:34], "little")
    bits = int.from_bytes(data[28:30], "little")
    if head < 40 or _BITS.get(coding) != bits:
        return None
    start = int.from_bytes(data[10:14], "little")
    width, height = (int.from_bytes(data[at : at + 4], "little", signed=True) for at in (18, 22))
    if width <= 0 or height <= 0:
        raise ImageError("corrupt", f"{width} x {height} px in runs")
    indices = np.zeros((height, width), np.uint8)
    for x, y, values in _runs(data[start:], bits, width, height):
        # Lines are stored from the bottom up.
        indices[height - 1 - y, x : x + len(values)] = np.frombuffer(values, np.uint8)
    return _palette(data, 14 + head, bits, start, int(indices.max()))[indices]


def _runs(stream: bytes, bits: int, width: int, height: int) -> Iterator[tuple[int, int, bytes]]:
    """(column, line from below, indices) of every run."""
    at = x = y = 0
    while at + 1 < len(stream):
        count, value = stream[at], stream[at + 1]
        at += 2
        if count:
            values = (
                bytes([value]) * count if bits == 8 else (bytes([value >> 4, value & 15]) * count)[:count]
            )
        elif value == _END_OF_LINE:
            x, y = 0, y + 1
            continue
        elif value == _END_OF_IMAGE:
            return
        elif value == _DELTA:
            x, y = (
                x + int.from_bytes(stream[at : at + 1], "big"),
                y + int.from_bytes(stream[at + 1 : at + 2], "big"),
            )
            at += 2
            continue
        else:
            stored = -(-value * bits // 8)
            piece = stream[at : at + stored]
            if len(piece) < stored:
                break
            values = (
                piece
                if bits == 8
                else bytes(half for byte in piece for half in (byte >> 4, byte & 15))[:value]
            )
            at += stored + stored % 2
        if y >= height or x + len(values) > width:
            raise ImageError("corrupt", "run lengths beyond the image")
        yield x, y, values
        x += len(values)
    if y < height - 1 or (y == height - 1 and x < width):
        raise ImageError("truncated", f"runs end in line {y + 1} of {height}")


def _palette(data: bytes, start: int, bits: int, end: int, largest: int) -> Pixels:
    count = min(int.from_bytes(data[46:50], "little") or 1 << bits, 1 << bits, max(0, end - start) // 4)
    if largest >= count:
        raise ImageError("corrupt", f"colour {largest} of a palette of {count}")
    stored = np.frombuffer(data[start : start + 4 * count], np.uint8).reshape(-1, 4)
    return np.ascontiguousarray(stored[:, 2::-1])
