"""Perceptual hashes: the signs of an image's 64 lowest frequencies, alike for copies of any size or format."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from groundglass.errors import NoValue
from groundglass.libraries import njit

Luma = npt.NDArray[np.uint8]
SIDE = 32
"""An image is averaged to this many cells per side."""
DETAIL = 16
"""An image's detail has this many cells per side."""
AROUND = 2
"""A cell's neighbourhood reaches this many cells in each direction."""
PLAIN = 1.0
"""If cells deviate less than this from their neighbourhoods, in grey levels, an image has no detail to compare."""
DIGITS = "".join(map(chr, (*range(65, 91), *range(97, 123), *range(48, 58), 43, 47)))
"""Base64's digits, for the numbers -32 to 31."""
STILL = 1.0
"""Coefficients up to this, in grey levels of the orthonormal DCT, count as 0, because noise has that size."""


def area_means(luma: Luma, side: int = SIDE) -> npt.NDArray[np.float64]:
    """Mean of H×W uint8 ``luma`` in each of side×side equal cells; pixels on a border are split.

    >>> area_means(np.array([[0, 30, 60]], np.uint8), 2)
    array([[10., 50.],
           [10., 50.]])
    """
    return _area_means(np.ascontiguousarray(luma), side)


def waves(means: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The 11×11 lowest-frequency coefficients of the orthonormal DCT-II of `area_means`; [down, across]."""
    return _BASIS @ means @ _BASIS.T


def hash_of(coefficients: npt.NDArray[np.float64]) -> int:
    """64 bits, one for each of `PLACES`: whether that coefficient is above `STILL`."""
    # Not above 0: a coefficient near 0 has a random sign, and copies would differ.
    bits = coefficients[PLACES] > STILL
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def mirrored(coefficients: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The coefficients of the image mirrored left to right: odd frequencies across change their sign."""
    return coefficients * _ALTERNATING


def flipped(coefficients: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The coefficients of the image flipped upside down: odd frequencies down change their sign."""
    return mirrored(coefficients.T).T


def detail(means: npt.NDArray[np.float64]) -> str | None:
    """The detail in 16×16 cells beyond the low frequencies: 256 `DIGITS`, row by row, or None if there is almost none.

    Each cell minus the mean of its 5×5 neighbourhood, as signed square roots scaled to deviation 10, so that one hard
    edge does not outweigh all other cells. The image is continued linearly beyond its border, so that a smooth
    gradient is not detail anywhere. ``means`` are those of `area_means`.
    """
    cells = means.reshape(DETAIL, SIDE // DETAIL, DETAIL, SIDE // DETAIL).mean(axis=(1, 3))
    wide = np.pad(cells, AROUND, mode="reflect", reflect_type="odd")
    size = (2 * AROUND + 1, 2 * AROUND + 1)
    rough = cells - np.lib.stride_tricks.sliding_window_view(wide, size).mean(axis=(2, 3))
    # Scaling noise to full strength would make any two plain images look different.
    if rough.std() < PLAIN:
        return None
    values = np.sign(rough) * np.sqrt(np.abs(rough))
    digits = np.round(values * (10 / values.std())).clip(-32, 31).astype(np.int64) + 32
    return "".join(DIGITS[digit] for digit in digits.ravel())


def phash(luma: Luma) -> tuple[int, int, int, str | None]:
    """The hashes of H×W uint8 ``luma`` unchanged, mirrored and upside down, 0 to 2⁶⁴ - 1; and its `detail`.

    Raises NoValue ``flat`` for an image without any low frequency.
    """
    means = area_means(luma)
    coefficients = waves(means)
    if np.abs(coefficients[PLACES]).max() <= STILL:
        raise NoValue("flat", "no low frequency to recognise this image by")
    mirror, upside_down = hash_of(mirrored(coefficients)), hash_of(flipped(coefficients))
    return hash_of(coefficients), mirror, upside_down, detail(means)


def _places() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The 64 lowest frequencies (i down, j across): 1 <= i + j <= 10, without (5, 5), which would be the 65th."""
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
    """The part of a pixel between two borders."""
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
