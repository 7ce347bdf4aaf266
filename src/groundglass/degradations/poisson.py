"""Poisson noise as Real-ESRGAN adds it, in colour or grey."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from groundglass.degradations.noise import seed_opencv
from groundglass.degradations.settings import Pixels, within
from groundglass.libraries import cv2

_EXACT_BELOW = 12.0
"""Photons from which the normal distribution with a term for its skewness replaces the exact one."""


@dataclass(frozen=True)
class PoissonNoise:
    """The photon noise of a sensor that counts ``levels`` photons at white, amplified.

    scale    how many times the noise is amplified, 0 to 10; neutral 0
    levels   photons at white, 2 to 65,536; Real-ESRGAN takes the next power of 2 of the image's number of values
    grey     the noise of the image's luma, the same in all channels; else independent
    """

    scale: float = 0.0
    levels: int = 256
    grey: bool = False

    def __post_init__(self) -> None:
        within("scale", self.scale, 0, 10)
        within("levels", self.levels, 2, 65_536)


def poisson_noise(rgb: Pixels, settings: PoissonNoise, random: np.random.Generator) -> Pixels:
    """x + s (k 255/L - x), k of the Poisson distribution with the mean x L/255, rounded and clipped."""
    if settings.scale == 0:
        return rgb.copy()
    light = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8) if settings.grey else rgb
    unit = settings.scale * 255 / settings.levels
    noise = _noise(light, settings.levels, unit, random)
    if settings.grey:
        noise = np.asarray(cv2.merge([noise] * 3))
    return np.asarray(cv2.addWeighted(rgb, 1, noise, 1, -unit / 6, dtype=cv2.CV_8U), np.uint8)


def _noise(light: Pixels, levels: int, unit: float, random: np.random.Generator) -> npt.NDArray[np.float32]:
    """(k - λ + 1/6) u for each value, λ = x L/255 and u = s 255/L; the addition to the image subtracts u/6."""
    mean = np.arange(256, dtype=np.float32) * np.float32(levels / 255)
    z = np.empty(light.shape, np.float32)
    seed_opencv(random)
    cv2.randn(z, np.zeros((4, 1)), np.ones((4, 1)))
    # Cornish and Fisher's quantile: λ + √λ z + (z² - 1)/6; from 12 photons on, its distribution is within .0012.
    slope = cv2.scaleAdd(z, 1 / 6, np.asarray(cv2.LUT(light, np.sqrt(mean))))
    noise = np.asarray(cv2.multiply(z, slope, dst=z, scale=unit), np.float32)
    dark = np.flatnonzero(light < int(np.ceil(_EXACT_BELOW * 255 / levels)))
    if len(dark):
        few = mean[light.reshape(-1)[dark]]
        noise.reshape(-1)[dark] = (random.poisson(few) - few + np.float32(1 / 6)) * np.float32(unit)
    return noise


def photon_levels(rgb: Pixels) -> int:
    """The next power of 2 of the number of different values in the image, as Real-ESRGAN counts photons.

    >>> photon_levels(np.arange(100, dtype=np.uint8).reshape(10, 10))
    128
    """
    counts = cv2.calcHist([np.ascontiguousarray(rgb).reshape(len(rgb), -1)], [0], None, [256], [0, 256])
    present = int(np.count_nonzero(counts))
    return max(2, 1 << (present - 1).bit_length())
