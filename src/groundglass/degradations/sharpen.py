"""Over-sharpening: halos at edges, amplified noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from groundglass.degradations.settings import Pixels, as_bytes, within
from groundglass.libraries import cv2


@dataclass(frozen=True)
class Sharpen:
    """Unsharp masking.

    amount   how much of the difference to the blurred image is added, 0 to 20; neutral 0
    sigma    of the Gaussian blur, px, above 0 to 50: the width of the halos
    """

    amount: float = 0.0
    sigma: float = 1.5

    def __post_init__(self) -> None:
        within("amount", self.amount, 0, 20)
        within("sigma", self.sigma, 0.1, 50)


def sharpen(rgb: Pixels, settings: Sharpen, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    """x + a (x - G * x), rounded and clipped, borders mirrored."""
    if settings.amount == 0:
        return rgb.copy()

    values = rgb.astype(np.float32)
    blurred = cv2.GaussianBlur(values, (0, 0), settings.sigma, borderType=cv2.BORDER_REFLECT_101)
    return as_bytes(values + settings.amount * (values - blurred))
