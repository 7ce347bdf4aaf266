"""Decoded samples of any mode brought to 8 bits: one record for grey, colour, printing colours and Lab."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from groundglass.image.codecs import deep_samples, sample_scale
from groundglass.image.codecs.pillow import as_image_errors
from groundglass.image.header import Header
from groundglass.image.orientation import Pixels

Values = npt.NDArray[np.uint16]
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

    planes    H×W for GRAY, H×W×3 for RGB and LAB, H×W×4 for CMYK (0 without ink)
    alpha     H×W, 255 opaque; None where all is opaque
    deep      H×W×3 uint16, the RGB samples before they were rounded to 8 bits, where a profile needs them
    upright   whether the decoder has applied the orientation already
    """

    planes: Pixels
    space: str
    alpha: Pixels | None = None
    upright: bool = False
    deep: npt.NDArray[np.uint16] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.planes.shape[0], self.planes.shape[1]

    def band(self, rows: slice) -> Samples:
        """Some of its rows."""
        return Samples(
            self.planes[rows],
            self.space,
            None if self.alpha is None else self.alpha[rows],
            self.upright,
            None if self.deep is None else self.deep[rows],
        )


class SampleRows(Protocol):
    """Samples that are brought to 8 bits a few rows at a time, so that a large image is never held twice."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        ...

    @property
    def space(self) -> str:
        """As `Samples.space`."""
        ...

    @property
    def upright(self) -> bool:
        """As `Samples.upright`."""
        ...

    def band(self, rows: slice, /) -> Samples:
        """Some of the rows."""
        ...


def from_pillow(
    image: Any, data: bytes, header: Header, transparent: tuple[int, ...] = (), deep: Values | None = None
) -> tuple[SampleRows, tuple[str, ...]]:
    """The samples of a loaded Pillow image, and warnings; ``deep``: the result of `deep_samples.decoded` for a PNG.

    16 bits become 8 by rounding v·255/65535, a palette becomes its colours. Samples equal to ``transparent`` (as
    stored, a value or a colour) are transparent. Raises ImageError ``corrupt`` where OpenCV and Pillow see different
    pixels, ``unsupported`` for floating-point samples without a known white.
    """
    upright = header.format == "TIFF"  # Pillow's TIFF decoder turns the pixels itself
    if header.format == "PNG" and header.bit_depth == 16:
        values = deep_samples.of_png(deep, image)
        if values is not None:
            return DeepRows(values, header.mode, transparent), ()
        return _PillowRows(image, upright), ("rounded_down",)
    if header.format == "JPEG2000" and header.bit_depth > 8 and image.mode in ("LA", "RGB", "RGBA"):
        return DeepRows(deep_samples.of_jpeg_2000(data, image, header.bit_depth), header.mode), ()
    if image.mode == "F":
        values = np.asarray(image)
        white, words = sample_scale.find_white(lambda: [values])
        return Samples(np.rint(values.clip(0, white) * (255.0 / white)).astype(np.uint8), "GRAY"), words
    if image.mode.startswith("I"):  # whatever the depth in the file, Pillow's decoders stretch it to 16 bits
        return DeepRows(np.asarray(image).astype(np.uint16, copy=False), "L", upright=upright), ()
    # Pillow stretches grey of 1, 2 and 4 bits to 8, so the transparent value is stretched, too.
    steps = 255 // ((1 << header.bit_depth) - 1) if transparent else 1
    return _PillowRows(image, upright, tuple(value * steps for value in transparent)), ()


@dataclass(frozen=True)
class _PillowRows:
    """The rows of a Pillow image of 8 bits or less. ``transparent``: the 8-bit value or colour that is not shown."""

    image: Any
    upright: bool
    transparent: tuple[int, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        return self.image.height, self.image.width

    @property
    def space(self) -> str:
        mode = self.image.mode
        if mode in ("CMYK", "LAB"):
            return mode
        return "GRAY" if mode in ("1", "L") or (self._has_alpha and self._with_alpha == "LA") else "RGB"

    def band(self, rows: slice) -> Samples:
        with as_image_errors():
            return self._band(self.image.crop((0, rows.start, self.image.width, rows.stop)))

    def _band(self, image: Any) -> Samples:
        if self.space in ("CMYK", "LAB"):
            return Samples(np.asarray(image), self.space, None, self.upright)
        if not self._has_alpha:
            planes = np.asarray(image.convert("L" if self.space == "GRAY" else "RGB"))
            alpha = _all_but(planes, self.transparent) if self.transparent else None
            return Samples(planes, self.space, alpha, self.upright)
        values = np.asarray(image.convert(self._with_alpha))
        if self.space == "RGB":
            return _split_alpha(values, self.upright)
        grey, alpha = (np.ascontiguousarray(values[..., channel]) for channel in (0, 1))
        return Samples(grey, "GRAY", alpha, self.upright)

    @property
    def _has_alpha(self) -> bool:
        return self.image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in self.image.info

    @property
    def _with_alpha(self) -> str:
        return _WITH_ALPHA.get(self.image.mode, "RGBA")


def _split_alpha(values: Pixels, upright: bool) -> Samples:
    alpha = np.ascontiguousarray(values[..., 3])
    return Samples(
        np.ascontiguousarray(values[..., :3]), "RGB", None if alpha.min() == 255 else alpha, upright
    )


def _all_but(values: npt.NDArray[Any], transparent: Sequence[int]) -> Pixels | None:
    """An alpha channel that hides one value of H×W, or one colour of H×W×3; None where all is shown."""
    same = values == np.asarray(transparent, values.dtype)
    hidden = same.all(axis=2) if values.ndim == 3 else same
    return np.where(hidden, np.uint8(0), np.uint8(255)) if hidden.any() else None


@dataclass(frozen=True)
class DeepRows:
    """The rows of H×W, H×W×3 or H×W×4 samples of 16 bits; ``mode`` is Pillow's name for the file's.

    ``transparent``: the value or colour that is not shown. ``alpha``: H×W of 8 bits, where ``values`` has none.
    """

    values: npt.NDArray[np.uint16]
    mode: str
    transparent: tuple[int, ...] = ()
    alpha: Pixels | None = None
    upright: bool = False

    @property
    def size(self) -> tuple[int, int]:
        return self.values.shape[0], self.values.shape[1]

    @property
    def space(self) -> str:
        return "GRAY" if self.values.ndim == 2 or self.mode == "LA" else "RGB"

    def band(self, rows: slice) -> Samples:
        values = self.values[rows]
        pixels = narrowed(values, 16)
        if pixels.ndim == 2 or pixels.shape[2] == 3:
            alpha = _all_but(values, self.transparent) if self.transparent else self._alpha(rows)
            return Samples(pixels, self.space, alpha, self.upright, deep=None if pixels.ndim == 2 else values)
        split = _split_alpha(pixels, upright=False)
        if self.mode == "LA":
            return replace(split, planes=np.ascontiguousarray(split.planes[..., 0]), space="GRAY")
        return replace(split, deep=np.ascontiguousarray(values[..., :3]))

    def _alpha(self, rows: slice) -> Pixels | None:
        return None if self.alpha is None else self.alpha[rows]


@lru_cache(maxsize=8)
def _narrowing(bits: int) -> Pixels:
    white = 2**bits - 1
    values = np.arange(65536, dtype=np.uint64).clip(0, white)
    return ((values * 510 + white) // (2 * white)).astype(np.uint8)


def narrowed(values: npt.NDArray[Any], bits: int) -> Pixels:
    """Samples of up to 16 bits rounded to 8: v·255/(2^bits - 1)."""
    return _narrowing(bits)[values]
