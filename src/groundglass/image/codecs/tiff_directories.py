"""Which of a TIFF's directories holds the picture, and what that directory declares about its samples.

Pillow reads the directories. Previews and masks are passed over, camera raw is named and refused.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from groundglass.errors import ImageError
from groundglass.image.codecs import pillow
from groundglass.libraries import TiffImagePlugin

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, MASK, INKS, YCBCR, LAB = 0, 1, 2, 3, 4, 5, 6, 8
UNSPECIFIED, ASSOCIATED, UNASSOCIATED = 0, 1, 2
NONE, LZW, DEFLATE, OLD_DEFLATE, PACKBITS, LZMA, ZSTD = 1, 5, 8, 32946, 32773, 34925, 50000
WITH_PREDICTOR = (LZW, DEFLATE, OLD_DEFLATE, LZMA, ZSTD)
"""Compressions that keep samples as they are: what comes out of them is the picture's own bytes."""

COLOURS = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, INKS: 4, LAB: 3}
"""Samples that make a colour; any more are extra."""

_PHOTOMETRIC = {
    WHITE_IS_ZERO: "grey",
    BLACK_IS_ZERO: "grey",
    RGB: "RGB",
    PALETTE: "palette",
    INKS: "printing inks",
    YCBCR: "YCbCr",
    LAB: "CIE Lab",
    9: "ICC Lab",
    10: "ITU Lab",
    32844: "LogL",
    32845: "LogLuv",
}
_WEBP = 50001  # Pillow has a name for it, and its wheels have no decoder
_COMPRESSION = {
    NONE: "no compression",
    2: "CCITT compression",
    3: "CCITT fax 3 compression",
    4: "CCITT fax 4 compression",
    LZW: "LZW compression",
    6: "old-style JPEG compression",
    7: "JPEG compression",
    DEFLATE: "deflate compression",
    OLD_DEFLATE: "deflate compression",
    PACKBITS: "PackBits compression",
    9: "JBIG compression",
    10: "JBIG compression",
    34661: "JBIG compression",
    22610: "JPEG XR compression",
    34934: "JPEG XR compression",
    33003: "JPEG 2000 compression",
    33004: "JPEG 2000 compression",
    33005: "JPEG 2000 compression",
    34712: "JPEG 2000 compression",
    34676: "SGI LogLuv compression",
    34677: "SGI LogLuv compression",
    34887: "LERC compression",
    34892: "lossy JPEG compression of DNG",
    34927: "JPEG-LS compression",
    LZMA: "LZMA compression",
    34933: "PNG compression",
    ZSTD: "Zstandard compression",
    _WEBP: "WebP compression",
    50002: "JPEG XL compression",
    52546: "JPEG XL compression",
}
_CFA, _LINEAR_RAW = 32803, 34892
_RAW_COMPRESSIONS = (32767, 32769, 32770, 32867, 34713, 65000, 65535)
_MAKERS = {
    "NIKON": "Nikon NEF",
    "SONY": "Sony ARW",
    "PENTAX": "Pentax PEF",
    "RICOH": "Pentax PEF",
    "SAMSUNG": "Samsung SRW",
    "HASSELBLAD": "Hasselblad 3FR",
    "PHASE ONE": "Phase One IIQ",
    "LEAF": "Leaf MOS",
    "SEIKO EPSON": "Epson ERF",
    "EASTMAN KODAK": "Kodak DCR",
    "KODAK": "Kodak DCR",
}
Found = tuple[int, Any]
"""A directory: its offset and its tags, as Pillow reads them."""
_MOST_DIRECTORIES = 4096
_MOST_TILE = 1 << 28


