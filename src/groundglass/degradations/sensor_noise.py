"""Noise as it comes out of cameras and film: correlated, dependent on the signal, coloured by a high ISO."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from groundglass.degradations.light import from_linear, to_linear
from groundglass.degradations.noise import seed_opencv
from groundglass.degradations.settings import Pixels, within
from groundglass.libraries import cv2


@dataclass(frozen=True)
class CorrelatedNoise:
    """Noise after demosaicing: neighbours and channels have a part of it in common.

    sigma    standard deviation, grey levels, 0 to 128; neutral 0
    length   of the correlation: standard deviation of the Gaussian that smooths white noise, px, 0.3 to 20
    common   share of the variance that all channels have in common, 0 (colour) to 1 (grey)
    """

    sigma: float = 0.0
    length: float = 1.0
    common: float = 0.3

    def __post_init__(self) -> None:
        within("sigma", self.sigma, 0, 128)
        within("length", self.length, 0.3, 20)
        within("common", self.common, 0, 1)


@dataclass(frozen=True)
class SignalNoise:
    """Noise that grows with the signal: variance = read² + shot x (Foi et al. 2008), x in grey levels.

    shot   variance for each grey level, 0 to 20; neutral 0
    read   standard deviation in the dark, grey levels, 0 to 128; neutral 0
    """

    shot: float = 0.0
    read: float = 0.0

    def __post_init__(self) -> None:
        within("shot", self.shot, 0, 20)
        within("read", self.read, 0, 128)


@dataclass(frozen=True)
class IsoNoise:
    """A small sensor at a high ISO: photon and read noise in linear light, and blotches of colour.

    iso       sensitivity, 0 to 204,800; noise at 100 is hardly visible; neutral 0
    blotches  deviation of the blotches over that of the noise, 0 to 2
    size      of a blotch, px, 1 to 30
    """

    iso: float = 0.0
    blotches: float = 0.3
    size: float = 4.0

    def __post_init__(self) -> None:
        within("iso", self.iso, 0, 204_800)
        within("blotches", self.blotches, 0, 2)
        within("size", self.size, 1, 30)


@dataclass(frozen=True)
class FilmGrain:
    """Clumps of silver: grey, strongest in the mid-tones, weak in pure black and white.

    strength   standard deviation in the mid-tones, grey levels, 0 to 128; neutral 0
    size       of a grain: standard deviation of a Gaussian, px, 0.3 to 10
    colour     share of the variance that differs between the layers of a colour film, 0 to 1
    """

    strength: float = 0.0
    size: float = 0.8
    colour: float = 0.2

    def __post_init__(self) -> None:
        within("strength", self.strength, 0, 128)
        within("size", self.size, 0.3, 10)
        within("colour", self.colour, 0, 1)


def correlated_noise(rgb: Pixels, settings: CorrelatedNoise, random: np.random.Generator) -> Pixels:
    """x + n, rounded and clipped; n is Gaussian noise with the stated correlation in place and colour."""
    if settings.sigma == 0:
        return rgb.copy()
    noise = _mixed(rgb.shape[:2], settings.length, settings.common, random)
    return _sum(rgb, noise * np.float32(settings.sigma))


def signal_noise(rgb: Pixels, settings: SignalNoise, random: np.random.Generator) -> Pixels:
    """x + √(read² + shot x) n, n standard normal and white, rounded and clipped."""
    if settings.shot == 0 and settings.read == 0:
        return rgb.copy()
    deviation = np.sqrt(settings.read**2 + settings.shot * np.arange(256, dtype=np.float32))
    noise = white(rgb.shape, random)
    return _sum(rgb, noise * np.asarray(cv2.LUT(rgb, deviation.astype(np.float32))))


def iso_noise(rgb: Pixels, settings: IsoNoise, random: np.random.Generator) -> Pixels:
    """Linear light plus noise of variance g x + (2 g)², g = iso / 4 million, plus chroma noise of low frequency."""
    if settings.iso == 0:
        return rgb.copy()
    gain = settings.iso / 4e6
    light = to_linear(rgb)
    deviation = np.sqrt(np.float32(gain) * light + np.float32((2 * gain) ** 2))
    noise = white(rgb.shape, random)
    if settings.blotches:
        colour = _smoothed(white(rgb.shape, random), settings.size)
        # Without its mean over the channels, a blotch changes the colour and hardly the brightness.
        noise += np.float32(settings.blotches) * (colour - colour.mean(axis=2, keepdims=True))
    return from_linear(light + deviation * noise)


def film_grain(rgb: Pixels, settings: FilmGrain, random: np.random.Generator) -> Pixels:
    """x + s 2 √(x (1 - x)) n with x from 0 to 1; n is smoothed noise of deviation 1."""
    if settings.strength == 0:
        return rgb.copy()
    x = np.arange(256) / 255
    curve = (settings.strength * 2 * np.sqrt(x * (1 - x))).astype(np.float32)
    noise = _mixed(rgb.shape[:2], settings.size, 1 - settings.colour, random)
    return _sum(rgb, noise * np.asarray(cv2.LUT(rgb, curve)))


def white(shape: tuple[int, ...], random: np.random.Generator) -> npt.NDArray[np.float32]:
    """White normal noise of deviation 1.

    >>> white((64, 64, 3), np.random.default_rng(0)).std().round(1)
    np.float32(1.0)
    """
    noise = np.empty(shape, np.float32)
    seed_opencv(random)
    cv2.randn(noise, np.zeros((4, 1)), np.ones((4, 1)))
    return noise


def _mixed(
    shape: tuple[int, ...], size: float, common: float, random: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Smoothed noise H×W×3 of deviation 1; ``common`` of its variance is the same in all channels."""
    grey, colour = (_smoothed(white((*shape, n), random), size) for n in (1, 3))
    mixed = np.float32(common**0.5) * grey + np.float32((1 - common) ** 0.5) * colour
    return np.asarray(mixed, np.float32)


def _smoothed(noise: npt.NDArray[np.float32], size: float) -> npt.NDArray[np.float32]:
    """Noise after a Gaussian of this deviation, brought back to deviation 1."""
    side = 2 * max(1, round(4 * size)) + 1
    line = cv2.getGaussianKernel(side, size, cv2.CV_32F)
    smooth = np.asarray(cv2.sepFilter2D(noise, -1, line, line, borderType=cv2.BORDER_REFLECT))
    # Independent values of deviation 1, weighted with w, have the deviation |w|; the 2-D kernel is an outer product.
    return smooth.reshape(noise.shape) / np.float32((line**2).sum())


def _sum(rgb: Pixels, noise: npt.NDArray[np.float32]) -> Pixels:
    return np.asarray(cv2.add(rgb, noise, dtype=cv2.CV_8U), np.uint8)
