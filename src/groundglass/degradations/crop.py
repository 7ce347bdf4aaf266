"""Cropping, and the reverse: an image pasted somewhere into a larger one."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from groundglass.degradations.resize import scaled
from groundglass.degradations.settings import Pixels, within


@dataclass(frozen=True)
class Crop:
    """A part of the image at a random place, of the same shape.

    area   the part's share of the image's area, 0.01 to 1; neutral 1
    """

    area: float = 1.0

    def __post_init__(self) -> None:
        within("area", self.area, 0.01, 1)


def crop(rgb: Pixels, settings: Crop, random: np.random.Generator) -> Pixels:
    """The part that is left; a side never falls below 1 px."""
    height, width = (max(1, round(side * sqrt(settings.area))) for side in rgb.shape[:2])
    top, left = _place((height, width), rgb, random)
    return rgb[top : top + height, left : left + width].copy()


def lay_into(background: Pixels, rgb: Pixels, area: float, random: np.random.Generator) -> Pixels:
    """``rgb`` pasted at a random place of ``background``, covering about this share of it (0 to 1) and fitting inside.

    Both are H×W×3 uint8; neither is changed. The result has the background's size.

    >>> grey, white = np.full((40, 80, 3), 90, np.uint8), np.full((20, 20, 3), 255, np.uint8)
    >>> made = lay_into(grey, white, 0.125, np.random.default_rng(0))
    >>> made.shape, float((made == 255).mean())
    ((40, 80, 3), 0.125)
    """
    height, width = background.shape[:2]
    factor = sqrt(area * height * width / (rgb.shape[0] * rgb.shape[1]))
    factor = min(factor, height / rgb.shape[0], width / rgb.shape[1])
    part = scaled(rgb, factor, "lanczos")[:height, :width]
    top, left = _place(part.shape[:2], background, random)
    made = background.copy()
    made[top : top + part.shape[0], left : left + part.shape[1]] = part
    return made


def _place(part: tuple[int, ...], whole: Pixels, random: np.random.Generator) -> tuple[int, int]:
    """Top and left of a part of this height and width, at a random place."""
    top, left = (int(random.integers(whole.shape[axis] - part[axis] + 1)) for axis in (0, 1))
    return top, left
