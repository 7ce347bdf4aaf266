"""The compiled half of `groundglass.image.resize`: one pass over the image, one row of it at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.libraries import njit

Pixels = NDArray[Any]
Positions = NDArray[np.int64]
Weights = NDArray[np.float64]
Line = NDArray[np.float64]


@njit(cache=True, nogil=True)
def _weighted_rows(image: Pixels, rows: Positions, weights: Weights, line: Line) -> None:
    """One row of the vertical pass, into `line`: the sum of the image's `rows` times `weights`."""
    width = image.shape[1]
    for x in range(width):
        line[x] = 0.0
    for k in range(rows.shape[0]):
        weight = weights[k]
        if weight != 0.0:
            row = image[rows[k]]
            for x in range(width):
                line[x] += weight * row[x]


@njit(cache=True, nogil=True)
def _rounded(line: Line) -> None:
    """Round half up and clip to 0..255, in place."""
    for x in range(line.size):
        line[x] = min(255.0, max(0.0, np.floor(line[x] + 0.5)))


@njit(cache=True, nogil=True)
def _mirrored(line: Line, pad: int, length: int) -> None:
    """Fill both margins of `line` with the mirror image of the samples between, the edge pixel repeated."""
    period = 2 * length
    for margin in range(1, pad + 1):
        left = (margin - 1) % period
        right = (length + margin - 1) % period
        line[pad - margin] = line[pad + (left if left < length else period - 1 - left)]
        line[pad + length + margin - 1] = line[pad + (right if right < length else period - 1 - right)]


@njit(cache=True, nogil=True)
def _weighted_columns(lines: Line, starts: Positions, weights: Weights, out: Line) -> None:
    """The horizontal pass on one row: ``out[x, c] = sum_k weights[x, k] * lines[c, starts[x] + k]``."""
    taps = weights.shape[1]
    for c in range(lines.shape[0]):
        line = lines[c]
        for x in range(starts.shape[0]):
            start = starts[x]
            total = 0.0
            for k in range(taps):
                total += weights[x, k] * line[start + k]
            out[x, c] = total


@njit(cache=True, nogil=True)
def resample(
    image: Pixels,
    rows: Positions,
    row_weights: Weights,
    starts: Positions,
    column_weights: Weights,
    pad: int,
    whole_steps: bool,
    whole_result: bool,
    out: Pixels,
) -> None:
    """Resize H x W x C ``image`` into ``out``, vertically and then horizontally, row by row.

    rows, row_weights        h x taps: which rows of the image make an output row, and how much of each
    starts, column_weights   w, w x taps: first column (after `pad` mirrored ones) and how much of each
    whole_steps              round and clip between the passes, as MATLAB does for uint8
    whole_result             round and clip the result
    """
    height, width, channels = out.shape
    length = image.shape[1]
    flat = image.reshape(image.shape[0], length * channels)
    joined = np.empty(length * channels)
    lines = np.empty((channels, length + 2 * pad))
    row = np.empty((width, channels))
    for y in range(height):
        _weighted_rows(flat, rows[y], row_weights[y], joined)
        if whole_steps:
            _rounded(joined)
        for c in range(channels):
            for x in range(length):
                lines[c, pad + x] = joined[x * channels + c]
            _mirrored(lines[c], pad, length)
        _weighted_columns(lines, starts, column_weights, row)
        for x in range(width):
            for c in range(channels):
                value = row[x, c]
                if whole_result:
                    value = min(255.0, max(0.0, np.floor(value + 0.5)))
                out[y, x, c] = value


@njit(cache=True, nogil=True)
def block_means(image: Pixels, factor_y: int, factor_x: int, out: Pixels) -> None:
    """The mean of every factor_y x factor_x block of a uint8 image, halves rounded up, in whole numbers."""
    height, width, channels = out.shape
    area = factor_y * factor_x
    sums = np.empty(width * channels, np.int64)
    for y in range(height):
        sums[:] = 0
        for i in range(factor_y):
            row = image[y * factor_y + i]
            for x in range(width):
                for j in range(factor_x):
                    for c in range(channels):
                        sums[x * channels + c] += row[x * factor_x + j, c]
        for x in range(width):
            for c in range(channels):
                out[y, x, c] = (2 * sums[x * channels + c] + area) // (2 * area)
