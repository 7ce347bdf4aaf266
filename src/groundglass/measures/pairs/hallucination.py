"""Places in which HQ shows what LQ does not: the map, its share of the area, and the box of the worst place."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from groundglass.libraries import cv2

Plane = NDArray[np.float32]

WINDOW = 8
"""Side of the window, px of LQ."""
BINS = 12
"""Quantile bins of LQ's gradient, in each of which the usual error is found."""
FLOOR = 0.6
"""Levels that are added to the usual error: rounding, and places without any."""
C = 60.0
"""Stabiliser of the similarity, levels²."""
OF_LARGEST = 0.3
"""Share of the largest error within a window that a px of the map needs: the rest is its blur."""
BORDER = 4
"""Px of LQ at every edge that are not judged: alignment moves unseen pixels in."""


class Departure(NamedTuple):
    """How far HQ departs from LQ, on the grid of LQ.

    excess       the 8×8 RMS error, divided by the error that is usual at LQ's gradient
    unlike       that, times 1 − similarity of the two patches
    fine         the same excess of 3×3 px, for the map's outline
    """

    excess: Plane
    unlike: Plane
    fine: Plane


def departure(lq: Plane, fitted: Plane) -> Departure:
    """The departure of the fitted HQ from LQ; both are luma, h×w, levels 0 to 255, of one size.

    The usual error is the median 8×8 RMS error in each of 12 quantile bins of LQ's gradient, made to grow with the
    gradient, + .6 levels. Similarity is SSIM's contrast-structure term (Wang et al. 2004) with C = 60 on 8×8 px. Places
    near the edge are 0.

    >>> plane = np.random.default_rng(0).normal(128, 5, (64, 64)).astype(np.float32)
    >>> false = plane.copy()
    >>> false[20:32, 20:32] += 40
    >>> found = departure(plane, false)
    >>> bool(found.excess[26, 26] > 4.6), bool(found.excess[50, 50] < 4.6)
    (True, True)
    """
    error = lq - fitted
    steepness = _rms(gradient(lq))
    coarse = _rms(error)
    usual = _usual(coarse, steepness) + FLOOR
    excess = coarse / usual
    mean_x, mean_y = window_mean(lq), window_mean(fitted)
    variances = window_mean(lq * lq) - mean_x**2 + window_mean(fitted * fitted) - mean_y**2
    covariance = window_mean(lq * fitted) - mean_x * mean_y
    similar = (2 * covariance + C) / (np.maximum(variances, 0) + C)
    fine = np.sqrt(cv2.blur(error * error, (3, 3))) / usual
    return Departure(*(_inner(plane) for plane in (excess, excess * (1 - similar), fine)))


def outline(found: Departure, excess: float, unlike: float) -> NDArray[np.bool_]:
    """The hallucination map, h×w: the places of LQ where HQ departs, within windows that pass a limit.

    A window of 8 px is wider than what is false in it, so its px are kept if their own 3×3 error is large: at least
    half of the usual limit, and .3 of the largest error nearby.
    """
    seeds = (found.excess > excess) | (found.unlike > unlike)
    if not seeds.any():
        return np.zeros(found.fine.shape, bool)
    window = np.ones((WINDOW + 1, WINDOW + 1), np.uint8)
    reach = cv2.dilate(seeds.astype(np.uint8), window)
    least = np.maximum(excess / 2, OF_LARGEST * cv2.dilate(found.fine * reach, window))
    mask = ((found.fine > least) & (reach > 0)).astype(np.uint8)
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return (opened if opened.any() else closed) > 0


def worst_box(mask: NDArray[np.bool_], found: Departure) -> tuple[int, int, int, int] | None:
    """The box (x, y, width, height), px of LQ, of the connected part of the map with the largest departure."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count < 2:
        return None
    strength = found.excess + found.unlike
    worst = max(range(1, count), key=lambda n: float(strength[labels == n].max()) * stats[n, 4] ** 0.5)
    x, y, width, height = (int(value) for value in stats[worst, :4])
    return x, y, width, height


def _usual(coarse: Plane, steepness: Plane) -> Plane:
    """The median error at LQ's gradient, growing with it."""
    inner = (slice(BORDER, -BORDER or None),) * 2
    edges = np.quantile(steepness[inner], np.linspace(0, 1, BINS + 1))
    middles, medians = [], []
    for low, high in pairwise(edges):
        inside = (steepness[inner] >= low) & (steepness[inner] <= high)
        if inside.any():
            middles.append((low + high) / 2)
            medians.append(np.median(coarse[inner][inside]))
    return np.interp(steepness, middles, np.maximum.accumulate(medians)).astype(np.float32)


def gradient(plane: Plane) -> Plane:
    """The magnitude of Sobel's gradient, levels per px."""
    x, y = cv2.Sobel(plane, cv2.CV_32F, 1, 0) / 8, cv2.Sobel(plane, cv2.CV_32F, 0, 1) / 8
    return cast(Plane, np.hypot(x, y))


def window_mean(plane: Plane) -> Plane:
    """The mean over 8×8 px."""
    return cast(Plane, cv2.blur(plane, (WINDOW, WINDOW)))


def _rms(plane: Plane) -> Plane:
    return cast(Plane, np.sqrt(window_mean(plane * plane)))


def _inner(plane: NDArray[Any]) -> Plane:
    """Zero near the edge."""
    kept = np.zeros_like(plane, np.float32)
    inner = (slice(BORDER, -BORDER),) * 2
    kept[inner] = plane[inner]
    return kept
