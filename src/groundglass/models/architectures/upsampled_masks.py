"""What masks would be after enlarging, without making the enlarged ones: their areas and boxes, to the pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.libraries import njit

Counts = NDArray[np.int64]


def areas_and_boxes(
    logits: NDArray[np.float32], side: int, shown: tuple[int, int], offset: float = 1.0
) -> tuple[Counts, Counts]:
    """Of n×h×w logits enlarged bilinearly to n×side×side, of which the first rows and columns are ``shown``.

    Gives n×3 numbers of pixels, those above +offset, above 0 and above -offset, and n×4 boxes around those above 0
    (left, top, right, bottom; ends excluded; all 0 where there are none). A sample is worth its place as in torch's
    ``interpolate(mode="bilinear", align_corners=False)``. Four samples that are all above or all below bound what lies
    between them, so only the pixels along a mask's outline are worked out one by one.

    >>> areas, boxes = areas_and_boxes(np.full((1, 2, 2), 5, np.float32), 8, (8, 6))
    >>> areas.tolist(), boxes.tolist()
    ([[48, 48, 48]], [[0, 0, 6, 8]])
    """
    count, height, width = logits.shape
    areas, boxes = np.zeros((count, 3), np.int64), np.zeros((count, 4), np.int64)
    rows, down = _places(height, side, shown[0])
    columns, across = _places(width, side, shown[1])
    _measure(np.ascontiguousarray(logits), np.float32(offset), rows, down, columns, across, areas, boxes)
    return areas, boxes


def _places(samples: int, side: int, shown: int) -> tuple[Counts, NDArray[np.float32]]:
    """Where the pixels that follow each sample begin (one number more), and each pixel's share of the next sample.

    >>> _places(2, 4, 4)[0].tolist(), _places(2, 4, 4)[1].tolist()
    ([0, 3, 4], [0.0, 0.25, 0.75, 0.25])
    """
    at = np.maximum((np.arange(shown) + 0.5) * (samples / side) - 0.5, 0)
    before = at.astype(np.int64)
    return np.searchsorted(before, np.arange(samples + 1)), (at - before).astype(np.float32)


@njit(cache=True, nogil=True)
def _measure(
    logits: Any, offset: Any, rows: Any, down: Any, columns: Any, across: Any, areas: Any, boxes: Any
) -> None:
    for n in range(logits.shape[0]):
        box = boxes[n]
        box[0], box[1] = across.size, down.size
        for y in range(logits.shape[1]):
            if rows[y] < rows[y + 1]:
                under = min(y + 1, logits.shape[1] - 1)
                strip = down[rows[y] : rows[y + 1]]
                _strip(logits[n, y], logits[n, under], offset, rows[y], strip, columns, across, areas[n], box)
        if not areas[n, 1]:
            box[:] = 0


@njit(cache=True, nogil=True)
def _strip(
    upper: Any, under: Any, offset: Any, first: int, down: Any, columns: Any, across: Any, area: Any, box: Any
) -> None:
    """The pixels between two lines of samples."""
    for x in range(upper.size):
        begin, end = columns[x], columns[x + 1]
        beside = min(x + 1, upper.size - 1)
        a, b, c, d = upper[x], upper[beside], under[x], under[beside]
        if begin == end or max(max(a, b), max(c, d)) <= -offset:
            continue
        if min(min(a, b), min(c, d)) > offset:
            area += down.size * (end - begin)
            _hold(box, begin, first, end, first + down.size)
            continue
        for i in range(down.size):
            for j in range(begin, end):
                over = a + (b - a) * across[j]
                value = over + (c + (d - c) * across[j] - over) * down[i]
                area[0] += value > offset
                area[2] += value > -offset
                if value > 0:
                    area[1] += 1
                    _hold(box, j, first + i, j + 1, first + i + 1)


@njit(cache=True, nogil=True)
def _hold(box: Any, left: int, top: int, right: int, bottom: int) -> None:
    """Make the box large enough for these pixels too."""
    box[0], box[1] = min(box[0], left), min(box[1], top)
    box[2], box[3] = max(box[2], right), max(box[3], bottom)
