"""An image's relief: whether each of 32×32 cells is lighter or darker than its neighbours.

It separates images far better than the cells' own means do (skies are light and grounds dark in most photos), and it is
not an image: 32×32 differences, from which the photo cannot be restored.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from groundglass.libraries import cv2

CELLS = 32
"""Cells per side."""
NEIGHBOURS = 5
"""A cell is compared with the square of cells of this side around it."""
FEWEST = 48
"""With fewer known cells of both images, there is no result."""
FLAT = 0.5
"""A relief with a smaller deviation, in grey levels, is too flat to compare."""

Relief = npt.NDArray[np.int8]
Means = npt.NDArray[np.float32]


def cell_means(luma: npt.NDArray[np.uint8]) -> Means:
    """Mean of H×W uint8 ``luma`` in each of 32×32 equal cells."""
    return cv2.resize(luma, (CELLS, CELLS), interpolation=cv2.INTER_AREA).astype(np.float32)


def relief(means: Means, known: npt.NDArray[np.bool_] | None = None) -> Relief:
    """Each cell minus the mean of its neighbourhood, in grey levels, -127 to 127; 0 for a cell that is not known.

    >>> relief(np.full((32, 32), 80, np.float32)).any()
    np.False_
    """
    weight = np.ones_like(means) if known is None else known.astype(np.float32)
    size, edge = (NEIGHBOURS, NEIGHBOURS), cv2.BORDER_CONSTANT
    total = cv2.boxFilter(means * weight, -1, size, normalize=False, borderType=edge)
    count = cv2.boxFilter(weight, -1, size, normalize=False, borderType=edge)
    difference = np.where(weight > 0, means - total / np.maximum(count, 1), 0)
    return difference.round().clip(-127, 127).astype(np.int8)


def compressed(relief: Relief) -> npt.NDArray[np.float32]:
    """Signed square roots, so that one hard edge does not outweigh all other cells."""
    values = relief.astype(np.float32)
    return np.sign(values) * np.sqrt(np.abs(values))


def correlation(a: Relief, b: Relief, known: npt.NDArray[np.bool_]) -> float:
    """Correlation of two reliefs over the known cells, -1 to 1; 0 if there are too few, or if one relief is flat.

    >>> ramp = (np.arange(1024) % 7 - 3).astype(np.int8).reshape(32, 32)
    >>> correlation(ramp, ramp, np.ones((32, 32), bool))
    1.0
    """
    if np.count_nonzero(known) < FEWEST or min(a[known].std(), b[known].std()) < FLAT:
        return 0.0
    x, y = compressed(a)[known], compressed(b)[known]
    x, y = x - x.mean(), y - y.mean()
    return round(float((x @ y) / np.sqrt((x @ x) * (y @ y))), 6)