@dataclass(frozen=True)
class TiffPicture:
    """What one directory declares.

    offset        where the directory lies in the file
    bits, kind    of each sample; kind is "u" unsigned, "i" signed, "f" floating point
    samples       samples a pixel, extra ones included
    planar        each sample has a plane of its own
    extra         meaning of the samples after the colour's: UNSPECIFIED, ASSOCIATED or UNASSOCIATED alpha
    segment       width and height of a tile, or of a strip
    tiled         tiles, not strips
    offsets, counts   where the tiles or strips lie, and of how many bytes they are
    frames        full pictures or pages in the file
    """

    offset: int
    order: str
    width: int
    height: int
    bits: int
    kind: str
    samples: int
    planar: bool
    photometric: int
    extra: tuple[int, ...]
    orientation: int
    compression: int
    predictor: int
    segment: tuple[int, int]
    tiled: bool
    offsets: tuple[int, ...]
    counts: tuple[int, ...]
    colour_map: tuple[int, ...]
    icc_profile: bytes | None
    frames: int

    @property
    def colours(self) -> int:
        """Samples that make the colour."""
        return COLOURS[self.photometric]

    @property
    def mode(self) -> str:
        """Pillow's word for such samples, also for those that Pillow has none for."""
        if self.photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO):
            grey = {8: "L", 16: "I;16"}.get(self.bits, "I;16" if self.bits < 16 else "I")
            return "F" if self.kind == "f" else grey if self.alpha is None else "LA"
        return {RGB: "RGB" if self.alpha is None else "RGBA", PALETTE: "P", INKS: "CMYK"}.get(
            self.photometric, "LAB"
        )

    @property
    def alpha(self) -> int | None:
        """Which sample is the alpha channel; None where there is none."""
        given = [at for at, kind in enumerate(self.extra) if kind in (ASSOCIATED, UNASSOCIATED)]
        return self.colours + given[0] if given else None

    @property
    def across(self) -> int:
        """Segments side by side."""
        return -(-self.width // self.segment[0])

    @property
    def down(self) -> int:
        """Segments one below the other."""
        return -(-self.height // self.segment[1])


@dataclass(frozen=True)
class TiffFile:
    """A TIFF and the directory of its picture.

    picture   what the directory declares, where its samples are read by `tiff_samples`; None: Pillow reads it
    data      the file's bytes, with that directory as the first
    tags      all that the directory says, as Pillow reads it
    frames    full pictures or pages in the file
    words     text for people: "RGB of 16 bits in LZW compression"
    """

    picture: TiffPicture | None
    data: bytes
    tags: Any
    frames: int
    words: str


def read_tiff(data: bytes) -> TiffFile:
    """Find the picture of a TIFF: the first that is full, else the largest.

    Raises ImageError: ``unsupported`` for camera raw, for a preview alone, and for what no decoder here knows.
    """
    with pillow.as_image_errors():
        chain = list(_chain(data))
        if not chain or _area(chain[0][1]) == 0:  # Pillow says what is wrong with it
            return TiffFile(None, data, {}, 1, "")
        inside = [found for _, tags in chain for found in _sub_directories(data, tags)]
        _refuse_camera_raw(data, [tags for _, tags in (*chain, *inside)])
        offset, tags, frames = _chosen(chain, inside)
        words = _words(tags)
        compression = int(_one(tags, 259, NONE))
        if compression == _WEBP or compression not in TiffImagePlugin.COMPRESSION_INFO:
            raise ImageError("unsupported", f"a TIFF of {words}")
        picture = _declared(offset, tags, "<" if data[:2] == b"II" else ">", frames)
    first = data if offset == chain[0][0] else _with_first(data, offset)
    return TiffFile(picture, first, tags, frames, words)


def _chain(data: bytes) -> Iterator[Found]:
    """The directories that follow each other, as (offset, tags)."""
    offset = _first_offset(data)
    seen: set[int] = set()
    while offset and offset not in seen and offset + 2 <= len(data) and len(seen) < _MOST_DIRECTORIES:
        seen.add(offset)
        tags = _directory(data, offset)
        yield offset, tags
        offset = tags.next


def _directory(data: bytes, offset: int) -> Any:
    """A directory's tags. Those that cannot be read are left out."""
    tags = TiffImagePlugin.ImageFileDirectory_v2(data[: 16 if _is_big(data) else 8])
    stream = io.BytesIO(data)
    stream.seek(offset)
    try:
        tags.load(stream)
    except struct.error:  # ends inside the directory: what was read before counts
        tags.next = 0
    return tags


def _sub_directories(data: bytes, tags: Any) -> Iterator[Found]:
    offsets = tags.get(330, ())
    for offset in (offsets if isinstance(offsets, tuple) else (offsets,))[:16]:
        if isinstance(offset, int) and 0 < offset < len(data) - 2:
            yield offset, _directory(data, offset)


def _is_big(data: bytes) -> bool:
    return data[2:4] in (b"+\0", b"\0+")


def _first_offset(data: bytes) -> int:
    order = "<" if data[:2] == b"II" else ">"
    if len(data) < 16:
        return 0
    return int(
        struct.unpack_from(order + ("Q" if _is_big(data) else "I"), data, 8 if _is_big(data) else 4)[0]
    )


def _with_first(data: bytes, offset: int) -> bytes:
    """The same file with this directory as its first."""
    order = "<" if data[:2] == b"II" else ">"
    if _is_big(data):
        return data[:8] + struct.pack(order + "Q", offset) + data[16:]
    return data[:4] + struct.pack(order + "I", offset) + data[8:]


def _one(tags: Any, tag: int, default: Any) -> Any:
    """A tag's value, the first where it has several."""
    value = tags.get(tag, default)
    return value[0] if isinstance(value, tuple) and value else default if value == () else value


def _chosen(chain: list[Found], inside: list[Found]) -> tuple[int, Any, int]:
    """Offset and tags of the directory to read, and how many full pictures there are.

    The first page of a document is read; a preview, declared or plain to see, gives way to the largest picture.
    """
    pages = [found for found in chain if not _is_preview(found[1])]
    full = pages + [found for found in inside if not _is_preview(found[1])]
    if not full:
        raise ImageError("unsupported", "a TIFF that holds only a preview, not the full picture")
    largest = max(full, key=lambda found: _area(found[1]))
    if _is_preview(chain[0][1]):
        return *largest, max(1, len(pages))
    if _looks_like_thumbnail(chain[0][1], largest[1]):
        return *largest, max(1, len(pages) - 1)
    return *chain[0], len(pages)


def _is_preview(tags: Any) -> bool:
    """A reduced copy or a mask of another picture, or no picture at all."""
    return (
        _area(tags) == 0
        or bool(_one(tags, 254, 0) & 0b101)
        or _one(tags, 255, 1) == 2
        or _one(tags, 262, 1) == MASK
    )


def _area(tags: Any) -> int:
    width, height = _one(tags, 256, 0), _one(tags, 257, 0)
    return width * height if isinstance(width, int) and isinstance(height, int) else 0


_THUMBNAIL_SIDE = 512


def _looks_like_thumbnail(first: Any, largest: Any) -> bool:
    """At most 512 px long, of the same shape, and at most half as long as the largest: nobody declared it."""
    side = max(_one(first, 256, 0), _one(first, 257, 0))
    if side > _THUMBNAIL_SIDE or _area(largest) < 4 * _area(first):
        return False
    wanted = _one(largest, 257, 1) * _one(first, 256, 1) / _one(largest, 256, 1)
    return abs(wanted - _one(first, 257, 0)) <= 1


def _refuse_camera_raw(data: bytes, directories: list[Any]) -> None:
    """Raises ImageError ``unsupported`` for camera raw in TIFF's clothes, with its name."""
    name = ""
    if 50706 in directories[0]:
        name = "DNG"
    elif data[8:10] == b"CR":
        name = "Canon CR2"
    elif any(
        _one(tags, 262, 1) in (_CFA, _LINEAR_RAW) or _one(tags, 259, NONE) in _RAW_COMPRESSIONS
        for tags in directories
    ):
        make = str(_one(directories[0], 271, "")).upper()
        name = next((raw for maker, raw in _MAKERS.items() if make.startswith(maker)), "a sensor's mosaic")
    if name:
        raise ImageError("unsupported", f"camera raw ({name})")


def _words(tags: Any) -> str:
    photometric, compression = _one(tags, 262, None), _one(tags, 259, NONE)
    colour = _PHOTOMETRIC.get(photometric, f"colour kind {photometric}")
    coding = _COMPRESSION.get(compression, f"compression {compression}")
    return f"{colour} of {_one(tags, 258, 1)} bits in {coding}"


_KINDS = {1: "u", 2: "i", 3: "f", 4: "u"}
_WHOLE_BITS = (*range(8, 17), 32, 64)
_FLOAT_BITS = (16, 32, 64)


def _declared(offset: int, tags: Any, order: str, frames: int) -> TiffPicture | None:
    """What the directory declares; None for what Pillow reads: few bits, YCbCr, fax, JPEG, and damage.

    Raises ImageError ``unsupported`` for samples whose meaning nobody declares.
    """
    width, height, samples = (
        int(_one(tags, tag, default)) for tag, default in ((256, 0), (257, 0), (277, 1))
    )
    compression = int(_one(tags, 259, NONE))
    bits = _stated_bits(tags, samples)
    if min(width, height, samples, bits) < 1 or bits < 8 or samples > 64:
        return None
    if compression not in (NONE, PACKBITS, *WITH_PREDICTOR):
        if bits > 8:
            raise ImageError("unsupported", f"a TIFF of {_words(tags)}")
        return None
    photometric = int(_one(tags, 262, RGB if samples >= 3 else -1))
    if photometric == YCBCR and bits == 8:
        return None
    kinds = tags.get(339, 1)
    formats = set(kinds[:samples]) if isinstance(kinds, tuple) else {kinds}
    kind = _KINDS.get(formats.pop(), "") if len(formats) == 1 else ""
    _refuse_unclear(tags, photometric, bits, kind)
    tiled = 322 in tags
    segment = (
        (int(_one(tags, 322, 0)), int(_one(tags, 323, 0)))
        if tiled
        else (width, min(int(_one(tags, 278, height)) or height, height))
    )
    if min(segment) < 1 or segment[0] * segment[1] > max(_MOST_TILE, 4 * width * height):
        raise ImageError("corrupt", f"tiles of {segment[0]} x {segment[1]} px")
    orientation = _one(tags, 274, 1)
    profile = tags.get(34675)
    return TiffPicture(
        offset=offset,
        order=order,
        width=width,
        height=height,
        bits=bits,
        kind=kind,
        samples=samples,
        planar=samples > 1 and _one(tags, 284, 1) == 2,
        photometric=photometric,
        extra=_extra(tags, samples - COLOURS[photometric]),
        orientation=orientation if isinstance(orientation, int) else 0,
        compression=compression,
        predictor=int(_one(tags, 317, 1)),
        segment=segment,
        tiled=tiled,
        offsets=_all(tags, 324 if tiled else 273),
        counts=_all(tags, 325 if tiled else 279),
        colour_map=_all(tags, 320) if photometric == PALETTE else (),
        icc_profile=profile if isinstance(profile, bytes) and profile else None,
        frames=frames,
    )


def _all(tags: Any, tag: int) -> tuple[int, ...]:
    value = tags.get(tag, ())
    return value if isinstance(value, tuple) else (value,)


def _stated_bits(tags: Any, samples: int) -> int:
    """Bits of every sample; 0 where they differ."""
    stated = set(_all(tags, 258)[:samples]) or {1}
    return int(stated.pop()) if len(stated) == 1 else 0


def _extra(tags: Any, count: int) -> tuple[int, ...]:
    """The meaning of each extra sample. One that nobody declares is unspecified."""
    if count < 0:
        raise ImageError("corrupt", "fewer samples a pixel than its colour needs")
    given = _all(tags, 338)[:count]
    return (*given, *(UNSPECIFIED,) * (count - len(given)))


def _refuse_unclear(tags: Any, photometric: int, bits: int, kind: str) -> None:
    """Raises ImageError ``unsupported`` where it is not declared which sample is black and which is white."""
    words = _words(tags)
    if photometric not in COLOURS or not kind:
        raise ImageError("unsupported", f"a TIFF of {words}")
    if kind == "i" and bits <= 16 and photometric != LAB:
        raise ImageError("unsupported", f"a TIFF of {words}: signed samples have no defined black and white")
    if bits not in (_FLOAT_BITS if kind == "f" else _WHOLE_BITS):
        raise ImageError("unsupported", f"a TIFF of {words}")
    if photometric in (PALETTE, LAB) and (kind == "f" or bits not in (8, 16)):
        raise ImageError("unsupported", f"a TIFF of {words}")
    if photometric == INKS and _one(tags, 332, 1) != 1:
        raise ImageError("unsupported", "a TIFF of printing inks other than cyan, magenta, yellow and black")
    if _one(tags, 266, 1) == 2:
        raise ImageError("unsupported", f"a TIFF of {words} with its bits in reverse order")
