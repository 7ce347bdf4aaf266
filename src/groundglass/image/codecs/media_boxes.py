"""The boxes of ISO media files (HEIF, AVIF, JPEG 2000) that state the colours of their image.

ISO/IEC 14496-12 (boxes), 23008-12 (HEIF), 15444-1 annex I (JP2).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from groundglass.errors import ImageError
from groundglass.image.codecs import coded_colour
from groundglass.image.codecs.stated_colour import ROMM_RGB, StatedColour, of_code_points

_Box = tuple[bytes, bytes]
"""A box's type and its content."""


def boxes(data: bytes) -> Iterator[_Box]:
    """The consecutive boxes in some bytes; stops at the first that is cut off."""
    at = 0
    while at + 8 <= len(data):
        length, kind, start = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], at + 8
        if length == 1:
            length, start = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
        end = at + length if length else len(data)
        if end < start or end > len(data):
            return
        yield kind, data[start:end]
        at = end


def _first(data: bytes, *path: bytes) -> bytes | None:
    for kind in path:
        data = next((content for name, content in boxes(data) if name == kind), b"")
    return data or None


@dataclass(frozen=True)
class FileColour:
    """The colours that a file states: an ICC profile, or numbers, or nothing."""

    icc: bytes | None = None
    stated: StatedColour | None = None


def of_heif(data: bytes) -> FileColour:
    """The colours of the image that an AVIF or HEIC file shows first.

    An ICC profile comes before nclx (ISO/IEC 23008-12, 6.5.5.1); where there is neither, the coded video decides.

    >>> of_heif(b"")
    FileColour(icc=None, stated=None)
    """
    # Image sequences have their colours in a track; still images in the properties of an item.
    sequence = _track(data) if data[8:12] in (b"avis", b"msf1", b"hevc", b"hevx") else None
    found = sequence if sequence is not None else _item(data)
    colours = [content for kind, content in found if kind == b"colr"]
    icc = next((content[4:] for content in colours if content[:4] in (b"prof", b"rICC")), None)
    nclx = next((content[4:] for content in colours if content[:4] == b"nclx" and len(content) >= 10), None)
    if nclx is None:
        return FileColour(icc, coded_colour.of_configuration(found, data))
    return FileColour(icc, of_code_points(*_numbers(nclx)))


def _numbers(code_points: bytes) -> tuple[int, int, int]:
    """Primaries, transfer and matrix."""
    primaries, transfer, matrix = struct.unpack_from(">3H", code_points)
    return primaries, transfer, matrix


_SAMPLE_ENTRY = 78


def _track(data: bytes) -> list[_Box] | None:
    """The properties of a sequence's first track with images."""
    for kind, track in boxes(_first(data, b"moov") or b""):
        entries = (_first(track, b"mdia", b"minf", b"stbl", b"stsd") or b"") if kind == b"trak" else b""
        for name, entry in boxes(entries[8:]):
            if name in (b"av01", b"hvc1", b"hev1"):
                return list(boxes(entry[_SAMPLE_ENTRY:]))
    return None


def _item(data: bytes) -> list[_Box]:
    """The properties of the primary item; of the first tile where the item is a grid without colours."""
    meta = (_first(data, b"meta") or b"")[4:]
    pitm = _first(meta, b"pitm") or b""
    primary = int.from_bytes(pitm[4 : 6 if pitm[:1] == b"\0" else 8], "big")
    known = list(boxes(_first(meta, b"iprp", b"ipco") or b""))
    owned = _associations(_first(meta, b"iprp", b"ipma") or b"")
    found = _owned(primary, owned, known)
    if any(kind == b"colr" for kind, _ in found):
        return found
    tile = _first_tile(_first(meta, b"iref") or b"", primary)
    return found if tile is None else [*found, *_owned(tile, owned, known)]


def _owned(item: int, owned: dict[int, list[int]], known: list[_Box]) -> list[_Box]:
    return [known[number - 1] for number in owned.get(item, []) if 0 < number <= len(known)]


def _associations(ipma: bytes) -> dict[int, list[int]]:
    """The properties (counted from 1) of each item."""
    wide_item, wide_index = ipma[:1] != b"\0", bool(ipma[3:4] and ipma[3] & 1)
    at, owned = 8, dict[int, list[int]]()
    for _ in range(int.from_bytes(ipma[4:8], "big")):
        item_end = at + (4 if wide_item else 2)
        if item_end >= len(ipma):
            break
        item, count, at = int.from_bytes(ipma[at:item_end], "big"), ipma[item_end], item_end + 1
        step = 2 if wide_index else 1
        mask = 0x7FFF if wide_index else 0x7F
        starts = range(at, at + step * count, step)
        owned[item] = [int.from_bytes(ipma[start : start + step], "big") & mask for start in starts]
        at += step * count
    return owned


def _first_tile(iref: bytes, item: int) -> int | None:
    width = 2 if iref[:1] == b"\0" else 4
    for kind, content in boxes(iref[4:]):
        if kind == b"dimg" and int.from_bytes(content[:width], "big") == item:
            return int.from_bytes(content[width + 2 : 2 * width + 2], "big")
    return None


_BY_FORMULA = {16: None, 17: None, 18: None, 12: None, 15: None, 0: None, 21: ROMM_RGB}
"""Colour spaces from JP2's list that are sRGB, grey or ink once decoded, or that are converted here."""
_NOT_RGB = {
    1: "YCbCr",
    3: "YCbCr",
    4: "YCbCr",
    9: "PhotoYCC",
    11: "CMY",
    13: "YCCK",
    14: "CIELab",
    19: "CIEJab",
    20: "e-sRGB",
    22: "YPbPr",
    23: "YPbPr",
    24: "e-sYCC",
}
_ENUMERATED, _RESTRICTED_ICC, _ANY_ICC, _CODE_POINTS = 1, 2, 3, 5


def of_jp2(data: bytes) -> FileColour:
    """The colours of a JP2 or JPX file: its first colr box that can be read; a bare codestream states none.

    Raises ImageError ``unsupported`` for samples that the decoder leaves as they are and that are not RGB.
    """
    colours = [content for kind, content in boxes(_first(data, b"jp2h") or b"") if kind == b"colr"]
    for content in colours:
        method, body = content[0] if content else 0, content[3:]
        if method in (_RESTRICTED_ICC, _ANY_ICC):
            return FileColour(icc=body)
        if method == _CODE_POINTS and len(body) >= 7:
            full_range = bool(body[6] & 0x80)
            return FileColour(stated=of_code_points(*_numbers(body), full_range=full_range, where="colr"))
        number = int.from_bytes(body[:4], "big")
        if method == _ENUMERATED and number in _BY_FORMULA:
            return FileColour(stated=_BY_FORMULA[number])
        if method == _ENUMERATED and number in _NOT_RGB:
            raise ImageError("unsupported", f"JPEG 2000 in {_NOT_RGB[number]}")
    return FileColour(stated=StatedColour("an unknown colr box", None) if colours else None)
