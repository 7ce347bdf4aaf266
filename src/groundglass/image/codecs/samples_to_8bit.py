"""Decoded samples of any mode brought to 8 bits: one record for grey, colour, printing colours and Lab."""

from __future__ import annotations

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


def from_pillow(image: Any, data: bytes, header: Header) -> tuple[Samples, tuple[str, ...]]:
    """The samples of a loaded Pillow image, and warnings.

    16 bits become 8 by rounding v·255/65535 (12 bits: v·255/4095); a palette becomes its colours;
    floating-point samples are taken as displayed values whose white is the least of 1, 255, 65535 that holds
    the largest sample. Raises ImageError ``unsupported`` for samples without a defined white.
    """
    upright = header.format == "TIFF"  # Pillow's TIFF decoder turns
    if header.bit_depth == 16 and header.format in ("PNG", "TIFF"):
        shape = (header.stored_height, header.stored_width)
        deep = _with_opencv(data, shape, grey=header.mode in ("LA", "I;16"))
        if deep is not None:
            return deep, ()
    if image.mode.startswith("I;16"):
        return Samples(
            _narrowed(np.asarray(image, np.uint16), max(header.bit_depth, 9)), "GRAY", None, upright
        ), ()
    if image.mode == "I":
        return Samples(_from_integers(np.asarray(image)), "GRAY", None, upright), ()
    if image.mode == "F":
        return Samples(_from_floats(np.asarray(image)), "GRAY", None, upright), ("range_guessed",)
    if header.format == "BMP":
        _refuse_bad_runs(data)
    words = ("rounded_down",) if header.bit_depth == 16 and header.format in ("PNG", "TIFF") else ()
    return _eight_bits(image, upright), words


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


def _with_opencv(data: bytes, shape: tuple[int, int], grey: bool) -> Samples | None:
    """All 16 bits, where OpenCV can give them: Pillow keeps only the upper eight of colour.

    Pillow has decoded the same bytes before, so they are known to be whole; OpenCV alone is no judge of that.
    """
    try:
        values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if values is None or values.dtype != np.uint16 or values.shape[:2] != shape:
        return None
    if values.ndim == 2:
        return Samples(_narrowed(values, 16), "GRAY")
    order = cv2.COLOR_BGRA2RGBA if values.shape[2] == 4 else cv2.COLOR_BGR2RGB
    deep = np.asarray(cv2.cvtColor(values, order), np.uint16)
    pixels = _narrowed(deep, 16)
    if pixels.shape[2] == 3:
        return Samples(pixels, "RGB", deep=deep)
    split = _split_alpha(pixels, upright=False)
    if grey:
        return replace(split, planes=np.ascontiguousarray(split.planes[..., 0]), space="GRAY")
    return replace(split, deep=np.ascontiguousarray(deep[..., :3]))


@lru_cache(maxsize=8)
def _narrowing(bits: int) -> Pixels:
    white = 2**bits - 1
    values = np.arange(65536, dtype=np.uint64).clip(0, white)
    return ((values * 510 + white) // (2 * white)).astype(np.uint8)


def _narrowed(values: npt.NDArray[Any], bits: int) -> Pixels:
    """Round v·255/(2^bits - 1) to 8 bits."""
    return _narrowing(bits)[values]


_RUN_LENGTH = (1, 2)


def _refuse_bad_runs(data: bytes) -> None:
    """Raises ImageError ``corrupt`` for run-length coded BMPs that overrun: Pillow shows garbage silently."""
    coding = int.from_bytes(data[30:34], "little")
    if coding in _RUN_LENGTH and cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) is None:
        raise ImageError("corrupt", "run lengths beyond the picture")


def _from_integers(values: npt.NDArray[Any]) -> Pixels:
    """32-bit integers are taken as 16-bit values when they fit; else nobody says where white is."""
    if values.size and (values.min() < 0 or values.max() > 65535):
        raise ImageError("unsupported", "32-bit integer samples without a defined white")
    return _narrowed(values.astype(np.uint16), 16)


def _from_floats(values: npt.NDArray[Any]) -> Pixels:
    if not np.isfinite(values).all():
        raise ImageError("corrupt", "samples that are not numbers")
    largest = float(values.max(initial=0.0))
    white = next((white for white in (1.0, 255.0, 65535.0) if largest <= white), None)
    if white is None:
        raise ImageError("unsupported", f"floating-point samples up to {largest:g} without a defined white")
    return np.rint(values.clip(0, white) * (255.0 / white)).astype(np.uint8)
