"""Resizing: false resolution, and copies in another size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from groundglass.degradations.settings import Pixels, within
from groundglass.image.resize import resize

Interpolation = Literal["matlab_bicubic", "lanczos"]


@dataclass(frozen=True)
class FalseResolution:
    """Upscaled from a smaller image: the pixels are there, the detail is not.

    factor   how many times smaller it was, 1 to 16; neutral 1
    kernel   of `groundglass.image.resize`, for both directions
    """

    factor: float = 1.0
    kernel: Interpolation = "matlab_bicubic"

    def __post_init__(self) -> None:
        within("factor", self.factor, 1, 16)


@dataclass(frozen=True)
class Scale:
    """Another size, the same shape: with `Crop` the only distortion that changes width and height.

    factor   new side over old side, 0.05 to 8; neutral 1
    kernel   of `groundglass.image.resize`
    """

    factor: float = 1.0
    kernel: Interpolation = "lanczos"

    def __post_init__(self) -> None:
        within("factor", self.factor, 0.05, 8)


def false_resolution(rgb: Pixels, settings: FalseResolution, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    """Reduced by ``factor``, then brought back to its size; a side never falls below 1 px."""
    height, width = rgb.shape[:2]
    small = scaled(rgb, 1 / settings.factor, settings.kernel)

    return np.asarray(resize(small, width, height, settings.kernel), np.uint8)


def scale(rgb: Pixels, settings: Scale, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    """The image at another size."""
    return scaled(rgb, settings.factor, settings.kernel)


def scaled(rgb: Pixels, factor: float, kernel: Interpolation) -> Pixels:
    """Both sides times ``factor``, rounded, at least 1 px."""
    height, width = (max(1, round(side * factor)) for side in rgb.shape[:2])
    return np.asarray(resize(rgb, width, height, kernel), np.uint8)
