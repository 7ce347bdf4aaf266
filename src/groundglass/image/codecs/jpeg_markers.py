"""The markers before the pixels of a JPEG file, read without decoding a pixel."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import itemgetter
from typing import Literal

from groundglass.errors import ImageError
from groundglass.image.codecs import exif

JpegColour = Literal["grey", "YCbCr", "RGB", "CMYK", "YCCK"]

SOI, EOI, SOS, DQT, DHT, DRI, DAC = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xDD, 0xCC
APP0, APP1, APP2, APP14 = 0xE0, 0xE1, 0xE2, 0xEE
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
JPEG_LS = 0xF7
_ALONE = {0x01, *range(0xD0, 0xD8)}  # TEM and RSTn have no length

# natural (row-major) position -> place in the zigzag order that the file stores (ITU-T T.81, figure A.6)
_ZIGZAG = (
    0, 1, 5, 6, 14, 15, 27, 28, 2, 4, 7, 13, 16, 26, 29, 42, 3, 8, 12, 17, 25, 30, 41, 43, 9, 11, 18, 24,
    31, 40, 44, 53, 10, 19, 23, 32, 39, 45, 52, 54, 20, 22, 33, 38, 46, 51, 55, 60, 21, 34, 37, 47, 50, 56,
    59, 61, 35, 36, 48, 49, 57, 58, 62, 63,
)  # fmt: skip
_natural_order = itemgetter(*_ZIGZAG)

_SUBSAMPLING = {
    (1, 1): "4:4:4",
    (2, 1): "4:2:2",
    (2, 2): "4:2:0",
    (1, 2): "4:4:0",
    (4, 1): "4:1:1",
    (4, 2): "4:1:0",
}


@dataclass(frozen=True)
class JpegTables:
    """A JPEG's compression, as its own markers state it.

    quantisation  one table a component, 64 numbers each, row by row (not zigzag); () where the file has none
    subsampling   "4:4:4", "4:2:2", "4:2:0", "4:4:0", "4:1:1", "4:1:0"; "" for grey; else like "2x2,2x1,1x1"
    progressive   several passes of rising detail, instead of one
    components    1 grey, 3 colour, 4 printing colours
    colour        how the components are to be read
    precision     bits a sample, 8 for ordinary files
    """

    quantisation: tuple[tuple[int, ...], ...]
    subsampling: str
    progressive: bool
    components: int
    colour: JpegColour
    precision: int


@dataclass(frozen=True)
class JpegMarkers:
    """Everything found before the first scan. ``segments``: (marker, start of payload, end of payload)."""

    width: int
    height: int
    tables: JpegTables
    orientation: int
    icc: bytes | None
    colour_space: str
    images: int
    inverted: bool
    process: int
    scan: int
    interleaved: bool
    segments: tuple[tuple[int, int, int], ...]
    warnings: tuple[str, ...]


@dataclass
class _Gathered:
    """All that the walk over the segments has found so far."""

    segments: list[tuple[int, int, int]] = field(default_factory=list[tuple[int, int, int]])
    quantisation: dict[int, tuple[int, ...]] = field(default_factory=dict[int, tuple[int, ...]])
    frame: bytes = b""
    process: int = 0
    jfif: bool = False
    adobe: int | None = None
    exif: bytes | None = None
    icc: list[bytes] = field(default_factory=list[bytes])
    images: int = 1
    warnings: list[str] = field(default_factory=list[str])


def read_markers(data: bytes) -> JpegMarkers:
    """Read a JPEG's segments up to its first scan; about 30 µs for an ordinary file.

    Raises ImageError: ``truncated`` (ends before a scan), ``corrupt`` (no frame or impossible numbers),
    ``unsupported``.
    """
    gathered = _Gathered()
    scan = _walk(data, gathered)
    if not gathered.frame:
        raise ImageError("corrupt", "a scan without a frame header")
    return _markers(data, gathered, scan)


def _walk(data: bytes, gathered: _Gathered) -> int:
    """Gather all segments; returns where the first scan's header payload starts."""
    at = 2
    while True:
        at, marker = _next_marker(data, at, gathered)
        if marker in _ALONE:
            continue
        if marker in (SOI, EOI):
            raise ImageError("corrupt", "no image between start and end marker")
        end = at + int.from_bytes(data[at : at + 2], "big")
        if end < at + 2:
            raise ImageError(
                "truncated" if at + 2 > len(data) else "corrupt", f"marker {marker:02X} without a length"
            )
        if end > len(data):
            raise ImageError("truncated", f"ends inside its header, in marker {marker:02X}")
        gathered.segments.append((marker, at + 2, end))
        if marker == SOS:
            return at + 2
        _take(marker, data[at + 2 : end], gathered)
        at = end


