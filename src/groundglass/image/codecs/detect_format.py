"""The format of a file's bytes, and the few facts of rarer formats that Pillow does not give, or gives too late."""

from __future__ import annotations

import struct
from typing import Literal

from groundglass.errors import ImageError
from groundglass.image.codecs import other_files
from groundglass.image.codecs.little_bits import Bits

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
        if data.startswith(magic) and (name != "BMP" or _is_bmp(data)):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[:1] == b"P" and data[1:2] in b"123456" and data[2:3].isspace():
        return "PPM"
    if data[4:8] == b"ftyp":
        return _of_brands(data)
    raise other_files.refuse(data)


_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)


def _is_bmp(data: bytes) -> bool:
    """Two letters are a weak mark: text may begin with them, too."""
    return len(data) < 18 or int.from_bytes(data[14:18], "little") in _BMP_HEADERS


def _of_brands(data: bytes) -> str:
    """ISO media files name their kinds in the first box."""
    end = min(int.from_bytes(data[:4], "big"), 512)
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, end, 4))}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    if brands & _HEIF_BRANDS:
        return "HEIF"
    raise other_files.refuse_media(data[8:12])


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
    start = jxl_start(data)
    return None if start < 0 else jxl_take_size(Bits(int.from_bytes(data[start + 2 : start + 14], "little")))


def jxl_take_size(bits: Bits) -> tuple[int, int]:
    """Width and height of a size header of JPEG XL (ISO/IEC 18181-1, annex B)."""
    small = bits.take(1)
    height = 8 * (bits.take(5) + 1) if small else 1 + bits.take(_SIZE_BITS[bits.take(2)])
    ratio = bits.take(3)
    if ratio:
        over, under = _RATIOS[ratio]
        return height * over // under, height
    return (8 * (bits.take(5) + 1) if small else 1 + bits.take(_SIZE_BITS[bits.take(2)])), height


_SIZE_BITS = (9, 13, 18, 30)
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}


def jxl_start(data: bytes) -> int:
    """The start of the codestream of a JPEG XL; -1 where there is none."""
    return 0 if data[:2] == b"\xff\x0a" else _jxl_codestream(data)


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
    """The largest of the sizes in an ISO media file's property boxes."""
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
    """Raises ImageError where decoders would show a cut-off file as a shorter image or report another fault:
    ``truncated``, and ``too_large`` beyond libavif's own limit, which it reports as a parsing error.
    """
    if format == "AVIF" and size is not None and size[0] * size[1] > _AVIF_PIXELS:
        raise ImageError("too_large", f"{size[0]} x {size[1]} px is more than the AVIF decoder takes")
    if format in ("AVIF", "HEIF"):
        _refuse_cut_boxes(data)
    # One byte may be missing at the end: it may be padding.
    if format == "WEBP" and int.from_bytes(data[4:8], "little") + 8 > len(data) + 1:
        raise ImageError("truncated", f"{len(data)} bytes of {int.from_bytes(data[4:8], 'little') + 8}")
    if format == "PSD":
        _refuse_photoshop(data)
    if format == "TIFF" and _directory_start(data) + 2 > len(data):
        raise ImageError("truncated", "ends before its directory")


_PHOTOSHOP_MODES = {
    0: "bitmap",
    1: "grey",
    2: "palette",
    3: "RGB",
    4: "CMYK",
    7: "multichannel",
    8: "duotone",
    9: "Lab",
}


def _refuse_photoshop(data: bytes) -> None:
    """Raises ImageError ``unsupported`` for documents of another version, of more bits, or of spot colours."""
    if data[4:6] == b"\0\2":
        raise ImageError("unsupported", "PSB, a large document of Photoshop")
    bits, mode = int.from_bytes(data[22:24], "big"), int.from_bytes(data[24:26], "big")
    name = _PHOTOSHOP_MODES.get(mode, f"mode {mode}")
    if len(data) >= 26 and (bits != (1 if mode == 0 else 8) or name in ("multichannel", "duotone")):
        raise ImageError("unsupported", f"a document of Photoshop, {name} of {bits} bits")


def _refuse_cut_boxes(data: bytes) -> None:
    at = 0
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if length == 1:
            length = int.from_bytes(data[at + 8 : at + 16], "big")
        # A box to the end of the file, or junk after the boxes: neither is damage.
        if length < 8 or not data[at + 4 : at + 8].isalnum():
            return
        if at + length > len(data):
            raise ImageError("truncated", f"box {data[at + 4 : at + 8]!r} reaches beyond the end")
        at += length


def _directory_start(data: bytes) -> int:
    order: Literal["little", "big"] = "little" if data[:2] == b"II" else "big"
    big = data[2:4] in (b"+\0", b"\0+")
    return int.from_bytes(data[8:16] if big else data[4:8], order)
