"""Decoded samples of any mode brought to 8 bits: one record for grey, colour, printing colours and Lab."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from groundglass.image.codecs import deep_samples, sample_scale
from groundglass.image.header import Header
from groundglass.image.orientation import Pixels

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

    16 bits become 8 by rounding v·255/65535, a palette becomes its colours. Samples equal to ``transparent`` (as
    stored, a value or a colour) are transparent. Raises ImageError ``corrupt`` where OpenCV and Pillow see different
    pixels, ``unsupported`` for floating-point samples without a known white.
    """
    upright = header.format == "TIFF"  # Pillow's TIFF decoder turns
    if header.format == "PNG" and header.bit_depth == 16:
        values = deep_samples.of_png(data, image)
        if values is not None:
            return _deep(values, header, transparent), ()
        return _eight_bits(image, upright), ("rounded_down",)
    if header.format == "JPEG2000" and header.bit_depth > 8 and image.mode in ("LA", "RGB", "RGBA"):
        return _deep(deep_samples.of_jpeg_2000(data, image, header.bit_depth), header, ()), ()
    if image.mode == "F":
        values = np.asarray(image)
        white, words = sample_scale.find_white(lambda: [values])
        return Samples(np.rint(values.clip(0, white) * (255.0 / white)).astype(np.uint8), "GRAY"), words
    if image.mode.startswith("I"):  # whatever the depth in the file, Pillow's decoders stretch it to 16 bits
        return Samples(narrowed(np.asarray(image).astype(np.uint16), 16), "GRAY", None, upright), ()
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
