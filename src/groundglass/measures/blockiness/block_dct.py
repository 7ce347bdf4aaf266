"""How much 8×8 DCT blocks differ from their neighbours: the inner sums of blockiness.

Vectorised across blocks, not inside one: coefficient k of all blocks of a block row is stored contiguously,
so that every step is the same arithmetic on neighbouring floats. Only two block rows are kept; a new
row replaces the one before last. The transform is the scaled one of Arai, Agui and Nakajima (1988),
5 products and 29 sums for 8 values; the scale is corrected at the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from groundglass.libraries import njit

Luma = npt.NDArray[np.uint8]
FEW = 400
"""Grids of fewer blocks are done in double precision."""

_f4, _u4, _u8, _i4, _up = np.float32, np.uint32, np.uint64, np.int32, np.uintp
_STRIP = 512  # blocks of a row that are processed at a time
# Floats from one coefficient to the next. Eight strides must not be a multiple of 4096 bytes: a processor mistakes
# addresses that far apart for one, and its loads wait for stores.
_STRIDE = _STRIP + 24
_ROW = 64 * _STRIDE
_LANES = 16  # rows are padded to full vectors, which avoids the slow remainder of each loop
_C4, _C6 = _f4(0.7071067811865476), _f4(0.38268343236508984)  # cos 4π/16, cos 6π/16
_Q, _R = _f4(0.541196100146197), _f4(1.3065629648763766)  # cos 2π/16 ∓ cos 6π/16
_k, _n = np.arange(8)[:, None], np.arange(8)
_DCT = np.sqrt(np.where(_k == 0, 1, 2) / 8) * np.cos((2 * _n + 1) * _k * np.pi / 16)
_AAN = np.array([1.0, *np.sqrt(2) * np.cos(np.arange(1, 8) * np.pi / 16)])
_SCALE = 1 / (8 * np.outer(_AAN, _AAN))


def block_variation(luma: Luma, top: int, left: int, rows: int, columns: int) -> npt.NDArray[np.float64]:
    """Mean difference between an 8×8 block's DCT coefficients and its neighbours', per subband.

    The grid begins at (``top``, ``left``) of H×W uint8 ``luma`` and has ``rows`` × ``columns`` blocks. For
    every subband (i, j) the mean, over blocks r in 2..rows-2 and c in 2..columns-2, of

        V(r,c) = √( (D[r,c-1] + D[r,c+1] - 2D[r,c])² + (D[r-1,c] + D[r+1,c] - 2D[r,c])² )

    8×8 float64, in grey levels of the orthonormal DCT-II; within 1e-5 of double precision. Needs at least 4×4
    blocks.

    >>> bool(block_variation(np.zeros((32, 32), np.uint8), 0, 0, 4, 4).max() == 0)
    True
    """
    if rows < 4 or columns < 4 or top + 8 * rows > luma.shape[0] or left + 8 * columns > luma.shape[1]:
        raise ValueError(f"no grid of {rows} x {columns} blocks at ({top}, {left}) of {luma.shape}")
    if rows * columns < FEW:
        return _few_blocks(luma[top : top + 8 * rows, left : left + 8 * columns])
    sums = _grid_sums(np.ascontiguousarray(luma), top, left, rows, columns)
    return sums.reshape(8, 8) * _SCALE / ((rows - 3) * (columns - 3))


def _few_blocks(luma: Luma) -> npt.NDArray[np.float64]:
    """The same in double precision: with few blocks nothing averages the rounding of single precision."""
    height, width = luma.shape
    blocks = luma.astype(np.float64).reshape(height // 8, 8, width // 8, 8).swapaxes(1, 2)
    D = _DCT @ blocks @ _DCT.T
    middle = 2 * D[2:-1, 2:-1]
    across, down = D[2:-1, 1:-2] + D[2:-1, 3:] - middle, D[1:-2, 2:-1] + D[3:, 2:-1] - middle
    return np.hypot(across, down).mean(axis=(0, 1))


@njit(inline="always")
def _dct8(d0: Any, d1: Any, d2: Any, d3: Any, d4: Any, d5: Any, d6: Any, d7: Any) -> Any:
    """Eight scaled DCT-II coefficients of eight values."""
    t0, t7, t1, t6 = d0 + d7, d0 - d7, d1 + d6, d1 - d6
    t2, t5, t3, t4 = d2 + d5, d2 - d5, d3 + d4, d3 - d4
    e0, e3, e1, e2 = t0 + t3, t0 - t3, t1 + t2, t1 - t2
    z1 = (e2 + e3) * _C4
    o0, o1, o2 = t4 + t5, t5 + t6, t6 + t7
    z5 = (o0 - o2) * _C6
    z2, z4, z3 = _Q * o0 + z5, _R * o2 + z5, o1 * _C4
    z11, z13 = t7 + z3, t7 - z3
    return e0 + e1, z11 + z4, e3 + z1, z13 - z2, e0 - e1, z13 + z2, e3 - z1, z11 - z4


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _copy(luma: Any, y: int, x: int, count: int, pixels: Any) -> None:
    row, first = _up(y), _up(x)  # unsigned, or every index would be checked for its sign
    for n in range(_up(count)):
        pixels[n] = luma[row, first + n]


@njit(inline="always")
def _transform_rows(words: Any, work: Any, y: int, count: int) -> None:
    """The horizontal transform of one pixel row of ``count`` blocks; a word is a block's eight pixels."""
    for c in range(count):
        word = words[c]
        low, high, byte = _u4(word), _u4(word >> _u8(32)), _u4(255)
        v0, v1, v2, v3, v4, v5, v6, v7 = _dct8(
            _f4(_i4(low & byte)),
            _f4(_i4((low >> _u4(8)) & byte)),
            _f4(_i4((low >> _u4(16)) & byte)),
            _f4(_i4(low >> _u4(24))),
            _f4(_i4(high & byte)),
            _f4(_i4((high >> _u4(8)) & byte)),
            _f4(_i4((high >> _u4(16)) & byte)),
            _f4(_i4(high >> _u4(24))),
        )
        i = y * 8 * _STRIDE + c
        work[i], work[i + _STRIDE] = v0, v1
        work[i + 2 * _STRIDE], work[i + 3 * _STRIDE] = v2, v3
        work[i + 4 * _STRIDE], work[i + 5 * _STRIDE] = v4, v5
        work[i + 6 * _STRIDE], work[i + 7 * _STRIDE] = v6, v7


