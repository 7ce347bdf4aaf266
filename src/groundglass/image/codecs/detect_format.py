"""Which format the bytes are, and the few facts of the rarer ones that Pillow does not tell or tells too
late.
"""

from __future__ import annotations

import struct
from typing import Any, Literal

from groundglass.errors import ImageError

_MAGIC = (
    (b"\xff\xd8", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"\0\0\1\0", "ICO"),
    (b"\xff\x0a", "JXL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JXL"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"8BPS", "PSD"),
    (b"qoif", "QOI"),
)
_NOT_DECODED = (
    (b"v/1\x01", "OpenEXR"),
    (b"DDS ", "DDS"),
    (b"II\xbc\x01", "JPEG XR"),
    (b"<svg", "SVG, a drawing"),
    (b"%PDF", "PDF, a document"),
    (b"FUJIFILMCCD-RAW", "camera raw"),
    (b"IIRO", "camera raw"),
    (b"IIU\0", "camera raw"),
)
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}


def format_of(data: bytes) -> str:
    """The format's name by its first bytes.

    Raises ImageError: ``empty``, ``not_an_image``, ``unsupported``.

    >>> format_of(b"GIF89a...")
    'GIF'
    """
    if not data:
        raise ImageError("empty", "0 bytes")
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[:1] == b"P" and data[1:2] in b"123456" and data[2:3].isspace():
        return "PPM"
    if data[4:8] == b"ftyp":
        return _of_brands(data)
    for magic, name in _NOT_DECODED:
        if data.startswith(magic):
            raise ImageError("unsupported", name)
    raise ImageError("not_an_image", f"begins with {data[:8].hex(' ')}")


def _of_brands(data: bytes) -> str:
    """ISO media files name their kinds in the first box."""
    end = min(int.from_bytes(data[:4], "big"), 512)
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, end, 4))}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    if brands & _HEIF_BRANDS:
        return "HEIF"
    if data[8:12] == b"crx ":
        raise ImageError("unsupported", "camera raw")
    raise ImageError("not_an_image", f"a media file of kind {data[8:12]!r}")


def early_size(data: bytes, format: str) -> tuple[int, int] | None:
    """Width and height where the decoder would take memory as soon as it is opened; else None."""
    if format == "WEBP":
        return _webp_size(data)
    if format == "JXL":
        return _jxl_size(data)
    if format in ("AVIF", "HEIF"):
        return _largest_item(data)
    return None


def _webp_size(data: bytes) -> tuple[int, int]:
    kind, body = data[12:16], data[20:30]
    if len(body) < 10:
        raise ImageError("truncated", "ends inside its header")
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    raise ImageError("corrupt", f"begins with a chunk {kind!r}")


def _jxl_size(data: bytes) -> tuple[int, int] | None:
    """The size header of a JPEG XL codestream (ISO/IEC 18181-1, annex B)."""
    start = data.find(b"\xff\x0a") if data[:2] == b"\xff\x0a" else _jxl_codestream(data)
    if start < 0:
        return None
    bits = _Bits(int.from_bytes(data[start + 2 : start + 14], "little"))
    small = bits.take(1)
    height = 8 * (bits.take(5) + 1) if small else 1 + bits.take(_SIZE_BITS[bits.take(2)])
    ratio = bits.take(3)
    if ratio:
        over, under = _RATIOS[ratio]
        return height * over // under, height
    return (8 * (bits.take(5) + 1) if small else 1 + bits.take(_SIZE_BITS[bits.take(2)])), height


_SIZE_BITS = (9, 13, 18, 30)
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}


class _Bits:
    """Takes numbers from a little-endian bit string, lowest bits first."""

    def __init__(self, value: int) -> None:
        self.value = value

    def take(self, count: int) -> int:
        taken = self.value & ((1 << count) - 1)
        self.value >>= count
        return taken


def _jxl_codestream(data: bytes) -> int:
    at = 12
    while at + 8 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind in (b"jxlc", b"jxlp"):
            return at + (8 if kind == b"jxlc" else 12)
        if length < 8:
            return -1
        at += length
    return -1


def _largest_item(data: bytes) -> tuple[int, int] | None:
    """The largest of the sizes that an ISO media file's property boxes name."""
    largest, at = None, data.find(b"ispe")
    while 0 <= at <= len(data) - 16:
        size = struct.unpack_from(">II", data, at + 8)
        if data[at - 4 : at] == b"\0\0\0\x14" and (
            largest is None or size[0] * size[1] > largest[0] * largest[1]
        ):
            largest = (int(size[0]), int(size[1]))
        at = data.find(b"ispe", at + 4)
    return largest


_AVIF_PIXELS = 16384 * 16384


def refuse_what_decoders_miss(data: bytes, format: str, size: tuple[int, int] | None) -> None:
    """Raises ImageError where decoders would take a cut-off file for a shorter picture or misname the fault:
    ``truncated``, and ``too_large`` beyond libavif's own limit, which it calls a parsing error.
    """
    if format == "AVIF" and size is not None and size[0] * size[1] > _AVIF_PIXELS:
        raise ImageError("too_large", f"{size[0]} x {size[1]} px is more than the AVIF decoder takes")
    if format in ("AVIF", "HEIF"):
        _refuse_cut_boxes(data)
    if (
        format == "WEBP" and int.from_bytes(data[4:8], "little") + 8 > len(data) + 1
    ):  # the last byte may be padding
        raise ImageError("truncated", f"{len(data)} bytes of {int.from_bytes(data[4:8], 'little') + 8}")
    if format == "TIFF" and _directory_start(data) + 2 > len(data):
        raise ImageError("truncated", "ends before its directory")


def _refuse_cut_boxes(data: bytes) -> None:
    at = 0
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if length == 1:
            length = int.from_bytes(data[at + 8 : at + 16], "big")
        if (
            length < 8 or not data[at + 4 : at + 8].isalnum()
        ):  # to the end of the file, or junk after the boxes
            return
        if at + length > len(data):
            raise ImageError("truncated", f"box {data[at + 4 : at + 8]!r} reaches beyond the end")
        at += length


def _directory_start(data: bytes) -> int:
    order: Literal["little", "big"] = "little" if data[:2] == b"II" else "big"
    big = data[2:4] in (b"+\0", b"\0+")
    return int.from_bytes(data[8:16] if big else data[4:8], order)


def bit_depth(image: Any, data: bytes, format: str) -> int:
    """Bits a sample of a file opened by Pillow."""
    if format == "TIFF":
        stated = image.tag_v2.get(258, (1,))
        return max(stated if isinstance(stated, tuple) else (stated,))
    if format == "AVIF" and (at := data.find(b"av1C")) >= 0:
        flags = data[at + 6] if at + 6 < len(data) else 0
        return 8 if not flags & 0x40 else 12 if flags & 0x20 else 10
    if isinstance(stated := image.info.get("bit_depth"), int):
        return stated
    return {"1": 1, "I;16": 16, "I;16B": 16, "I;16L": 16, "I": 32, "F": 32}.get(image.mode, 8)
