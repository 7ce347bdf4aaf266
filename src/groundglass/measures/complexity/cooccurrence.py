"""Grey-level co-occurrence: how often one grey level is next to another."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from groundglass.libraries import njit

Luma = npt.NDArray[np.uint8]
LEVELS = 32
"""Luma is counted in steps of 8 grey levels."""
_SHIFT, _BITS = 3, 5  # to the level, and for two levels in one index
_LANES = 4
_PIXELS = 1 << 19  # about the number that is read: 1024 cells need no more

_up = np.uintp


def cooccurrence(luma: Luma) -> npt.NDArray[np.int64]:
    """32×32 counts of pairs of neighbours, right and below, in H×W uint8 ``luma``; symmetric.

    Every pair counts in both orders and both directions count into one table, so it sums to twice the number
    of pairs. Of images over half a megapixel every nth row is read, and the one below it.

    >>> cooccurrence(np.uint8([[0, 8]]))[:2, :2].tolist()
    [[0, 1], [1, 0]]
    """
    step = max(1, luma.size // _PIXELS)
    table = _pairs(np.ascontiguousarray(luma), step).reshape(LEVELS, LEVELS)
    return table + table.T


@njit(cache=True, nogil=True, error_model="numpy")
def _pairs(luma: Any, step: int) -> Any:
    """Several tables in turn: with one, equal pairs would wait for each other's count."""
    height, width = luma.shape
    tables = np.zeros((_LANES, LEVELS * LEVELS), np.uint32)
    indices = np.empty((2, width), np.uint16)
    for y in range((step - 1) // 2, height, step):
        _pack(luma[y, : width - 1], luma[y, 1:], indices[0])
        _count(indices[0, : width - 1], tables)
        if y + 1 < height:
            _pack(luma[y], luma[y + 1], indices[1])
            _count(indices[1], tables)
    return tables.sum(axis=0).astype(np.int64)


@njit(cache=True, nogil=True, error_model="numpy")
def _pack(first: Any, second: Any, indices: Any) -> None:
    for n in range(_up(first.size)):
        left, right = np.uint16(first[n] >> _SHIFT), np.uint16(second[n] >> _SHIFT)
        indices[n] = np.uint16(np.uint16(left << _BITS) | right)


@njit(cache=True, nogil=True, error_model="numpy")
def _count(indices: Any, tables: Any) -> None:
    whole = indices.size - indices.size % _LANES
    for n in range(0, whole, _LANES):
        for lane in range(_LANES):
            tables[lane, indices[n + lane]] += np.uint32(1)
    for n in range(whole, indices.size):
        tables[0, indices[n]] += np.uint32(1)
