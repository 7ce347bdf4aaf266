"""The blur kernels of Real-ESRGAN (Wang et al. 2021, section 3.1): Gaussian in six shapes, and the sinc filter."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import pi
from typing import Literal

import numpy as np
import numpy.typing as npt

from groundglass.degradations.blur import convolved
from groundglass.degradations.settings import Pixels, within
from groundglass.errors import RecipeError
from groundglass.libraries import cv2, special

Shape = Literal["gaussian", "generalised", "plateau"]
SHAPES: tuple[Shape, ...] = ("gaussian", "generalised", "plateau")


@dataclass(frozen=True)
class KernelBlur:
    """Softness of a stated shape, the same in all directions or not.

    sigma_x   standard deviation along the first axis, px, 0 to 30; neutral 0
    sigma_y   the same along the second axis; None: as the first (isotropic)
    angle     of the first axis, degrees from the horizontal
    shape     gaussian: exp(-d/2); generalised: exp(-d^beta/2); plateau: 1/(1 + d^beta); d is Mahalanobis' distance²
    beta      exponent of the two other shapes, 0.1 to 10
    side      of the square kernel, px, odd, 3 to 101
    """

    sigma_x: float = 0.0
    sigma_y: float | None = None
    angle: float = 0.0
    shape: Shape = "gaussian"
    beta: float = 1.0
    side: int = 21

    def __post_init__(self) -> None:
        within("sigma_x", self.sigma_x, 0, 30)
        within("sigma_y", self.sigma_x if self.sigma_y is None else self.sigma_y, 0, 30)
        within("beta", self.beta, 0.1, 10)
        _check_side(self.side)
        if self.shape not in SHAPES:
            raise RecipeError(f"shape is {self.shape!r}, but must be one of {', '.join(SHAPES)}")
        if self.sigma_x > 0 and self.sigma_y == 0:
            raise RecipeError("sigma_y is 0, but must be above 0 where sigma_x is")


@dataclass(frozen=True)
class Sinc:
    """An ideal low-pass filter that is cut off: ringing and overshoot along edges.

    cutoff   highest frequency that passes, radians per px, 0.3 to 3.15 (π); neutral None
    side     of the square kernel, px, odd, 3 to 101
    """

    cutoff: float | None = None
    side: int = 21

    def __post_init__(self) -> None:
        within("cutoff", pi if self.cutoff is None else self.cutoff, 0.3, 3.15)
        _check_side(self.side)


def kernel_blur(rgb: Pixels, settings: KernelBlur, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    """The image convolved with the kernel, borders mirrored."""
    s = settings
    if s.sigma_x == 0:
        return rgb.copy()
    if s.shape == "gaussian" and s.sigma_y in (None, s.sigma_x):
        # Separable: the same weights in 2 n instead of n² products.
        blurred = cv2.GaussianBlur(rgb, (s.side, s.side), s.sigma_x, borderType=cv2.BORDER_REFLECT_101)
        return np.asarray(blurred, np.uint8)
    sigma_y = s.sigma_x if s.sigma_y is None else s.sigma_y
    return convolved(rgb, kernel(s.sigma_x, sigma_y, s.angle, s.shape, s.beta, s.side))


def sinc(rgb: Pixels, settings: Sinc, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    """The image convolved with the sinc kernel, borders mirrored, rounded and clipped."""
    return rgb.copy() if settings.cutoff is None else convolved(rgb, low_pass(settings.cutoff, settings.side))


def kernel(
    sigma_x: float, sigma_y: float, angle: float, shape: Shape, beta: float, side: int
) -> npt.NDArray[np.float64]:
    """Weights side × side; the sum is 1.

    >>> kernel(1, 1, 0, "gaussian", 1, 3).round(3)[1].tolist()
    [0.124, 0.204, 0.124]
    """
    rows, columns = _places(side)
    turn = np.deg2rad(angle)
    along = np.cos(turn) * columns + np.sin(turn) * rows
    across = np.cos(turn) * rows - np.sin(turn) * columns
    distance = (along / sigma_x) ** 2 + (across / sigma_y) ** 2
    if shape == "plateau":
        weights = 1 / (1 + distance**beta)
    else:
        weights = np.exp(-0.5 * (distance**beta if shape == "generalised" else distance))
    return weights / weights.sum()


@lru_cache(maxsize=64)
def low_pass(cutoff: float, side: int) -> npt.NDArray[np.float64]:
    """Weights of the circular low-pass filter ω J₁(ω r) / (2 π r), cut to side × side; the sum is 1.

    >>> bool(low_pass(1.5, 9).min() < 0)
    True
    """
    r = np.hypot(*_places(side))
    safe = np.where(r == 0, 1, r)
    weights = np.where(r == 0, cutoff**2 / (4 * pi), cutoff * special.j1(cutoff * safe) / (2 * pi * safe))
    return weights / weights.sum()


@lru_cache(maxsize=64)
def _places(side: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The rows and columns of a kernel's weights, counted from its middle; nobody may write into them."""
    rows, columns = np.mgrid[:side, :side] - float(side // 2)
    rows.flags.writeable = columns.flags.writeable = False
    return rows, columns


def _check_side(side: int) -> None:
    within("side", side, 3, 101)
    if side % 2 == 0:
        raise RecipeError(f"side is {side}, but must be odd")
