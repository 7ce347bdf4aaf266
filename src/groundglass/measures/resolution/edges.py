"""Edge width: the number of pixels over which the strong edges of an image rise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from groundglass.libraries import njit
from groundglass.measures.resolution.patches import Luma

BINS = 64
LEAST_RISE = 32
"""The least rise of an edge, grey levels."""


def steepness(patches: Sequence[Luma]) -> npt.NDArray[np.float64]:
    """How steep edges are: quantiles .5, .8 and .95 over all edges along rows and columns, in 0..1.

    The steepness of an edge (a monotone rise or fall of at least 32 grey levels) is the largest step from
    one pixel to the next over the whole rise: 1 is a step, 1/w an even ramp of w px. Zeros where an image
    has fewer than 16 such edges. After Marziliano 2004 and Narvekar & Karam 2011, which measure widths.

    >>> step = np.where(np.arange(64) % 16 < 8, 40, 200).astype(np.uint8)
    >>> steepness([np.tile(step, (64, 1))]).tolist()
    [1.0, 1.0, 1.0]
    """
    counts = np.zeros(BINS + 1, np.int64)
    for patch in patches:
        for plane in (patch, patch.T):
            _count_edges(np.ascontiguousarray(plane), LEAST_RISE, counts)
    if counts.sum() < 16:
        return np.zeros(3)
    reached = np.cumsum(counts) / counts.sum()
    return np.searchsorted(reached, (0.5, 0.8, 0.95)) / BINS


@njit(cache=True, nogil=True)
def _count_edges(plane: Any, least: int, counts: Any) -> None:  # pragma: no cover - compiled
    """Add the steepness of every edge along rows to the histogram."""
    height, width = plane.shape
    bins = counts.shape[0] - 1
    for y in range(height):
        rise, steepest = 0, 0
        for x in range(1, width):
            step = np.int32(plane[y, x]) - np.int32(plane[y, x - 1])
            if step * rise <= 0:
                if abs(rise) >= least:
                    counts[steepest * bins // abs(rise)] += 1
                rise, steepest = 0, 0
            rise += step
            steepest = max(steepest, abs(step))
