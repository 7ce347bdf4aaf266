"""Passes over luma that several measures share: one reading of the pixels gives all edge statistics.

Written for the compiler's vectoriser: 16-bit differences, 32-bit sums over at most a patch's row, no branch
and no store inside the loop. Compiled once and cached beside the package.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from groundglass.libraries import njit

Luma = npt.NDArray[np.uint8]
PATCH = 240
"""Side of the patches for which the Sobel variance is kept, px. A patch row of the largest squares fits 32 bits."""

_i2, _i4, _f4 = np.int16, np.int32, np.float32


@dataclass(frozen=True)
class GradientSums:
    """Results of one pass over the edges of H×W luma. Borders are mirrored without the edge pixel.

    laplacian_variance  of the 4-neighbour Laplacian, as ``cv2.Laplacian(luma, cv2.CV_64F, ksize=1).var()``
    tenengrad           mean squared Sobel magnitude, G = Gx² + Gy² (3×3)
    gradient_energy     mean of squared differences to the next pixel right and below
    patch_variances     variance of the Sobel magnitude √G in every 240 px patch, row by row from the top
                        left; the rest at the right and the bottom gives smaller patches
    """

    laplacian_variance: float
    tenengrad: float
    gradient_energy: float
    patch_variances: npt.NDArray[np.float64]


def gradient_sums(luma: Luma) -> GradientSums:
    """One fused pass over H×W uint8 ``luma``.

    >>> sums = gradient_sums(np.tile(np.array([0, 0, 10, 10], np.uint8), (4, 1)))
    >>> sums.laplacian_variance, sums.tenengrad, sums.gradient_energy
    (50.0, 800.0, 25.0)
    """
    height, width = luma.shape
    whole, patches = _sums(np.ascontiguousarray(luma))
    count = height * width
    laplacian, laplacian2, sobel2, energy = (float(value) / count for value in whole)
    mean, mean2 = patches / _patch_sizes(height, width)
    return GradientSums(
        laplacian_variance=max(0.0, laplacian2 - laplacian**2),
        tenengrad=sobel2,
        gradient_energy=energy,
        patch_variances=np.maximum(0.0, mean2 - mean**2),
    )


def _patch_sizes(height: int, width: int) -> npt.NDArray[np.float64]:
    """Pixels in each patch."""
    rows = np.minimum(PATCH, height - np.arange(0, height, PATCH))
    columns = np.minimum(PATCH, width - np.arange(0, width, PATCH))
    return np.multiply.outer(rows, columns).astype(np.float64)


@njit(cache=True, nogil=True, error_model="numpy")
def _pad(luma: Any, y: int, row: Any) -> None:
    """One row of luma into ``row[1:-1]``, with the mirrored neighbour at both ends."""
    width = luma.shape[1]
    at, count = np.uintp(y), np.uintp(width)
    for x in range(count):
        row[x + np.uintp(1)] = luma[at, x]
    row[0] = luma[at, min(1, width - 1)]
    row[width + 1] = luma[at, max(0, width - 2)]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=True)
def _stretch(above: Any, row: Any, below: Any, start: int, count: int) -> Any:
    """Sums over ``count`` pixels: Laplacian, its square, G, √G, and squared forward differences.

    Rows are 16-bit, though their values need 8: so differences can be taken in 16 bits.
    """
    laplacian, laplacian2, sobel2, energy = _i4(0), _i4(0), _i4(0), _i4(0)
    sobel = _f4(0)
    first = np.uintp(start)
    for n in range(np.uintp(count)):
        left, here, right = first + n, first + n + np.uintp(1), first + n + np.uintp(2)
        across = ((row[right] - row[left]) << 1) + above[right] - above[left] + below[right] - below[left]
        down = ((below[here] - above[here]) << 1) + below[left] - above[left] + below[right] - above[right]
        gx, gy = _i4(_i2(across)), _i4(_i2(down))
        edge = _i4(_i2(above[here] + below[here] + row[left] + row[right] - (row[here] << 2)))
        dx, dy = _i4(_i2(row[right] - row[here])), _i4(_i2(below[here] - row[here]))
        laplacian = _i4(laplacian + edge)
        laplacian2 = _i4(laplacian2 + _i4(edge * edge))
        sobel2 = _i4(sobel2 + _i4(gx * gx))
        sobel2 = _i4(sobel2 + _i4(gy * gy))
        sobel += np.sqrt(_f4(gx) * _f4(gx) + _f4(gy) * _f4(gy))
        energy = _i4(energy + _i4(dx * dx))
        energy = _i4(energy + _i4(dy * dy))
    return laplacian, laplacian2, sobel2, sobel, energy


@njit(cache=True, nogil=True, error_model="numpy")
def _sums(luma: Any) -> Any:
    """Sums over the image (Laplacian, its square, G, energy) and over each patch (√G, G)."""
    height, width = luma.shape
    whole = np.zeros(4, np.int64)
    patches = np.zeros((2, (height + PATCH - 1) // PATCH, (width + PATCH - 1) // PATCH))
    rows = np.empty((3, width + 2), np.int16)
    _pad(luma, min(1, height - 1), rows[2])
    _pad(luma, 0, rows[0])
    for y in range(height):
        above, row, below = rows[(y + 2) % 3], rows[y % 3], rows[(y + 1) % 3]
        if y == 0:
            _pad(luma, min(1, height - 1), below)
        else:
            _pad(luma, y + 1 if y + 1 < height else max(0, height - 2), below)
        for patch in range(patches.shape[2]):
            start = patch * PATCH
            sums = _stretch(above, row, below, start, min(PATCH, width - start))
            whole[0] += sums[0]
            whole[1] += sums[1]
            whole[2] += sums[2]
            whole[3] += sums[4]
            patches[0, y // PATCH, patch] += sums[3]
            patches[1, y // PATCH, patch] += sums[2]
        whole[3] -= _beyond(row, below, y == height - 1)
    return whole, patches


@njit(cache=True, nogil=True)
def _beyond(row: Any, below: Any, last: bool) -> Any:
    """Squared differences to the mirrored neighbours beyond right edge and bottom, which do not count."""
    width = row.size - 2
    total = (row[width + 1] - row[width]) ** 2
    if last:
        for x in range(1, width + 1):
            total += (below[x] - row[x]) ** 2
    return total


def histogram(luma: Luma) -> npt.NDArray[np.int64]:
    """256 counts of H×W uint8 ``luma``.

    >>> histogram(np.array([[0, 3, 3]], np.uint8))[:4].tolist()
    [1, 0, 0, 2]
    """
    return _counts(np.ascontiguousarray(luma).reshape(-1))


@njit(cache=True, nogil=True)
def _counts(pixels: Any) -> Any:
    """Eight tables in turn: with one, equal neighbours would wait for each other's count."""
    tables = np.zeros((8, 256), np.uint32)
    whole = pixels.size - pixels.size % 8
    for n in range(0, whole, 8):
        for lane in range(8):
            tables[lane, pixels[n + lane]] += np.uint32(1)
    counts = np.zeros(256, np.int64)
    for lane in range(8):
        for value in range(256):
            counts[value] += tables[lane, value]
    for n in range(whole, pixels.size):
        counts[pixels[n]] += 1
    return counts