def _next_marker(data: bytes, at: int, gathered: _Gathered) -> tuple[int, int]:
    """The place after the next marker, and the marker; bytes between are junk, as for libjpeg."""
    start = at
    while True:
        at = data.find(b"\xff", at)
        if at < 0:
            raise ImageError("truncated", "ends inside its header")
        junk = at > start
        while data[at : at + 1] == b"\xff":  # any number of fill bytes may precede a marker
            at += 1
        if at >= len(data):
            raise ImageError("truncated", "ends inside its header")
        if data[at] == 0:
            start = -1  # FF00 is not a marker: more junk
            continue
        if junk and "junk_in_header" not in gathered.warnings:
            gathered.warnings.append("junk_in_header")
        return at + 1, data[at]


def _take(marker: int, payload: bytes, gathered: _Gathered) -> None:
    if marker == DQT:
        _take_quantisation(payload, gathered)
    elif marker in _FRAMES or marker == JPEG_LS:
        if gathered.frame:
            raise ImageError("corrupt", "two frame headers")
        gathered.frame, gathered.process = payload, marker
    elif marker == APP0 and payload[:5] == b"JFIF\0":
        gathered.jfif = True
    elif marker == APP1 and payload[:6] == b"Exif\0\0":
        gathered.exif = gathered.exif or payload
    elif marker == APP2 and payload[:12] == b"ICC_PROFILE\0":
        gathered.icc.append(payload[12:])
    elif marker == APP2 and payload[:4] == b"MPF\0":
        gathered.images = exif.number_of_images(payload[4:])
    elif marker == APP14 and payload[:5] == b"Adobe" and len(payload) >= 12:
        gathered.adobe = payload[11]


def _take_quantisation(payload: bytes, gathered: _Gathered) -> None:
    at = 0
    while at < len(payload):
        wide, name = payload[at] >> 4, payload[at] & 15
        raw = payload[at + 1 : at + 1 + (128 if wide else 64)]
        if len(raw) < (128 if wide else 64):
            raise ImageError("corrupt", "a quantisation table ends early")
        numbers = [int.from_bytes(raw[i : i + 2], "big") for i in range(0, 128, 2)] if wide else raw
        gathered.quantisation[name] = _natural_order(numbers)
        at += 1 + len(raw)


def _markers(data: bytes, gathered: _Gathered, scan: int) -> JpegMarkers:
    frame = gathered.frame
    if len(frame) < 6 or len(frame) < 6 + 3 * frame[5]:
        raise ImageError("corrupt", "the frame header ends early")
    count = frame[5]
    colour = _colour(frame[6 : 6 + 3 * count : 3], gathered)
    factors = [(frame[at] >> 4, frame[at] & 15) for at in range(7, 6 + 3 * count, 3)]
    tables = JpegTables(
        quantisation=tuple(gathered.quantisation.get(frame[at], ()) for at in range(8, 6 + 3 * count, 3)),
        subsampling=_subsampling(factors),
        progressive=gathered.process in _PROGRESSIVE,
        components=count,
        colour=colour,
        precision=frame[0],
    )
    return JpegMarkers(
        width=int.from_bytes(frame[3:5], "big"),
        height=int.from_bytes(frame[1:3], "big") or _height_after_scan(data, scan),
        tables=tables,
        orientation=_orientation(gathered),
        icc=_profile(gathered),
        colour_space=exif.colour_space(gathered.exif) if gathered.exif else "",
        images=gathered.images,
        inverted=gathered.adobe is not None,
        process=gathered.process,
        scan=scan,
        interleaved=data[scan] == count,
        segments=tuple(gathered.segments),
        # Last, because reading the orientation and the profile may add warnings.
        warnings=(*gathered.warnings, *_end_warnings(data, scan, gathered.images)),
    )


