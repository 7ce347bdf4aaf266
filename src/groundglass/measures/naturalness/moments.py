"""Contrast-normalised patches, and the sums to which their distributions are fitted.

The Gaussian's weights are 256ths, so that sums of whole grey levels are exact and a flat surface is exactly 0:
otherwise rounding noise there would be fitted as texture.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from groundglass.libraries import njit

Luma = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
MAPS = 5
"""Maps of a patch: the coefficients, and their products with the neighbour right, below, and on both diagonals."""
SUMS = 6
"""Sums of a map: the number of all, of negative and of positive values; Σx² of the negative, of the positive; Σ|x|."""
_RADIUS = 3
_UNIT = 65536.0  # sum of the 7 × 7 weights
_MIDDLE = 128  # subtracted first: the weighted squares of the rest fit 31 bits

_i4, _f4, _up = np.int32, np.float32, np.uintp


def patch_moments(
    luma: Luma, tops: npt.NDArray[np.int64], lefts: npt.NDArray[np.int64], side: int
) -> tuple[Floats, Floats]:
    """Sums over patches of ``side`` px of H×W uint8 ``luma``: n×5×6 (`MAPS`, `SUMS`), and each patch's mean deviation.

    Of patch n, ``tops[n]`` and ``lefts[n]`` are the first row and column. Local means reach 3 px beyond a patch, and
    repeat the image's edge. The deviation, in grey levels, is eq. 4 ÷ the number of pixels: more is sharper.

    >>> sums, deviation = patch_moments(np.full((20, 20), 9, np.uint8), np.array([2]), np.array([2]), 16)
    >>> sums[0, 0].tolist(), deviation.tolist()
    ([256.0, 0.0, 0.0, 0.0, 0.0, 0.0], [0.0])
    """
    return _patches(np.ascontiguousarray(luma), tops, lefts, side)


@njit(cache=True, nogil=True, error_model="numpy")
def _load(luma: Any, y: int, left: int, row: Any) -> None:
    """Grey levels about the middle, the edge's repeated beyond it."""
    last = luma.shape[1] - 1
    first = left - _RADIUS
    if first >= 0 and first + row.size - 1 <= last:
        for x in range(_up(row.size)):
            row[x] = _i4(luma[_up(y), _up(first) + x]) - _i4(_MIDDLE)
        return
    for x in range(row.size):
        row[x] = _i4(luma[y, min(max(first + x, 0), last)]) - _i4(_MIDDLE)


@njit(cache=True, nogil=True, error_model="numpy")
def _weigh(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, out: Any) -> None:
    """A Gaussian of 7/6 px in 256ths: 3, 20, 61, 88, 61, 20, 3."""
    for x in range(_up(out.size)):
        outer = _i4(_i4(3) * _i4(a[x] + g[x])) + _i4(_i4(20) * _i4(b[x] + f[x]))
        inner = _i4(_i4(61) * _i4(c[x] + e[x])) + _i4(_i4(88) * d[x])
        out[x] = _i4(_i4(outer) + _i4(inner))


@njit(cache=True, nogil=True, error_model="numpy")
def _across(row: Any, out: Any) -> None:
    n = out.size
    _weigh(
        row[0:n], row[1 : n + 1], row[2 : n + 2], row[3 : n + 3], row[4 : n + 4], row[5 : n + 5], row[6 : n + 6],
        out,
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def _down(lines: Any, y: int, out: Any) -> None:
    _weigh(lines[y], lines[y + 1], lines[y + 2], lines[y + 3], lines[y + 4], lines[y + 5], lines[y + 6], out)


# Of `fastmath` only the freedom to reorder sums, which vectors need.
@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "nsz"})
def _divide(level: Any, total: Any, squares: Any, out: Any) -> Any:
    """Eqs. 1 to 3 on one row; ``level`` begins with the first pixel. Returns the sum of σ."""
    deviations = 0.0
    for x in range(_up(out.size)):
        mean = np.float64(total[x])
        sigma = np.sqrt(np.float64(squares[x]) * _UNIT - mean * mean) / _UNIT
        out[x] = _f4((np.float64(level[x]) * _UNIT - mean) / (_UNIT * (sigma + 1.0)))
        deviations += sigma
    return deviations


@njit(cache=True, nogil=True, error_model="numpy")
def _normalise(luma: Any, top: int, left: int, work: Any, patch: Any) -> Any:
    """The contrast-normalised coefficients of one patch; returns the mean σ."""
    side = patch.shape[0]
    height = luma.shape[0]
    levels, squared, totals, squares, row = work
    for y in range(side + 2 * _RADIUS):
        _load(luma, min(max(top + y - _RADIUS, 0), height - 1), left, levels[y])
        for x in range(_up(row.size)):
            row[x] = _i4(levels[y, x] * levels[y, x])
        _across(levels[y], totals[y])
        _across(row, squared[y])
    deviations = 0.0
    for y in range(side):
        _down(totals, y, squares[0])
        _down(squared, y, squares[1])
        deviations += _divide(levels[y + _RADIUS, _RADIUS:], squares[0], squares[1], patch[y])
    return deviations / (side * side)


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "nsz"})
def _add(values: Any, sums: Any) -> None:
    """One row of values into the `SUMS` of their map."""
    below, above = _i4(0), _i4(0)
    below2, above2, absolute = _f4(0), _f4(0), _f4(0)
    zero = _f4(0)
    for x in range(_up(values.size)):
        value = values[x]
        low, high = min(value, zero), max(value, zero)
        below = _i4(below + _i4(value < zero))
        above = _i4(above + _i4(value > zero))
        below2 += low * low
        above2 += high * high
        absolute += high - low
    sums[0] += values.size
    sums[1] += below
    sums[2] += above
    sums[3] += below2
    sums[4] += above2
    sums[5] += absolute


@njit(cache=True, nogil=True, error_model="numpy")
def _add_products(one: Any, other: Any, products: Any, sums: Any) -> None:
    for x in range(_up(one.size)):
        products[x] = one[x] * other[x]
    _add(products[: one.size], sums)


@njit(cache=True, nogil=True, error_model="numpy")
def _patches(luma: Any, tops: Any, lefts: Any, side: int) -> Any:
    wide = side + 2 * _RADIUS
    work = (
        np.empty((wide, wide), np.int32),
        np.empty((wide, side), np.int32),
        np.empty((wide, side), np.int32),
        np.empty((2, side), np.int32),
        np.empty(wide, np.int32),
    )
    patch = np.empty((side, side), np.float32)
    products = np.empty(side, np.float32)
    sums = np.zeros((tops.size, MAPS, SUMS))
    deviations = np.empty(tops.size)
    for n in range(tops.size):
        deviations[n] = _normalise(luma, tops[n], lefts[n], work, patch)
        for y in range(side):
            here = patch[y]
            _add(here, sums[n, 0])
            _add_products(here[:-1], here[1:], products, sums[n, 1])
            if y + 1 < side:
                below = patch[y + 1]
                _add_products(here, below, products, sums[n, 2])
                _add_products(here[:-1], below[1:], products, sums[n, 3])
                _add_products(here[1:], below[:-1], products, sums[n, 4])
    return sums, deviations
