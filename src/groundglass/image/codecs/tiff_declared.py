"""A TIFF directory's declarations about its samples: their number, depth, place and meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from groundglass.errors import ImageError

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, MASK, INKS, YCBCR, LAB = 0, 1, 2, 3, 4, 5, 6, 8
UNSPECIFIED, ASSOCIATED, UNASSOCIATED = 0, 1, 2
NONE, LZW, DEFLATE, OLD_DEFLATE, PACKBITS, LZMA, ZSTD = 1, 5, 8, 32946, 32773, 34925, 50000
WITH_PREDICTOR = (LZW, DEFLATE, OLD_DEFLATE, LZMA, ZSTD)
"""Compressions that keep samples as they are: decompressing gives the image's own bytes."""

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
WEBP = 50001  # Pillow has a name for it, but its wheels have no decoder
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
    WEBP: "WebP compression",
    50002: "JPEG XL compression",
    52546: "JPEG XL compression",
}
_MOST_TILE = 1 << 28


@dataclass(frozen=True)
class TiffImage:
    """The declarations of one directory.

    offset        the place of the directory in the file
    bits, kind    of each sample; kind is "u" unsigned, "i" signed, "f" floating point
    samples       samples a pixel, extra ones included
    planar        each sample has a plane of its own
    extra         meaning of the samples after the colour's: UNSPECIFIED, ASSOCIATED or UNASSOCIATED alpha
    segment       width and height of a tile, or of a strip
    tiled         tiles, not strips
    offsets, counts   the places of the tiles or strips, and their lengths in bytes
    frames        full images or pages in the file
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
        """A name for such samples: Pillow's, or one like it where Pillow has none."""
        if self.photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO):
            grey = {8: "L", 16: "I;16"}.get(self.bits, "I;16" if self.bits < 16 else "I")
            return "F" if self.kind == "f" else grey if self.alpha is None else "LA"
        return {RGB: "RGB" if self.alpha is None else "RGBA", PALETTE: "P", INKS: "CMYK"}.get(
            self.photometric, "LAB"
        )

    @property
    def alpha(self) -> int | None:
        """The number of the sample that is the alpha channel; None where there is none."""
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


def one(tags: Any, tag: int, default: Any) -> Any:
    """A tag's value, the first where it has several."""
    value = tags.get(tag, default)
    return value[0] if isinstance(value, tuple) and value else default if value == () else value


def words_of(tags: Any) -> str:
    photometric, compression = one(tags, 262, None), one(tags, 259, NONE)
    colour = _PHOTOMETRIC.get(photometric, f"colour kind {photometric}")
    coding = _COMPRESSION.get(compression, f"compression {compression}")
    return f"{colour} of {one(tags, 258, 1)} bits in {coding}"


_KINDS = {1: "u", 2: "i", 3: "f", 4: "u"}
_WHOLE_BITS = (*range(8, 17), 32, 64)
_FLOAT_BITS = (16, 32, 64)


def declared(offset: int, tags: Any, order: str, frames: int) -> TiffImage | None:
    """The directory's declarations; None for those that Pillow reads: few bits, YCbCr, fax, JPEG, and damage.

    Raises ImageError ``unsupported`` for samples of an undeclared meaning.
    """
    width, height, samples = (int(one(tags, tag, default)) for tag, default in ((256, 0), (257, 0), (277, 1)))
    compression = int(one(tags, 259, NONE))
    bits = _stated_bits(tags, samples)
    if min(width, height, samples, bits) < 1 or bits < 8 or samples > 64:
        return None
    if compression not in (NONE, PACKBITS, *WITH_PREDICTOR):
        if bits > 8:
            raise ImageError("unsupported", f"a TIFF of {words_of(tags)}")
        return None
    photometric = int(one(tags, 262, RGB if samples >= 3 else -1))
    if photometric == YCBCR and bits == 8:
        return None
    kinds = tags.get(339, 1)
    formats = set(kinds[:samples]) if isinstance(kinds, tuple) else {kinds}
    kind = _KINDS.get(formats.pop(), "") if len(formats) == 1 else ""
    _refuse_unclear(tags, photometric, bits, kind)
    tiled = 322 in tags
    orientation = one(tags, 274, 1)
    profile = tags.get(34675)
    return TiffImage(
        offset=offset,
        order=order,
        width=width,
        height=height,
        bits=bits,
        kind=kind,
        samples=samples,
        planar=samples > 1 and one(tags, 284, 1) == 2,
        photometric=photometric,
        extra=_extra(tags, samples - COLOURS[photometric]),
        orientation=orientation if isinstance(orientation, int) else 0,
        compression=compression,
        predictor=int(one(tags, 317, 1)),
        segment=_segment(tags, tiled, width, height),
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
    """The meaning of each extra sample. An undeclared one is unspecified."""
    if count < 0:
        raise ImageError("corrupt", "fewer samples a pixel than its colour needs")
    given = _all(tags, 338)[:count]
    return (*given, *(UNSPECIFIED,) * (count - len(given)))


def _refuse_unclear(tags: Any, photometric: int, bits: int, kind: str) -> None:
    """Raises ImageError ``unsupported`` where black and white are not declared."""
    words = words_of(tags)
    if photometric not in COLOURS or not kind:
        raise ImageError("unsupported", f"a TIFF of {words}")
    if kind == "i" and bits <= 16 and photometric != LAB:
        raise ImageError("unsupported", f"a TIFF of {words}: signed samples have no defined black and white")
    if bits not in (_FLOAT_BITS if kind == "f" else _WHOLE_BITS):
        raise ImageError("unsupported", f"a TIFF of {words}")
    if photometric in (PALETTE, LAB) and (kind == "f" or bits not in (8, 16)):
        raise ImageError("unsupported", f"a TIFF of {words}")
    if photometric == INKS and one(tags, 332, 1) != 1:
        raise ImageError("unsupported", "a TIFF of printing inks other than cyan, magenta, yellow and black")
    if one(tags, 266, 1) == 2:
        raise ImageError("unsupported", f"a TIFF of {words} with its bits in reverse order")


def _segment(tags: Any, tiled: bool, width: int, height: int) -> tuple[int, int]:
    """Width and height of a tile or strip. Raises ImageError ``corrupt`` for impossible ones."""
    if tiled:
        size = int(one(tags, 322, 0)), int(one(tags, 323, 0))
    else:
        size = width, min(int(one(tags, 278, height)) or height, height)
    if min(size) < 1 or size[0] * size[1] > max(_MOST_TILE, 4 * width * height):
        raise ImageError("corrupt", f"tiles of {size[0]} x {size[1]} px")
    return size
