"""Bits a sample, as the file states them: decoders return 8 or 16 bits, whatever the file holds."""

from __future__ import annotations

from typing import Any

from groundglass.image.codecs.detect_format import jxl_start, jxl_take_size
from groundglass.image.codecs.little_bits import Bits

_OF_MODE = {"1": 1, "I;16": 16, "I;16B": 16, "I;16L": 16, "I": 32, "F": 32}
_OF_RAW_MODE = {"P;1": 1, "1": 1, "P;2": 2, "P;4": 4, "BGR;15": 5, "BGR;16": 6}


def bit_depth(image: Any, data: bytes, format: str) -> int:
    """Bits of the deepest sample of a file that Pillow has opened.

    TIFF, AVIF, JPEG XL, JPEG 2000, PPM and BMP are read here; for the others Pillow states it.
    """
    known = _OF_MODE.get(image.mode, 8)
    if format == "TIFF":
        stated = image.tag_v2.get(258, (1,))
        return max(stated if isinstance(stated, tuple) else (stated,))
    if format == "AVIF":
        return _of_av1(data)
    if format == "JXL":
        return _of_jxl(data) or known
    if format == "JPEG2000":
        return _of_jpeg_2000(data) or known
    if format == "PPM":
        return _of_maxval(data) or known
    if format == "BMP":
        return _OF_RAW_MODE.get(_raw_mode(image), known)
    stated = image.info.get("bit_depth")
    return stated if isinstance(stated, int) else known


def _raw_mode(image: Any) -> str:
    arguments = image.tile[0][3] if image.tile else ""
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)


def _of_av1(data: bytes) -> int:
    # The configuration box repeats the depth, so the coded data need not be read.
    at = data.find(b"av1C")
    flags = data[at + 6] if 0 <= at < len(data) - 6 else 0
    return 8 if not flags & 0x40 else 12 if flags & 0x20 else 10


def _of_jpeg_2000(data: bytes) -> int:
    """The SIZ marker of the codestream (ISO/IEC 15444-1, A.5.1): one byte of bits less one for each component."""
    at = data.find(b"\xff\x4f\xff\x51")
    if at < 0:
        return 0
    count = int.from_bytes(data[at + 40 : at + 42], "big")
    return max(((bits & 0x7F) + 1 for bits in data[at + 42 : at + 42 + 3 * count : 3]), default=0)


def _of_maxval(data: bytes) -> int:
    """A PNM's third number is its white: 1023 needs ten bits. P1 and P4 have none, and one bit."""
    if data[1:2] in b"14":
        return 1
    numbers: list[int] = []
    for line in data[2:1024].replace(b"\r", b"\n").split(b"\n"):
        for word in line.partition(b"#")[0].split():
            if not word.isdigit():
                return 0
            numbers.append(int(word))
            if len(numbers) == 3:
                return numbers[2].bit_length()
    return 0


def _of_jxl(data: bytes) -> int:
    """The bit depth of a JPEG XL codestream's metadata (ISO/IEC 18181-1, annex D)."""
    start = jxl_start(data)
    if start < 0:
        return 0
    bits = Bits(int.from_bytes(data[start + 2 : start + 66], "little"))
    jxl_take_size(bits)
    if bits.take(1):  # all as by default
        return 8
    if bits.take(1):
        _skip_extra_fields(bits)
    return _taken_depth(bits)


def _taken_depth(bits: Bits) -> int:
    floating = bits.take(1)
    choice = bits.take(2)
    if choice == 3:
        return bits.take(6) + 1
    return ((32, 16, 24) if floating else (8, 10, 12))[choice]


def _skip_extra_fields(bits: Bits) -> None:
    bits.take(3)  # orientation
    if bits.take(1):  # the size at which it is to be shown
        jxl_take_size(bits)
    if bits.take(1):
        _skip_preview(bits)
    if bits.take(1):  # animation: ticks a second over ticks, repeats, time codes
        for widths in ((0, 0, 10, 30), (0, 0, 8, 10), (0, 3, 16, 32)):
            bits.take(widths[bits.take(2)])
        bits.take(1)


def _skip_preview(bits: Bits) -> None:
    in_eights = bits.take(1)
    widths = (0, 0, 5, 9) if in_eights else (6, 8, 10, 12)
    bits.take(widths[bits.take(2)])
    if bits.take(3) == 0:
        bits.take(widths[bits.take(2)])
