"""How the colours of one image of a pair differ from the other's: the cast, and the map that takes it away."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from groundglass.libraries import cv2

Image = NDArray[np.float32]

CAST_BLUR = 2.0
"""Standard deviation, px of LQ: light and colour are compared, not detail."""
KEPT = 0.8
"""Share of the pixels, those with the least error, that the second fit uses."""
ROUNDS = 3


class Cast(NamedTuple):
    """The median difference HQ − LQ in CIELAB (D65): ΔE (CIE76), and its parts."""

    delta_e: float
    lightness: float
    a: float
    b: float


def colour_cast(lq: NDArray[Any], reduced: NDArray[Any]) -> Cast:
    """The colour cast of HQ against LQ. Both H×W×3 of one size, levels 0 to 255; HQ aligned and reduced by area.

    Both are blurred by a Gaussian of 2 px in CIELAB; the cast is the length of the median differences, ΔE of CIE76; 0
    is none, 2.3 is just visible.

    >>> grey = np.full((32, 32, 3), 128.0, np.float32)
    >>> round(colour_cast(grey, grey + 26).delta_e, 1)
    10.0
    """
    one, other = (cv2.GaussianBlur(lab(image), (0, 0), CAST_BLUR) for image in (lq, reduced))
    lightness, a, b = (float(np.median(other[..., n] - one[..., n])) for n in range(3))
    return Cast(float(np.sqrt(lightness**2 + a**2 + b**2)), lightness, a, b)


def lab(rgb: NDArray[Any]) -> Image:
    """CIELAB (D65) of sRGB levels 0 to 255: L 0 to 100."""
    return cast(Image, cv2.cvtColor(np.clip(rgb, 0, 255).astype(np.float32) / 255, cv2.COLOR_RGB2Lab))


def colour_map(source: NDArray[Any], target: NDArray[Any]) -> NDArray[np.float64]:
    """The 4×3 map of colours (r, g, b, 1) that takes ``source`` closest to ``target``, by trimmed least squares.

    Both are N×3. Least squares over all pixels, then three times over the 80 % with the least error: a patch that
    exists on one side only does not bend the map (Rousseeuw 1984, least trimmed squares). If the colours do
    not span three directions, the map stays near no change.

    >>> colours = np.random.default_rng(0).uniform(0, 255, (500, 3))
    >>> colour_map(colours, colours * 0.5 + 10).round(3)[[0, 3]]
    array([[ 0.5,  0. ,  0. ],
           [10. , 10. , 10. ]])
    """
    wide = np.column_stack((source, np.ones(len(source)))).astype(np.float64)
    kept = np.ones(len(wide), bool)
    fit = np.zeros((4, 3))
    for _ in range(ROUNDS + 1):
        some, wanted = wide[kept], np.asarray(target, np.float64)[kept]
        # A little towards no change: a grey image leaves the map of its colours open.
        ridge = 1e-4 * len(some) * np.diag([1.0, 1, 1, 0])
        same = np.vstack((np.eye(3), np.zeros(3)))
        squares = some.T @ some + ridge + 1e-9 * np.eye(4)
        fit = np.linalg.solve(squares, some.T @ wanted + ridge @ same).astype(np.float64)
        error = np.square(wide @ fit - target).sum(axis=1)
        kept = error <= np.quantile(error, KEPT)
    return fit


def mapped(image: NDArray[Any], colours: NDArray[np.float64]) -> Image:
    """An image H×W×3 with its colours mapped."""
    return (image.astype(np.float32) @ colours[:3].astype(np.float32) + colours[3].astype(np.float32)).astype(
        np.float32
    )


def colour_residual(lq: NDArray[Any], fitted: NDArray[Any]) -> float:
    """The median ΔE (CIE76) that the map leaves, both blurred by 2 px; lower is better.

    >>> grey = np.full((32, 32, 3), 128.0, np.float32)
    >>> colour_residual(grey, grey)
    0.0
    """
    one, other = (cv2.GaussianBlur(lab(image), (0, 0), CAST_BLUR) for image in (lq, fitted))
    return float(np.median(np.linalg.norm(one - other, axis=2)))
