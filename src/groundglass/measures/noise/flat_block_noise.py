"""Noise measured in the flattest blocks of an image.

Immerkær's mask ignores anything that rises evenly, so on a flat block it responds to noise alone; the slope of
a 3×3 mean hardly responds to noise, so blocks that are chosen by it are not less noisy than others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from groundglass.errors import NoValue
from groundglass.libraries import njit

Luma = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
BLOCK = 8
"""Side of a block, px."""
SMALLEST = 36
"""The least side, px: 4 × 4 blocks and their surroundings."""
SHARE = 0.05
"""Share of the blocks that count as flat."""
FEWEST = 16
"""Flat blocks that are taken even where their share is less."""
_MARGIN = 2  # px around a block that the masks reach
_DARK, _BRIGHT = 4, 251  # block means beyond these are clipped
_DEVIATIONS = 2  # a block's mean must be this many of them away from both ends, or its noise is clipped
_MEDIAN_OF_BLOCKS = 0.9567  # median ÷ mean of a block's variance for white noise, by simulation
_PIXELS = 1 << 20  # about the number that is read

_i2, _i4, _up = np.int16, np.int32, np.uintp


def noise_sigma(luma: Luma) -> float:
    """Standard deviation of the noise in H×W uint8 ``luma``, in grey levels.

    Raises NoValue: ``too_small`` below 36 px, ``flat`` where every block is clipped.

    >>> noise_sigma(np.full((64, 64), 99, np.uint8))
    0.0
    """
    if min(luma.shape) < SMALLEST:
        raise NoValue("too_small", f"{luma.shape[1]} x {luma.shape[0]} px, {SMALLEST} are needed")
    variance, slope, mean = block_facts(luma)
    sigma = None
    for _ in range(2):  # the second time without the blocks where this much noise would be clipped
        far = _DEVIATIONS * (sigma or 0.0)
        sound = (mean >= _DARK + far) & (mean <= _BRIGHT - far)
        if sound.any():
            sigma = _sigma_of_flattest(variance[sound], slope[sound])
    if sigma is None:
        raise NoValue("flat", "every block is clipped")
    return sigma


def _sigma_of_flattest(variance: Floats, slope: Floats) -> float:
    """The noise of the flattest blocks. Blocks with equal slopes count all or not at all: their order is irrelevant."""
    count = min(max(FEWEST, round(SHARE * slope.size)), slope.size)
    limit = np.partition(slope, count - 1)[count - 1]
    return float(np.sqrt(np.median(variance[slope <= limit]) / _MEDIAN_OF_BLOCKS))


def block_facts(luma: Luma) -> tuple[Floats, Floats, Floats]:
    """For 8×8 blocks: noise variance by Immerkær's mask, slope energy of the 3×3 mean, and mean.

    The blocks are centred in the image, with 2 px around them. Of large images some rows of blocks are
    left out.
    """
    rows, columns = ((side - 2 * _MARGIN) // BLOCK for side in luma.shape)
    step = max(1, rows * columns * BLOCK * BLOCK // _PIXELS)
    top, left = (luma.shape[0] - BLOCK * rows) // 2, (luma.shape[1] - BLOCK * columns) // 2
    sums = _blocks(np.ascontiguousarray(luma), top, left, np.arange(step // 2, rows, step), columns)
    variance, slope, total = sums.reshape(3, -1) / BLOCK**2
    return variance / 36, slope, total


@njit(cache=True, nogil=True, error_model="numpy")
def _load(luma: Any, y: int, first: int, row: Any) -> None:
    for x in range(_up(row.size)):
        row[x] = luma[_up(y), _up(first) + x]


@njit(cache=True, nogil=True, error_model="numpy")
def _upright(a: Any, b: Any, c: Any, d: Any, e: Any, parts: Any) -> None:
    """The masks' terms for each column of five lines: curvature, sum of three, and slope."""
    curve, three, slope = parts[0], parts[1], parts[2]
    for x in range(_up(curve.size)):
        ends = _i2(b[x] + d[x])
        curve[x] = _i2(ends - _i2(c[x] << 1))
        three[x] = _i2(ends + c[x])
        slope[x] = _i2(_i2(d[x] + e[x]) - _i2(a[x] + b[x]))


@njit(cache=True, nogil=True, error_model="numpy")
def _add_masks(parts: Any, sums: Any) -> None:
    """Mask² and slope² of one line, added by column."""
    curve, three, slope, mask2, slope2 = parts[0], parts[1], parts[2], sums[0], sums[1]
    for x in range(_up(mask2.size)):
        l1, m, r1, r2 = x + _up(1), x + _up(2), x + _up(3), x + _up(4)
        mask = _i2(_i2(curve[l1] + curve[r1]) - _i2(curve[m] << 1))
        across = _i2(_i2(three[r1] + three[r2]) - _i2(three[l1] + three[x]))
        down = _i2(_i2(slope[l1] + slope[r1]) + slope[m])
        mask2[x] = _i4(mask2[x] + _i4(_i4(mask) * _i4(mask)))
        squares = _i4(_i4(_i4(across) * _i4(across)) + _i4(_i4(down) * _i4(down)))
        slope2[x] = _i4(slope2[x] + squares)


@njit(cache=True, nogil=True, error_model="numpy")
def _add_values(line: Any, sums: Any) -> None:
    for x in range(_up(sums.size)):
        sums[x] = _i4(sums[x] + _i4(line[x + _up(_MARGIN)]))


@njit(cache=True, nogil=True, error_model="numpy")
def _blocks(luma: Any, top: int, left: int, block_rows: Any, columns: int) -> Any:
    """Sums over each block of the chosen rows of blocks: mask², slope², value."""
    width = columns * BLOCK
    lines = np.empty((BLOCK + 2 * _MARGIN, width + 2 * _MARGIN), np.int16)
    parts = np.empty((3, width + 2 * _MARGIN), np.int16)
    sums = np.empty((3, width), np.int32)
    found = np.zeros((3, block_rows.size, columns))
    for n in range(block_rows.size):
        start = top + block_rows[n] * BLOCK - _MARGIN
        for y in range(lines.shape[0]):
            _load(luma, start + y, left - _MARGIN, lines[y])
        sums[:] = 0
        for y in range(BLOCK):
            _upright(lines[y], lines[y + 1], lines[y + 2], lines[y + 3], lines[y + 4], parts)
            _add_masks(parts, sums)
            _add_values(lines[y + _MARGIN], sums[2])
        for kind in range(3):
            for column in range(columns):
                for x in range(column * BLOCK, column * BLOCK + BLOCK):
                    found[kind, n, column] += sums[kind, x]
    return found
