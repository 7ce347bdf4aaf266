"""Resizing: false resolution, and copies in another size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from groundglass.degradations.settings import Pixels, within
from groundglass.errors import RecipeError
from groundglass.image.resize import resize
from groundglass.libraries import cv2

Interpolation = Literal["matlab_bicubic", "lanczos"]
TrainersKernel = Literal["area", "bilinear", "bicubic", "nearest", "lanczos"]
TRAINERS_KERNELS: tuple[TrainersKernel, ...] = ("area", "bilinear", "bicubic", "nearest", "lanczos")


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


@dataclass(frozen=True)
class ResizeTo:
    """A stated size, by the kernels of trainers: without antialiasing, except for area.

    width    new width, px, 1 to 65,500; neutral None: as it is
    height   new height, px, 1 to 65,500; neutral None: as it is
    kernel   area (means), bilinear, bicubic (a = -3/4), nearest, lanczos (8 taps)
    """

    width: int | None = None
    height: int | None = None
    kernel: TrainersKernel = "area"

    def __post_init__(self) -> None:
        within("width", 1 if self.width is None else self.width, 1, 65_500)
        within("height", 1 if self.height is None else self.height, 1, 65_500)
        if self.kernel not in TRAINERS_KERNELS:
            raise RecipeError(f"kernel is {self.kernel!r}, but must be one of {', '.join(TRAINERS_KERNELS)}")


def resize_to(rgb: Pixels, settings: ResizeTo, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    """The image at the stated size. PyTorch's `interpolate` has the same bilinear and bicubic kernels."""
    height, width = rgb.shape[:2]
    size = settings.width or width, settings.height or height
    if size == (width, height):
        return rgb.copy()
    kernels = {
        "area": cv2.INTER_AREA,
        "bilinear": cv2.INTER_LINEAR,
        "bicubic": cv2.INTER_CUBIC,
        "nearest": cv2.INTER_NEAREST_EXACT,
        "lanczos": cv2.INTER_LANCZOS4,
    }
    return np.asarray(cv2.resize(rgb, size, interpolation=kernels[settings.kernel]), np.uint8)


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
