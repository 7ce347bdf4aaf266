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


@dataclass(frozen=True)
class MaskedSharpen:
    """Unsharp masking near strong edges only, as Real-ESRGAN sharpens its ground truth.

    amount      how much of the difference to the blurred image is added, 0 to 10; neutral 0
    sigma       of the Gaussian blur, px, 0.3 to 50; Real-ESRGAN's radius of 50 is 8
    threshold   a difference that counts as an edge, grey levels, 0 to 255
    """

    amount: float = 0.0
    sigma: float = 8.0
    threshold: float = 10.0

    def __post_init__(self) -> None:
        within("amount", self.amount, 0, 10)
        within("sigma", self.sigma, 0.3, 50)
        within("threshold", self.threshold, 0, 255)


def sharpen(rgb: Pixels, settings: Sharpen, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    """x + a (x - G * x), rounded and clipped, borders mirrored."""
    if settings.amount == 0:
        return rgb.copy()

    values = rgb.astype(np.float32)
    blurred = cv2.GaussianBlur(values, (0, 0), settings.sigma, borderType=cv2.BORDER_REFLECT_101)
    return as_bytes(values + settings.amount * (values - blurred))


def masked_sharpen(rgb: Pixels, settings: MaskedSharpen, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    """m s + (1 - m) x: s is x + a (x - G * x), clipped; m is G * (|x - G * x| > threshold)."""
    if settings.amount == 0:
        return rgb.copy()

    side = 2 * max(1, round(3.125 * settings.sigma)) + 1
    values = rgb.astype(np.float32)
    blurred = cv2.GaussianBlur(values, (side, side), settings.sigma, borderType=cv2.BORDER_REFLECT_101)
    rest = values - blurred
    edges = (np.abs(rest) > settings.threshold).astype(np.float32)
    mask = cv2.GaussianBlur(edges, (side, side), settings.sigma, borderType=cv2.BORDER_REFLECT_101)
    sharp = np.clip(values + settings.amount * rest, 0, 255)
    return as_bytes(values + mask * (sharp - values))
