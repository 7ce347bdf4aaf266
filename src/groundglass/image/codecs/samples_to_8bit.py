"""Decoded samples of any mode brought to 8 bits: one record for grey, colour, printing colours and Lab."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from groundglass.errors import ImageError
from groundglass.image.header import Header
from groundglass.image.orientation import Pixels
from groundglass.libraries import cv2

_WITH_ALPHA = {
    "LA": "LA",
    "La": "LA",
    "PA": "RGBA",
    "RGBa": "RGBA",
    "RGBA": "RGBA",
    "P": "RGBA",
    "1": "LA",
    "L": "LA",
}


@dataclass(frozen=True)
class Samples:
    """8-bit samples before any colour management.

    planes    H×W for GRAY, H×W×3 for RGB and LAB, H×W×4 for CMYK (0 is no ink)
    alpha     H×W, 255 opaque; None where all is opaque
    deep      H×W×3 uint16, the RGB samples before they were rounded to 8 bits, where a profile needs them
    upright   whether the decoder has applied the orientation already
    """

    planes: Pixels
    space: str
    alpha: Pixels | None = None
    upright: bool = False
    deep: npt.NDArray[np.uint16] | None = None


def from_pillow(
    image: Any, data: bytes, header: Header, transparent: tuple[int, ...] = ()
) -> tuple[Samples, tuple[str, ...]]:
    """The samples of a loaded Pillow image, and warnings.

    16 bits become 8 by rounding v·255/65535 (12 bits: v·255/4095); a palette becomes its colours. Samples equal to
    ``transparent`` (as stored, a value or a colour) are transparent. Raises ImageError ``corrupt`` where OpenCV and
    Pillow see different pixels.
    """
    upright = header.format == "TIFF"  # Pillow's TIFF decoder turns
    if header.bit_depth == 16 and header.format == "PNG":
        values = _with_opencv(data, image)
        return (
            (_eight_bits(image, upright), ("rounded_down",))
            if values is None
            else (_deep(values, header, transparent), ())
        )
    if image.mode.startswith("I;16"):
        depth = max(header.bit_depth, 9)
        return Samples(narrowed(np.asarray(image, np.uint16), depth), "GRAY", None, upright), ()
    if image.mode == "I":  # Pillow's PPM decoder brings every depth to 16 bits
        return Samples(narrowed(np.asarray(image).astype(np.uint16), 16), "GRAY", None, upright), ()
    if header.format == "BMP":
        _refuse_bad_runs(data)
    samples = _eight_bits(image, upright)
    if transparent:
        steps = 255 // ((1 << header.bit_depth) - 1)
        samples = replace(samples, alpha=_all_but(samples.planes, [value * steps for value in transparent]))
    return samples, ()


def _eight_bits(image: Any, upright: bool) -> Samples:
    if image.mode in ("CMYK", "LAB"):
        return Samples(np.asarray(image), image.mode, None, upright)
    transparent = image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info
    if not transparent:
        grey = image.mode in ("1", "L")
        return Samples(
            np.asarray(image.convert("L" if grey else "RGB")), "GRAY" if grey else "RGB", None, upright
        )
    values = np.asarray(image.convert(_WITH_ALPHA.get(image.mode, "RGBA")))
    if values.shape[2] == 2:
        return Samples(
            np.ascontiguousarray(values[..., 0]), "GRAY", np.ascontiguousarray(values[..., 1]), upright
        )
    return _split_alpha(values, upright)


def _split_alpha(values: Pixels, upright: bool) -> Samples:
    alpha = np.ascontiguousarray(values[..., 3])
    return Samples(
        np.ascontiguousarray(values[..., :3]), "RGB", None if alpha.min() == 255 else alpha, upright
    )


def _all_but(values: npt.NDArray[Any], transparent: Sequence[int]) -> Pixels | None:
    """An alpha channel that hides one value of H×W, or one colour of H×W×3; None where all is seen."""
    same = values == np.asarray(transparent, values.dtype)
    hidden = same.all(axis=2) if values.ndim == 3 else same
    return np.where(hidden, np.uint8(0), np.uint8(255)) if hidden.any() else None


_BAND = 256


def _with_opencv(data: bytes, image: Any) -> npt.NDArray[np.uint16] | None:
    """All 16 bits of a PNG, H×W, H×W×3 or H×W×4, where OpenCV can give them: Pillow keeps only the upper eight of
    colour.

    Pillow has decoded the same bytes, so they are known to be whole, which OpenCV alone is no judge of. Raises
    ImageError ``corrupt`` where the two do not agree.
    """
    try:
        values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if values is None or values.dtype != np.uint16:
        return None
    if values.ndim == 3:
        order = cv2.COLOR_BGRA2RGBA if values.shape[2] == 4 else cv2.COLOR_BGR2RGB
        cv2.cvtColor(values, order, dst=values)
    seen = np.asarray(image)
    shift = 8 if seen.dtype == np.uint8 else 0
    agree = values.shape == seen.shape and all(
        np.array_equal(values[start : start + _BAND] >> shift, seen[start : start + _BAND])
        for start in range(0, len(seen), _BAND)
    )
    if not agree:
        raise ImageError("corrupt", "two decoders see different pixels")
    return np.asarray(values, np.uint16)


def _deep(values: npt.NDArray[np.uint16], header: Header, transparent: tuple[int, ...]) -> Samples:
    pixels = narrowed(values, 16)
    if pixels.ndim == 2 or pixels.shape[2] == 3:
        alpha = _all_but(values, transparent) if transparent else None
        grey = pixels.ndim == 2
        return Samples(pixels, "GRAY" if grey else "RGB", alpha, deep=None if grey else values)
    split = _split_alpha(pixels, upright=False)
    if header.mode == "LA":
        return replace(split, planes=np.ascontiguousarray(split.planes[..., 0]), space="GRAY")
    return replace(split, deep=np.ascontiguousarray(values[..., :3]))


@lru_cache(maxsize=8)
def _narrowing(bits: int) -> Pixels:
    white = 2**bits - 1
    values = np.arange(65536, dtype=np.uint64).clip(0, white)
    return ((values * 510 + white) // (2 * white)).astype(np.uint8)


def narrowed(values: npt.NDArray[Any], bits: int) -> Pixels:
    """Samples of up to 16 bits rounded to 8: v·255/(2^bits - 1)."""
    return _narrowing(bits)[values]


_RUN_LENGTH = (1, 2)


def _refuse_bad_runs(data: bytes) -> None:
    """Raises ImageError ``corrupt`` for run-length coded BMPs that overrun: Pillow shows garbage silently."""
    coding = int.from_bytes(data[30:34], "little")
    if coding in _RUN_LENGTH and cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) is None:
        raise ImageError("corrupt", "run lengths beyond the picture")
