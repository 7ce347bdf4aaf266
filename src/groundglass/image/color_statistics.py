"""One pass over RGB: how strong colours are and where they clip; and whether they follow brightness.

Written for the compiler's vectoriser like `passes`: integer sums over stretches that fit 32 bits, so a sum is
exact and comes out the same in any order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from groundglass.libraries import cv2, njit

Pixels = npt.NDArray[np.uint8]
BRIGHT = 251
"""A channel from this level on counts as clipped: JPEG leaves no flat 255."""
CHROMA = 12
"""A pixel is coloured if its largest and smallest channel differ by more; JPEG's noise on grey stays below."""
_STRETCH = 2048  # px: 2048 · 510² fits 32 bits
_ONE = np.float32(65536)  # saturation is summed in parts of this
_FEWEST, _MOST = 1024, 4096  # boxes that show whether colour follows brightness
_LEVELS_A_BIN = 2
_LUMA = np.array([0.299, 0.587, 0.114])

_u1, _i2, _i4, _f4, _up = np.uint8, np.int16, np.int32, np.float32, np.uintp


@dataclass(frozen=True)
class ColourSums:
    """Results of one pass over the colours of H×W×3 RGB; rg = R - G, yb = (R + G)/2 - B, in grey levels.

    rg_mean, yb_mean           means of the opponent colours
    rg_variance, yb_variance   their variances
    saturation                 mean of (max - min)/max over the pixels, 0 for black
    coloured                   share of pixels with max - min > `CHROMA`
    clipped                    share of pixels from `BRIGHT` on, in red, green and blue
    """

    rg_mean: float
    yb_mean: float
    rg_variance: float
    yb_variance: float
    saturation: float
    coloured: float
    clipped: tuple[float, float, float]


