"""GMSD: how unevenly two images differ in their gradients; of luma, and of colour over four scales."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from groundglass.libraries import cv2

Plane = NDArray[np.float64]

T = 170.0
"""The stabiliser c for levels 0 to 255 (Xue et al. 2014, section III.A)."""
SCALE_WEIGHTS = (0.096, 0.596, 0.289, 0.019)
"""The weight of each scale of MS-GMSDc, the finest first."""
ALPHA, BETA_1, BETA_2, BETA_3, T_COLOUR = 0.5, 0.01, 0.32, 15.0, 170.0
"""MS-GMSDc's share of the masking term, the weight of chroma, the shape of the mixture, and its stabiliser."""
_YIQ = np.array([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
LEAST = 8
"""Pixels that each side of the finest compared scale needs."""


def gmsd(reference: NDArray[Any], restored: NDArray[Any]) -> float:
    """Gradient magnitude similarity deviation of two planes H×W of levels 0 to 255; 0 for equal, lower is better.

    Xue, Zhang, Mou, Bovik, Gradient Magnitude Similarity Deviation, IEEE TIP 2014, equations 2 to 6: both planes are
    averaged over 2 × 2 px and reduced by 2; their Prewitt gradients are compared at each place, and the result is the
    standard deviation of the similarities. Edges and divisor are those of the authors' code. Raises ValueError if the
    shapes differ or a side is under 16 px.

    >>> ramp = np.arange(256.0).reshape(16, 16)
    >>> gmsd(ramp, ramp)
    0.0
    """
    _check(reference, restored, 2 * LEAST)
    x, y = (_averaged(np.asarray(plane, np.float64))[::2, ::2] for plane in (reference, restored))
    gx, gy = _gradient(x), _gradient(y)
    return float(((2 * gx * gy + T) / (gx**2 + gy**2 + T)).std(ddof=1))


def ms_gmsd_c(reference: NDArray[Any], restored: NDArray[Any]) -> float:
    """GMSD of colour over four scales, of two images H×W×3 of levels 0 to 255; 0 for equal images, lower is better.

    Zhang, Sun, Cheng, Gradient magnitude similarity deviation on multiple scales for color image quality assessment,
    ICASSP 2017: of Y, the similarities of four scales with a masking term; of I and Q (YIQ), the root mean square
    difference, which counts the more the less the gradients differ. Raises ValueError if the shapes differ or a side
    is under 64 px.

    >>> image = np.arange(64.0 * 64 * 3).reshape(64, 64, 3) % 251
    >>> ms_gmsd_c(image, image) < 1e-9
    True
    """
    _check(reference, restored, LEAST * 2 ** (len(SCALE_WEIGHTS) - 1))
    x, y = (np.asarray(image, np.float64) @ _YIQ.T for image in (reference, restored))
    chroma = float(np.sqrt(np.mean((x[..., 1:] - y[..., 1:]) ** 2, axis=(0, 1)).sum()))
    x, y = x[..., 0], y[..., 0]
    total = 0.0
    for scale, weight in enumerate(SCALE_WEIGHTS):
        if scale:
            x, y = (_averaged(plane)[::2, ::2] for plane in (x, y))
        gx, gy = _gradient(x), _gradient(y)
        similar = ((2 - ALPHA) * gx * gy + T_COLOUR) / (gx**2 + gy**2 - ALPHA * gx * gy + T_COLOUR)
        total += weight * float(similar.var())
    luma = np.sqrt(total)
    share = 2 / (1 + BETA_2 * np.exp(-BETA_3 * luma)) - 1
    return float(share * luma + (1 - share) * BETA_1 * chroma)


def _check(one: NDArray[Any], other: NDArray[Any], least: int) -> None:
    if one.shape != other.shape:
        raise ValueError(f"images of different shape: {one.shape} and {other.shape}")
    if min(one.shape[:2]) < least:
        raise ValueError(f"GMSD needs {least} px on each side, not {min(one.shape[:2])}")


def _averaged(plane: Plane) -> Plane:
    """The mean of 2 × 2 px, at every place, as the authors' conv2: beyond the edges there is black."""
    return cast(Plane, cv2.blur(plane, (2, 2), anchor=(0, 0), borderType=cv2.BORDER_CONSTANT))


def _gradient(plane: Plane) -> Plane:
    """The magnitude of Prewitt's gradient, a third of the sums; beyond the edges there is black, as in conv2."""
    rows = np.array([1.0, 1.0, 1.0]) / 3
    step = np.array([1.0, 0.0, -1.0])
    horizontal = cv2.sepFilter2D(plane, cv2.CV_64F, step, rows, borderType=cv2.BORDER_CONSTANT)
    vertical = cv2.sepFilter2D(plane, cv2.CV_64F, rows, step, borderType=cv2.BORDER_CONSTANT)
    return cast(Plane, np.sqrt(horizontal**2 + vertical**2))
