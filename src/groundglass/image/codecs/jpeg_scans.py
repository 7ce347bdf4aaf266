"""The end of a JPEG's image, and whether its scans hold all of it. A decoder reports neither: it shows the parts that
are there, and paints the missing ones grey, smeared or blurred.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from groundglass.image.codecs.jpeg_markers import EOI, SOS, JpegMarkers

_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""Inside a scan FF is followed by 00, by another FF (filling) or by a restart number; anything else ends it."""

_FIRST_ARITHMETIC = 0xC9
_COEFFICIENTS = 64


@dataclass(frozen=True)
class Scan:
    """One scan's header: the components and coefficients that it brings (``first`` to ``last``, zigzag), down to
    which bit (0: the lowest).
    """

    components: bytes
    first: int
    last: int
    lowest_bit: int


@dataclass(frozen=True)
class Scans:
    """An image's scans. ``end``: the end of its coded data. ``closed``: an end marker follows there."""

    scans: tuple[Scan, ...]
    end: int
    closed: bool


def read_scans(data: bytes, markers: JpegMarkers) -> Scans:
    """Walk over the scans without decoding one."""
    scans: list[Scan] = []
    _, start, at = markers.segments[-1]
    scans.append(_scan(data[start:at]))
    while (found := _MARKER.search(data, at)) is not None:
        marker, payload = data[found.end() - 1], found.end() + 2
        if marker == EOI:
            return Scans(tuple(scans), found.start(), True)
        end = found.end() + int.from_bytes(data[found.end() : payload], "big")
        if end < payload or end > len(data):
            return Scans(tuple(scans), found.start(), False)
        if marker == SOS:
            scans.append(_scan(data[payload:end]))
        at = end
    return Scans(tuple(scans), len(data), False)


def _scan(payload: bytes) -> Scan:
    """For a header that is cut short a scan that brings nothing: the decoder objects to it."""
    count = payload[0] if payload else 0
    if len(payload) < 4 + 2 * count:
        return Scan(b"", 0, 0, 0)
    first, last, bits = payload[1 + 2 * count : 4 + 2 * count]
    return Scan(payload[1 : 1 + 2 * count : 2], first, last, bits & 15)


def is_arithmetic(markers: JpegMarkers) -> bool:
    """Arithmetic coding, with a decoder that reads missing bytes as zeros and reports nothing (ITU-T T.81, D.2.6)."""
    return markers.process >= _FIRST_ARITHMETIC


def lacks(data: bytes, markers: JpegMarkers, scans: Scans) -> str:
    """The missing parts, in words; "" where the scans bring every coefficient of every component to its last bit.

    The decoder notices a scan that ends early; this notices scans that are not there at all.
    """
    names = _component_names(data, markers)
    if not markers.tables.progressive:
        seen = b"".join(scan.components for scan in scans.scans)
        missing = sum(name not in seen for name in names)
        return f"{missing} of {len(names)} components are missing" if missing else ""
    # Each coefficient starts with all its bits open; a scan brings it down to its lowest bit.
    open_bits = {name: [16] * _COEFFICIENTS for name in names}
    for scan in scans.scans:
        for name in scan.components:
            if name in open_bits and scan.first <= scan.last < _COEFFICIENTS:
                open_bits[name][scan.first : scan.last + 1] = [scan.lowest_bit] * (1 + scan.last - scan.first)
    coarse = sum(bit > 0 for bits in open_bits.values() for bit in bits)
    return f"later scans are missing: {coarse} of {_COEFFICIENTS * len(names)} coefficients" if coarse else ""


def _component_names(data: bytes, markers: JpegMarkers) -> bytes:
    for marker, start, end in markers.segments:
        if marker == markers.process:
            return data[start + 6 : end : 3][: markers.tables.components]
    return b""


_SURELY_FILLING = 64
_SURELY_FILLING_WITHOUT_END = 4


def with_less_filling(body: bytes, closed: bool) -> list[bytes]:
    """A scan's bytes as they may have been before they were filled up: unchanged, unless the last byte is surely
    filling, then without its repetitions. ``closed``: an end marker follows.

    Coded data can itself end in 00: after FF, where 00 marks FF as data, and about once in 256 files as its
    last byte. More than these is never kept: they would be read as pixels that were never there. Without an end
    marker the file was cut off, so of two 00 and more none belongs to it, nor any of four other equal bytes.
    """
    last = body[-1:]
    bare = body.rstrip(last)
    filling, zeros, stuffed = len(body) - len(bare), last == b"\0", bare.endswith(b"\xff")
    if not closed and filling >= (2 if zeros else _SURELY_FILLING_WITHOUT_END):
        return [bare + b"\0" if zeros and stuffed else bare]
    own = 0 if not zeros else 2 if stuffed else 1
    trimmed = [bare + bytes(count) for count in range(min(own, filling - 1) + 1)]
    return [body, *trimmed] if filling < _SURELY_FILLING else trimmed