@njit(inline="always")
def _variation(work: Any, i: int, above: Any, below: Any) -> Any:
    """V at place ``i`` of the middle row."""
    twice = _f4(2) * work[i]
    across, down = work[i - 1] + work[i + 1] - twice, above + below - twice
    return np.sqrt(across * across + down * down)


@njit(inline="always")
def _transform_columns(work: Any, old: int, middle: int, k: int, count: int, mask: Any, sums: Any) -> None:
    """The vertical transform for horizontal frequency ``k``: the new row replaces the row at ``old``, and the
    variation of the row at ``middle``, which is between the two, is added to ``sums``.
    """
    S = 8 * _STRIDE
    s0, s1, s2, s3 = _f4(0), _f4(0), _f4(0), _f4(0)
    s4, s5, s6, s7 = _f4(0), _f4(0), _f4(0), _f4(0)
    for c in range(count):
        i = k * _STRIDE + c
        v0, v1, v2, v3, v4, v5, v6, v7 = _dct8(
            work[i],
            work[i + S],
            work[i + 2 * S],
            work[i + 3 * S],
            work[i + 4 * S],
            work[i + 5 * S],
            work[i + 6 * S],
            work[i + 7 * S],
        )
        weight, m, o = mask[c], middle + i, old + i
        s0 += weight * _variation(work, m, work[o], v0)
        s1 += weight * _variation(work, m + S, work[o + S], v1)
        s2 += weight * _variation(work, m + 2 * S, work[o + 2 * S], v2)
        s3 += weight * _variation(work, m + 3 * S, work[o + 3 * S], v3)
        s4 += weight * _variation(work, m + 4 * S, work[o + 4 * S], v4)
        s5 += weight * _variation(work, m + 5 * S, work[o + 5 * S], v5)
        s6 += weight * _variation(work, m + 6 * S, work[o + 6 * S], v6)
        s7 += weight * _variation(work, m + 7 * S, work[o + 7 * S], v7)
        work[o], work[o + S], work[o + 2 * S], work[o + 3 * S] = v0, v1, v2, v3
        work[o + 4 * S], work[o + 5 * S], work[o + 6 * S], work[o + 7 * S] = v4, v5, v6, v7
    sums[k] += s0
    sums[8 + k] += s1
    sums[16 + k] += s2
    sums[24 + k] += s3
    sums[32 + k] += s4
    sums[40 + k] += s5
    sums[48 + k] += s6
    sums[56 + k] += s7


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _even_row(work: Any, count: int, mask: Any, sums: Any) -> None:
    for k in range(8):
        _transform_columns(work, _ROW, 2 * _ROW, k, count, mask, sums)


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _odd_row(work: Any, count: int, mask: Any, sums: Any) -> None:
    # Separate from _even_row, because only fixed distances let the compiler see that no store overlaps a load.
    for k in range(8):
        _transform_columns(work, 2 * _ROW, _ROW, k, count, mask, sums)


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _add_strip(
    luma: Any, top: int, left: int, rows: int, columns: int, work: Any, words: Any, sums: Any
) -> None:
    """Add the variation of a strip's blocks, without its outermost columns, to ``sums``."""
    padded = (columns + _LANES - 1) // _LANES * _LANES
    mask, unused, pixels = np.zeros(_STRIP, _f4), np.zeros(64), words.view(np.uint8)
    mask[1 : columns - 1] = 1
    words[:] = 0
    for r in range(rows):
        for y in range(8):
            _copy(luma, top + 8 * r + y, left, 8 * columns, pixels)
            _transform_rows(words, work, y, padded)
        counted = sums if r >= 3 else unused  # row r completes row r-1, and rows from 2 on count
        if r % 2 == 0:
            _even_row(work, padded, mask, counted)
        else:
            _odd_row(work, padded, mask, counted)


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _grid_sums(luma: Any, top: int, left: int, rows: int, columns: int) -> Any:
    """64 sums over the counted blocks, strip by strip; strips overlap by the two columns that V reads."""
    work, words, sums = np.zeros(3 * _ROW + _LANES, _f4), np.empty(_STRIP, _u8), np.zeros(64)
    first = 1
    while first + 1 <= columns - 2:
        count = min(_STRIP, columns - first)
        _add_strip(luma, top, left + 8 * first, rows, count, work, words, sums)
        first += count - 2
    return sums
