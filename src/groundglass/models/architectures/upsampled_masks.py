"""Areas and boxes of masks after upscaling, exact to the pixel, without building the upscaled masks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.libraries import njit

Counts = NDArray[np.int64]
Size = tuple[int, int]
"""Height and width, px."""


def areas_and_boxes(
    logits: NDArray[np.float32],
    side: int | Size,
    shown: Size,
    offset: float = 1.0,
    image: Size | None = None,
) -> tuple[Counts, Counts]:
    """Areas and boxes of n×h×w logits upscaled bilinearly to n×side×side; the first ``shown`` rows and columns count.

    ``side`` may be height and width. If ``image`` (height and width) is given, the shown part is resized a second
    time, to that size: the authors' generators bring masks back to a photo's size in this way.

    Returns n×3 numbers of pixels, those above +offset, above 0 and above -offset, and n×4 boxes around those above 0
    (left, top, right, bottom; ends excluded; all 0 if there are none). Samples are placed as in torch's
    ``interpolate(mode="bilinear", align_corners=False)``. Four samples that are all above or all below bound the values
    between them, so only the pixels along a mask's outline are computed one by one.

    >>> areas, boxes = areas_and_boxes(np.full((1, 2, 2), 5, np.float32), 8, (8, 6))
    >>> areas.tolist(), boxes.tolist()
    ([[48, 48, 48]], [[0, 0, 6, 8]])
    """
    count, height, width = logits.shape
    tall, wide = (side, side) if isinstance(side, int) else side
    areas, boxes = np.zeros((count, 3), np.int64), np.zeros((count, 4), np.int64)
    rows, down = _places(height, tall, shown[0])
    columns, across = _places(width, wide, shown[1])
    given, limit = np.ascontiguousarray(logits), np.float32(offset)
    if image is None:
        _measure(given, limit, rows, down, columns, across, areas, boxes)
        return areas, boxes
    between = _before(rows, shown[0]), down, _before(columns, shown[1]), across
    rows, down = _places(shown[0], image[0], image[0])
    columns, across = _places(shown[1], image[1], image[1])
    _measure_twice(given, limit, *between, rows, down, columns, across, areas, boxes)
    return areas, boxes


def _before(begins: Counts, pixels: int) -> Counts:
    """The sample before each pixel; ``begins`` has the first pixel that follows each sample.

    >>> _before(np.array([0, 3, 4]), 4).tolist()
    [0, 0, 0, 1]
    """
    return np.searchsorted(begins, np.arange(pixels), side="right") - 1


def _places(samples: int, side: int, shown: int) -> tuple[Counts, NDArray[np.float32]]:
    """The first pixel after each sample (one number more than samples), and each pixel's share of the next sample.

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
def _measure_twice(
    logits: Any, offset: Any, above: Any, lower: Any, left: Any, righter: Any,
    rows: Any, down: Any, columns: Any, across: Any, areas: Any, boxes: Any,
) -> None:  # fmt: skip
    """Like `_measure`, through the size between; only the part of it that may be above -offset is built."""
    for n in range(logits.shape[0]):
        box = boxes[n]
        box[0], box[1] = across.size, down.size
        top, bottom = _span(logits[n], offset, above)
        first, last = _span(logits[n].T, offset, left)
        part = np.empty((bottom - top, last - first), np.float32)
        for y in range(bottom - top):
            over, share = above[top + y], lower[top + y]
            under = min(over + 1, logits.shape[1] - 1)
            for x in range(last - first):
                before, rest = left[first + x], righter[first + x]
                beside = min(before + 1, logits.shape[2] - 1)
                a, b = logits[n, over, before], logits[n, over, beside]
                c, d = logits[n, under, before], logits[n, under, beside]
                high = a + (b - a) * rest
                part[y, x] = high + (c + (d - c) * rest - high) * share
        for y in range(bottom - top):
            begin, end = rows[top + y], rows[top + y + 1]
            if begin < end:
                under = min(y + 1, bottom - top - 1)
                starts = columns[first : last + 1]
                _strip(part[y], part[under], offset, begin, down[begin:end], starts, across, areas[n], box)
        if not areas[n, 1]:
            box[:] = 0


@njit(cache=True, nogil=True)
def _span(logits: Any, offset: Any, before: Any) -> Any:
    """The lines between, first and last (excluded), that may have values above -offset, with one more on each side."""
    low, high = logits.shape[0], -1
    for y in range(logits.shape[0]):
        if (logits[y] > -offset).any():
            low, high = min(low, y), y
    if high < 0:
        return 0, 0
    begin = np.searchsorted(before, low - 1, side="left") - 1
    return max(0, begin), min(before.size, np.searchsorted(before, high, side="right") + 1)


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
    """Grow the box to hold these pixels too."""
    box[0], box[1] = min(box[0], left), min(box[1], top)
    box[2], box[3] = max(box[2], right), max(box[3], bottom)
