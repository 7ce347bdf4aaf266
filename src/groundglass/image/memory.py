"""How much memory an image takes from its file to sRGB, estimated from its header: measured for each decoder, and
checked by `tests/behaviour/image/test_memory.py`.
"""

from __future__ import annotations

from groundglass.errors import ImageError
from groundglass.image.codecs.jpeg_markers import JpegTables

WORKER = 350_000_000
"""Bytes of a worker itself, its libraries loaded."""
LEAST_ALLOWED = 2_000_000_000
_ALLOWED_A_PIXEL = LEAST_ALLOWED / 150e6

# Peak bytes a pixel, for samples of 8 bits and for deeper ones.
_DECODERS = {
    "PNG": (9, 17),
    "WEBP": (17, 17),
    "AVIF": (17, 22),
    "HEIF": (19, 23),
    "JXL": (17, 22),
    "JPEG2000": (25, 31),
    "TIFF": (9, 12),
}
_PILLOW = 9
_FLOATS = 26


def refuse(width: int, height: int, bytes_needed: float, most_pixels: float) -> None:
    """Raises ImageError ``too_large`` for an image that takes more memory than its limit of pixels allows: 2 GB for
    up to 150 million pixels, and in proportion for a higher limit. The text says which limit would let it pass.
    """
    allowed = max(LEAST_ALLOWED, most_pixels * _ALLOWED_A_PIXEL)
    if bytes_needed > allowed:
        pixels = -(-bytes_needed // (_ALLOWED_A_PIXEL * 1e6))
        raise ImageError(
            "too_large",
            f"{width} x {height} px of this kind take {bytes_needed / 1e9:.1f} GB of memory, limit "
            f"{allowed / 1e9:.1f} GB; `limits: {{pixels: {pixels:.0f}e6}}` allows it",
        )


def needed(format: str, pixels: int, file_bytes: int, deep: bool = False, floats: bool = False) -> float:
    """Peak memory in bytes for any file but a JPEG: the worker, the file twice, and a number for each pixel.

    ``deep``: more than 8 bits. ``floats``: floating-point samples.

    >>> needed("PNG", 100_000_000, 0) / 1e9
    1.25
    """
    plain, more = _DECODERS.get(format, (_PILLOW, _PILLOW))
    each = _FLOATS if floats and format != "TIFF" else more if deep else plain
    return WORKER + 2 * file_bytes + pixels * each


_COEFFICIENTS = {"4:4:4": 3, "4:2:2": 2, "4:4:0": 2, "4:2:0": 1.5, "4:1:1": 1.5, "4:1:0": 1.25}


def needed_for_jpeg(tables: JpegTables, several_scans: bool, pixels: int, file_bytes: int) -> float:
    """The same for a JPEG. If it has several scans, coefficients of two bytes are kept beside the samples."""
    components = tables.components
    kept = 2 * _COEFFICIENTS.get(tables.subsampling, components) if several_scans else 0
    finished = components + 3 + 1  # decoded samples, sRGB, and luma before the colours were converted
    inverted = 2 * components if components == 4 else 0
    return WORKER + 2 * file_bytes + pixels * (max(kept + components, finished, inverted) + 0.5)