def colour_sums(rgb: Pixels) -> ColourSums:
    """One fused pass over H×W×3 uint8 ``rgb``.

    >>> sums = colour_sums(np.uint8([[[255, 0, 0], [128, 128, 128]]]))
    >>> sums.rg_mean, sums.rg_variance, sums.yb_mean, sums.saturation, sums.coloured, sums.clipped
    (127.5, 16256.25, 63.75, 0.5, 0.5, (0.5, 0.0, 0.0))
    """
    sums = _sums(np.ascontiguousarray(rgb).reshape(-1)) / (rgb.shape[0] * rgb.shape[1])
    red, green, blue, rg2, yb2, saturation, coloured, *clipped = (float(mean) for mean in sums)
    rg, yb = red - green, (red + green) / 2 - blue
    return ColourSums(
        rg_mean=rg,
        yb_mean=yb,
        rg_variance=max(0.0, rg2 - rg**2),
        yb_variance=max(0.0, yb2 / 4 - yb**2),
        saturation=saturation / float(_ONE),
        coloured=coloured,
        clipped=(clipped[0], clipped[1], clipped[2]),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _part_planes(pixels: Any, start: int, count: int, red: Any, green: Any, blue: Any) -> None:
    first = _up(3 * start)
    for n in range(_up(count)):
        at = first + _up(3) * n
        red[n], green[n], blue[n] = pixels[at], pixels[at + _up(1)], pixels[at + _up(2)]


@njit(cache=True, nogil=True, error_model="numpy")
def _sum(plane: Any, count: int) -> Any:
    total = _i4(0)
    for n in range(_up(count)):
        total = _i4(total + _i4(plane[n]))
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _rg_squares(red: Any, green: Any, count: int) -> Any:
    total = _i4(0)
    for n in range(_up(count)):
        rg = _i2(_i2(red[n]) - _i2(green[n]))
        total = _i4(total + _i4(_i4(rg) * _i4(rg)))
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _yb_squares(red: Any, green: Any, blue: Any, count: int) -> Any:
    """Sum of squares of 2·yb, which is a whole number."""
    total = _i4(0)
    for n in range(_up(count)):
        yb = _i2(_i2(_i2(red[n]) + _i2(green[n])) - (_i2(blue[n]) << 1))
        total = _i4(total + _i4(_i4(yb) * _i4(yb)))
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _saturation(red: Any, green: Any, blue: Any, count: int) -> Any:
    """Sum of (max - min)/max in parts of `_ONE`, and the number of coloured pixels."""
    total, coloured = _i4(0), _i4(0)
    for n in range(_up(count)):
        top = max(red[n], max(green[n], blue[n]))
        chroma = _u1(top - min(red[n], min(green[n], blue[n])))
        total = _i4(total + _i4(_f4(_i4(chroma)) * _ONE / _f4(_i4(max(top, _u1(1))))))
        coloured = _i4(coloured + _i4(chroma > _u1(CHROMA)))
    return total, coloured


@njit(cache=True, nogil=True, error_model="numpy")
def _bright(plane: Any, count: int) -> Any:
    total = _i4(0)
    for n in range(_up(count)):
        total = _i4(total + _i4(plane[n] >= _u1(BRIGHT)))
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _sums(pixels: Any) -> Any:
    """Sums of R, G, B, rg², (2·yb)², saturation, coloured pixels, and clipped ones in R, G and B.

    Short loops over a stretch that stays in the cache: one long loop has more sums than 16-bit products allow.
    """
    total = np.zeros(10, np.int64)
    size = pixels.size // 3
    planes = np.empty((3, _STRETCH), np.uint8)
    red, green, blue = planes[0], planes[1], planes[2]
    for start in range(0, size, _STRETCH):
        count = min(_STRETCH, size - start)
        _part_planes(pixels, start, count, red, green, blue)
        saturation, coloured = _saturation(red, green, blue, count)
        total[3] += _rg_squares(red, green, count)
        total[4] += _yb_squares(red, green, blue, count)
        total[5] += saturation
        total[6] += coloured
        for n in range(3):
            total[n] += _sum(planes[n], count)
            total[7 + n] += _bright(planes[n], count)
    return total


def colour_beside_brightness(rgb: Pixels) -> tuple[float, float]:
    """How strong the colour of H×W×3 uint8 ``rgb`` is, and how much of it brightness does not decide.

    Both are root mean squares of (rg, yb), in grey levels, over the means of 8×8 px (fewer in small images;
    of large ones some rows are left out): the first of the colour itself, the second of its distance to the mean
    colour of the places that are as bright within 2 levels. In a toned image (sepia, cyanotype) the second is near 0.

    >>> colour_beside_brightness(np.full((4, 4, 3), (9, 5, 1), np.uint8))
    (7.211102550927978, 0.0)
    """
    red, green, blue = _box_means(rgb).reshape(-1, 3).T.astype(np.float64)
    rg, yb = red - green, (red + green) / 2 - blue
    level = (_LUMA @ (red, green, blue)).astype(np.int64) // _LEVELS_A_BIN
    counts = np.bincount(level)
    explained = sum(np.bincount(level, part) ** 2 / np.maximum(counts, 1) for part in (rg, yb))
    squares, known = float((rg**2 + yb**2).sum()), float(np.sum(explained))
    free = max(1, level.size - np.count_nonzero(counts))  # a bin of one place would explain it fully
    return float(np.sqrt(squares / level.size)), float(np.sqrt(max(0.0, squares - known) / free))


def _box_means(rgb: Pixels) -> Pixels:
    """Means of boxes up to 8×8 px: small enough that there are about `_FEWEST`, at most about `_MOST`."""
    # Boxes rather than pixels: JPEG keeps colour at half the resolution, and noise would look like many tones.
    side = int(np.clip(np.sqrt(rgb.shape[0] * rgb.shape[1] / _FEWEST), 1, 8))
    rows, columns = rgb.shape[0] // side, rgb.shape[1] // side
    if not rows or not columns:
        return rgb
    # Of large images only some rows of boxes: a few thousand places are enough to see the scatter.
    bands = rgb[: rows * side].reshape(rows, side, *rgb.shape[1:])[:: max(1, rows * columns // _MOST)]
    chosen = np.ascontiguousarray(bands).reshape(-1, *rgb.shape[1:])[:, : columns * side]
    return np.asarray(cv2.resize(chosen, (columns, len(bands)), interpolation=cv2.INTER_AREA), np.uint8)
