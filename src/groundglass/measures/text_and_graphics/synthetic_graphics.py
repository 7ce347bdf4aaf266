"""Two signs that a program drew an image: few tones, and steps between pixels that are zero or large."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from groundglass.libraries import njit

Luma = npt.NDArray[np.uint8]

TONES = 16
"""This many tones are enough for most drawings; a photo's noise and shading spread over more."""
WEAK = 12
"""Steps from 1 to below this, in grey levels, are noise and shading; larger ones are edges."""


def tone_concentration(histogram: npt.NDArray[np.int64]) -> float:
    """The share of pixels with one of the 16 commonest tones, 0 to 1; 16/256 where all are equally common.

    >>> tone_concentration(np.ones(256, np.int64)), tone_concentration(np.eye(1, 256, dtype=np.int64)[0])
    (0.0625, 1.0)
    """
    return float(np.sort(histogram)[-TONES:].sum() / histogram.sum())


def weak_share(luma: Luma) -> float:
    """The share of pixels with a larger step, to the right or down, that is weak: neither 0 nor an edge.

    0 to 1; the last row and column are left out. Needs 2 px a side.

    >>> weak_share(np.array([[0, 0, 5, 99], [0, 0, 5, 99]], np.uint8))
    0.3333333333333333
    """
    height, width = luma.shape
    return int(_weak(np.ascontiguousarray(luma))) / ((height - 1) * (width - 1))


@njit(cache=True, nogil=True)
def _weak(luma: Any) -> Any:
    count = 0
    for y in range(luma.shape[0] - 1):
        count += _weak_row(luma[y], luma[y + 1])
    return count


@njit(cache=True, nogil=True)
def _weak_row(row: Any, below: Any) -> Any:
    count = np.int32(0)
    for x in range(np.uintp(row.size - 1)):
        here = np.int16(row[x])
        across = abs(np.int16(np.int16(row[x + np.uintp(1)]) - here))
        down = abs(np.int16(np.int16(below[x]) - here))
        step = max(across, down)
        count += np.int32((step > 0) & (step < WEAK))
    return count
