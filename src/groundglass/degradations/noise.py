"""Noise: of a sensor, of light itself, of film."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from groundglass.degradations.settings import Pixels, as_bytes, within
from groundglass.libraries import cv2


@dataclass(frozen=True)
class GaussianNoise:
    """Additive noise.

    sigma   standard deviation, grey levels, 0 to 128; neutral 0
    grey    the same in all channels, as film grain; else independent
    grain   size of a grain: standard deviation of a Gaussian that smooths the noise first, px, 0 to 10
    """

    sigma: float = 0.0
    grey: bool = False
    grain: float = 0.0

    def __post_init__(self) -> None:
        within("sigma", self.sigma, 0, 128)
        within("grain", self.grain, 0, 10)


@dataclass(frozen=True)
class ShotNoise:
    """Photons arrive one by one: the variance is proportional to the grey level.

    gain   variance of the noise at grey level v, in units of v: 0 to 100; neutral 0
    """

    gain: float = 0.0

    def __post_init__(self) -> None:
        within("gain", self.gain, 0, 100)


def gaussian_noise(rgb: Pixels, settings: GaussianNoise, random: np.random.Generator) -> Pixels:
    """x + n, n normal with the deviation ``sigma``, rounded and clipped."""
    if settings.sigma == 0:
        return rgb.copy()
    if settings.grain == 0:
        return plus_noise(rgb, settings.sigma, settings.grey, random)
    channels = 1 if settings.grey else rgb.shape[2]
    noise = random.standard_normal((*rgb.shape[:2], channels), dtype=np.float32)
    return as_bytes(rgb + settings.sigma * _grains(noise, settings.grain))


def plus_noise(rgb: Pixels, sigma: float, grey: bool, random: np.random.Generator) -> Pixels:
    """The image with white normal noise of this deviation, by OpenCV, which is faster than NumPy.

    >>> plus_noise(np.full((64, 64, 3), 128, np.uint8), 5, True, np.random.default_rng(0)).std().round()
    np.float64(5.0)
    """
    # Whole numbers are exact here: rounding x + n is x plus n rounded, because x is whole.
    noise = np.empty(rgb.shape[:2] if grey else rgb.shape, np.int16)
    seed_opencv(random)
    cv2.randn(noise, np.zeros((4, 1)), np.full((4, 1), float(sigma)))
    if grey:
        noise = cv2.merge([noise] * rgb.shape[2])
    return np.asarray(cv2.add(rgb, noise, dtype=cv2.CV_8U), np.uint8)


def seed_opencv(random: np.random.Generator) -> None:
    """Let the next numbers that OpenCV draws in this thread depend on our stream alone."""
    cv2.setRNGSeed(int(random.integers(1, 2**31)))


def shot_noise(rgb: Pixels, settings: ShotNoise, random: np.random.Generator) -> Pixels:
    """g · Poisson(x / g): of mean x and variance g x."""
    if settings.gain == 0:
        return rgb.copy()
    return as_bytes(settings.gain * random.poisson(rgb / settings.gain))


def _grains(noise: npt.NDArray[np.float32], size: float) -> npt.NDArray[np.float32]:
    """Noise with grains of this size; its deviation stays 1."""
    planes = [cv2.GaussianBlur(noise[:, :, c], (0, 0), size) for c in range(noise.shape[2])]
    smooth = np.stack(planes, axis=2)
    # Smoothing weakens noise; rescaled, so that `sigma` means the same with and without grain.
    return (smooth / max(float(smooth.std()), 1e-6)).astype(np.float32)
