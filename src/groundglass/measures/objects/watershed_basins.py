"""Catchment basins of an image's gradient: the regions between edges, counted by depth.

Water rises on the gradient's magnitude. Every minimum begins a basin; where two basins meet, the shallower
one ends, and the level of their meeting above its minimum is its *dynamics*. How many minima have at least
some dynamics does not depend on the order in which equal levels are flooded, so the count is the same for
the mirrored and the turned gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from groundglass.libraries import cv2, njit

Pixels = npt.NDArray[np.uint8]
Levels = npt.NDArray[np.uint16]

STEPS = 64
"""Levels of the gradient in a unit of ΔE a pixel; whole numbers sort fast."""


def colour_gradient(rgb: Pixels, sigma: float) -> Levels:
    """Magnitude of the CIELAB gradient of H×W×3 uint8 sRGB, in 1/`STEPS` of ΔE a pixel.

    The image is first blurred by a Gaussian of ``sigma`` px; derivatives are Sobel's, divided by 8; the
    three channels' squares are added (Di Zenzo's tensor, its trace).

    >>> edge = np.repeat(np.uint8([0, 0, 0, 0, 255, 255, 255, 255]), 3).reshape(1, 8, 3)
    >>> colour_gradient(np.tile(edge, (8, 1, 1)), 1.0)[4].argmax() in (3, 4)
    True
    """
    # CIELAB, where equal distances look equal: an edge between colours of one brightness counts, too.
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    smooth = cv2.GaussianBlur(lab, (0, 0), sigma)
    squares = sum(_squares(np.ascontiguousarray(smooth[..., channel])) for channel in range(3))
    return np.minimum(np.rint(np.sqrt(squares) * STEPS), 65535).astype(np.uint16)


def _squares(plane: Any) -> npt.NDArray[np.float32]:
    across = cv2.Sobel(plane, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(plane, cv2.CV_32F, 0, 1, scale=1 / 8)
    return np.asarray(across * across + down * down, np.float32)


def count_basins(levels: Levels, dynamics: int) -> int:
    """Minima of H×W ``levels`` (8 neighbours) with at least ``dynamics``; the lowest one always counts.

    Source: Grimaud, "A new measure of contrast: the dynamics", SPIE 1769, 1992.

    >>> levels = np.array([[0, 9, 4, 5, 3]], np.uint16)
    >>> [count_basins(levels, dynamics) for dynamics in (1, 2, 7)]
    [3, 2, 1]
    """
    padded = np.pad(levels, 1)
    inside = np.zeros(padded.shape, np.bool_)
    inside[1:-1, 1:-1] = True
    places = np.flatnonzero(inside)
    # A stable sort of whole numbers: fast, and the same order on every machine.
    order = places[np.argsort(levels.reshape(-1), kind="stable")]
    return int(_flood(padded.reshape(-1), order, padded.shape[1], dynamics))


@njit(cache=True, nogil=True)
def _lowest(parent: Any, place: int) -> Any:
    """The minimum of the basin of a flooded place, halving the path on the way."""
    while parent[place] != place:
        parent[place] = parent[parent[place]]
        place = parent[place]
    return place


@njit(cache=True, nogil=True)
def _flood(level: Any, order: Any, width: int, dynamics: int) -> Any:
    """The border around the image is never flooded, so no neighbour needs a check of its bounds."""
    parent = np.full(level.size, -1, np.int32)
    beside = np.array([-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1])
    count = 1
    for place in order:
        parent[place] = place
        here = np.int64(place)
        for step in beside:
            if parent[place + step] < 0:
                continue
            there = np.int64(_lowest(parent, place + step))
            if there == here:
                continue
            if level[there] > level[here]:
                here, there = there, here
            if np.int64(level[place]) - np.int64(level[here]) >= dynamics:
                count += 1
            parent[here] = there
            here = there
    return count