def _colour(names: bytes, gathered: _Gathered) -> JpegColour:
    """libjpeg's decision (jdapimin.c, default_decompress_parms), so that other programs show the same image."""
    if len(names) == 1:
        return "grey"
    if len(names) == 3:
        if gathered.jfif:
            return "YCbCr"
        if gathered.adobe is not None:
            return "RGB" if gathered.adobe == 0 else "YCbCr"
        return "RGB" if names == b"RGB" or gathered.process == 0xC3 else "YCbCr"
    if len(names) == 4:
        return "CMYK" if gathered.adobe in (None, 0) else "YCCK"
    raise ImageError("unsupported" if names else "corrupt", f"a JPEG of {len(names)} components")


def _subsampling(factors: list[tuple[int, int]]) -> str:
    if len(factors) == 1:
        return ""
    (across, down), others = factors[0], set(factors[1:3])
    if others == {(1, 1)} and (across, down) in _SUBSAMPLING:
        return _SUBSAMPLING[across, down]
    if len(others) == 1 and len(set(factors[:3])) == 1:
        return "4:4:4"
    return ",".join(f"{h}x{v}" for h, v in factors)


def _orientation(gathered: _Gathered) -> int:
    if gathered.exif is None:
        return 1
    try:
        return exif.orientation(gathered.exif)
    except exif.BadExifError:
        gathered.warnings.append("bad_exif")
        return 1


def _profile(gathered: _Gathered) -> bytes | None:
    """The ICC profile put together from its numbered pieces (ICC.1, annex B.4); None if one is missing."""
    if not gathered.icc:
        return None
    pieces = {piece[0]: piece[2:] for piece in gathered.icc if len(piece) > 2}
    counts = {piece[1] for piece in gathered.icc if len(piece) > 2}
    if (
        len(pieces) != len(gathered.icc)
        or counts != {len(pieces)}
        or sorted(pieces) != list(range(1, len(pieces) + 1))
    ):
        gathered.warnings.append("bad_icc")
        return None
    return b"".join(pieces[number] for number in sorted(pieces))


def _height_after_scan(data: bytes, scan: int) -> int:
    """The height of a file that gives it only after its first scan, in a DNL marker; 0 without one."""
    at = data.find(b"\xff\xdc\x00\x04", scan)
    return int.from_bytes(data[at + 4 : at + 6], "big") if at >= 0 else 0


def _end_warnings(data: bytes, scan: int, images: int) -> tuple[str, ...]:
    # Most files end with the marker, so the search through the whole file is spared.
    if data.endswith(b"\xff\xd9"):
        return ()
    end = data.rfind(b"\xff\xd9", scan)
    if end < 0:
        return ("no_end_marker",)
    return () if images > 1 else ("trailing_bytes",)


def header_for_pixels(data: bytes, markers: JpegMarkers) -> bytes:
    """The file up to its first scan's data, with only the segments that the pixels need.

    A strict decoder stops at junk between segments and at a broken ICC profile: both are harmless to the
    pixels, so decoding with this header separates damage from junk.
    """
    parts = [b"\xff\xd8", _colour_marker(markers)]
    for marker, start, end in markers.segments:
        if marker in (DQT, DHT, DRI, DAC, SOS) or marker in _FRAMES:
            parts += [bytes((0xFF, marker)), data[start - 2 : end]]
    return b"".join(parts)


def _colour_marker(markers: JpegMarkers) -> bytes:
    """An Adobe segment that states the colour decided before."""
    if markers.tables.colour == "grey" or (markers.tables.components == 4 and not markers.inverted):
        return b""
    transform = {"RGB": 0, "YCbCr": 1, "CMYK": 0, "YCCK": 2}[markers.tables.colour]
    return b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes((transform,))
