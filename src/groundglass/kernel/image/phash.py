"""Perceptual hashes: 64 signs of a picture's slowest waves, alike for copies whatever their size or format."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from groundglass.kernel.errors import NoValue

Luma = npt.NDArray[np.uint8]
SIDE = 32
"""Cells a side to which a picture is averaged."""
STILL = 1.0
"""Coefficients up to this, in grey levels of the orthonormal DCT, are taken as 0: there lies the noise."""


def area_means(luma: Luma, side: int = SIDE) -> npt.NDArray[np.float64]:
    """Mean of H×W uint8 ``luma`` in each of side×side equal cells; pixels on a border count in parts.

    >>> area_means(np.array([[0, 30, 60]], np.uint8), 2)
    array([[10., 50.],
           [10., 50.]])
    """
    return _area_means(np.ascontiguousarray(luma), side)


def waves(luma: Luma) -> npt.NDArray[np.float64]:
    """The 11×11 slowest coefficients of the orthonormal DCT-II of `area_means`; [down, across]."""
    return _BASIS @ area_means(luma) @ _BASIS.T


def hash_of(coefficients: npt.NDArray[np.float64]) -> int:
    """64 bits, one for each of `PLACES`: whether that coefficient is above `STILL`."""
    bits = coefficients[PLACES] > STILL
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def mirrored(coefficients: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The coefficients of the picture flipped left to right: odd waves across change their sign."""
    return coefficients * _ALTERNATING


def phash(luma: Luma) -> tuple[int, int]:
    """The hash of H×W uint8 ``luma`` and of its mirror image, 0 to 2⁶⁴ - 1.

    Raises NoValue ``flat`` for a picture without any slow wave.
    """
    coefficients = waves(luma)
    if np.abs(coefficients[PLACES]).max() <= STILL:
        raise NoValue("flat", "no slow wave to tell this picture by")
    return hash_of(coefficients), hash_of(mirrored(coefficients))


def _places() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The 64 slowest waves (i down, j across): 1 <= i + j <= 10, without (5, 5)."""
    slow = sorted(
        (i + j, i, j) for i in range(11) for j in range(11) if 1 <= i + j <= 10 and (i, j) != (5, 5)
    )
    return np.array([i for _, i, _ in slow]), np.array([j for _, _, j in slow])


PLACES = _places()
_k, _n = np.arange(11)[:, None], np.arange(SIDE)
_BASIS = np.sqrt(np.where(_k == 0, 1, 2) / SIDE) * np.cos((2 * _n + 1) * _k * np.pi / (2 * SIDE))
_ALTERNATING = (-1.0) ** np.arange(11)


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _add_row(luma: Any, y: int, weight: Any, sums: Any) -> None:
    row = np.uintp(y)
    for x in range(np.uintp(sums.size)):
        sums[x] += weight * np.float32(luma[row, x])


@njit(cache=True, nogil=True, error_model="numpy")
def _overlap(pixel: int, start: float, stop: float) -> float:
    """How much of a pixel lies between two borders."""
    return min(stop, pixel + 1.0) - max(start, float(pixel))


@njit(cache=True, nogil=True, error_model="numpy")
def _area_means(luma: Any, side: int) -> Any:
    height, width = luma.shape
    means = np.zeros((side, side))
    sums = np.empty(width, np.float32)
    down, across = height / side, width / side
    for i in range(side):
        sums[:] = 0
        for y in range(int(i * down), min(height, int(np.ceil((i + 1) * down)))):
            _add_row(luma, y, np.float32(_overlap(y, i * down, (i + 1) * down)), sums)
        for j in range(side):
            for x in range(int(j * across), min(width, int(np.ceil((j + 1) * across)))):
                means[i, j] += _overlap(x, j * across, (j + 1) * across) * sums[x]
    return means / (down * across)
