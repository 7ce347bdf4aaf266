"""Blur: a lens, a moving camera, a wrong focus."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from groundglass.degradations.settings import Pixels, within
from groundglass.libraries import cv2


@dataclass(frozen=True)
class GaussianBlur:
    """Softness in all directions.

    sigma   standard deviation, px, 0 to 100; neutral 0
    """

    sigma: float = 0.0

    def __post_init__(self) -> None:
        within("sigma", self.sigma, 0, 100)


@dataclass(frozen=True)
class MotionBlur:
    """The camera moved in a straight line while the shutter was open.

    length   of the path, px, 1 (a point) to 500; neutral 1
    angle    of the path, degrees from the horizontal; None draws one at random
    """

    length: float = 1.0
    angle: float | None = None

    def __post_init__(self) -> None:
        within("length", self.length, 1, 500)


@dataclass(frozen=True)
class Defocus:
    """Every point becomes a disc.

    radius   of the disc, px, 0 to 100; neutral 0
    """

    radius: float = 0.0

    def __post_init__(self) -> None:
        within("radius", self.radius, 0, 100)


def gaussian_blur(rgb: Pixels, settings: GaussianBlur, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    """The image convolved with a Gaussian cut at four standard deviations, borders mirrored."""
    if settings.sigma == 0:
        return rgb.copy()

    side = 2 * max(1, round(4 * settings.sigma)) + 1
    blurred = cv2.GaussianBlur(rgb, (side, side), settings.sigma, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(blurred, np.uint8)


def motion_blur(rgb: Pixels, settings: MotionBlur, random: np.random.Generator) -> Pixels:
    """The mean of the image along a line, borders mirrored."""
    # Drawn even where it is not used, so that the stream continues equally for any length.
    angle = random.uniform(0, 180) if settings.angle is None else settings.angle
    return rgb.copy() if settings.length == 1 else convolved(rgb, line(settings.length, angle))


def defocus(rgb: Pixels, settings: Defocus, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    """The mean of the image under a disc, borders mirrored."""
    return rgb.copy() if settings.radius == 0 else convolved(rgb, disc(settings.radius))


def line(length: float, angle: float) -> npt.NDArray[np.float64]:
    """Weights of a line through the middle, its points spread over the four nearest cells; the sum is 1.

    >>> line(3, 0).round(2)[1].tolist()
    [0.26, 0.49, 0.26]
    """
    # Rounded, because sin(180°) comes out as 1e-16 and `floor` would then step one cell aside.
    reach = int(np.ceil((length - 1) / 2))
    weights = np.zeros((2 * reach + 2, 2 * reach + 2))
    along = np.linspace(-(length - 1) / 2, (length - 1) / 2, 16 * int(np.ceil(length)))
    y = reach + np.sin(np.deg2rad(angle)).round(9) * along
    x = reach + np.cos(np.deg2rad(angle)).round(9) * along
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    for down, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
        share = np.abs(1 - down - (y - top)) * np.abs(1 - right - (x - left))
        np.add.at(weights, (top + down, left + right), share)
    weights = weights[: 2 * reach + 1, : 2 * reach + 1]
    return weights / weights.sum()


def disc(radius: float) -> npt.NDArray[np.float64]:
    """Weights of a disc with soft rims; the sum is 1.

    >>> disc(1).round(2).tolist()[1]
    [0.15, 0.3, 0.15]
    """
    reach = int(np.ceil(radius))
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    weights = np.clip(radius + 0.5 - np.hypot(rows, columns), 0, 1)
    return weights / weights.sum()


def convolved(rgb: Pixels, weights: npt.NDArray[np.float64]) -> Pixels:
    """The image under a kernel, borders mirrored, rounded and clipped."""
    return np.asarray(cv2.filter2D(rgb, -1, weights, borderType=cv2.BORDER_REFLECT_101), np.uint8)
