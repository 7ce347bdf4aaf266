"""Local features of an image: corners at several scales and their surroundings, alike in crops and copies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from groundglass.image.downscale_to_analysis_size import reduced
from groundglass.libraries import cv2

Luma = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float32]
Bits = npt.NDArray[np.uint64]

LEVEL = 1.2
"""Each level of the pyramid is smaller than the one before by this factor."""
LEVELS = 10
PATCH = 31
"""Side of the patch that a descriptor covers, px of its level."""
BORDER = 16
"""Width of the border of a level without features, px: there the patch would reach outside."""
SOUGHT = 4
"""This many times more corners are detected than kept, so that the kept ones spread over the whole image."""
GRID = 12
"""Cells per side; each gives its strongest corners."""
COARSE = 4
"""The first level that counts as coarse: about half the size."""
WORDS = 4
"""A descriptor is 256 bits: four 64-bit words."""


@dataclass(frozen=True)
class Features:
    """Features of one image.

    points       n×4 float32: x, y in px of the searched image, side of the patch in px, angle in rad
    descriptors  n×4 uint64: 256 comparisons of pairs of px around each point, turned by its angle
    """

    points: Points
    descriptors: Bits

    def __len__(self) -> int:
        return len(self.points)

    @property
    def places(self) -> npt.NDArray[np.complex128]:
        """The positions as x + iy."""
        return self.points[:, 0].astype(np.float64) + 1j * self.points[:, 1]


NONE = Features(np.zeros((0, 4), np.float32), np.zeros((0, WORDS), np.uint64))


def find_features(luma: Luma, most: int) -> Features:
    """At most ``most`` features of H×W uint8 ``luma``: ORB, corners by FAST ranked by Harris, 256 bits each.

    An image with a side under about 40 px has none. Source: Rublee et al., ORB, ICCV 2011.

    >>> from groundglass import testing
    >>> luma = np.ascontiguousarray(testing.photo(320, 240)[..., 1])
    >>> 50 < len(find_features(luma, 200)) <= 200
    True
    """
    if min(luma.shape) <= 2 * BORDER:
        return NONE
    detector = _detector(SOUGHT * most)
    found = _spread(detector.detect(luma, None), luma.shape, most)
    found, descriptors = detector.compute(luma, found)
    if not found:
        return NONE
    points = [(p.pt[0], p.pt[1], p.size, np.deg2rad(p.angle)) for p in found]
    words = np.ascontiguousarray(descriptors, np.uint8).view("<u8")
    return Features(np.array(points, np.float32), words.astype(np.uint64))


def _spread(found: Any, shape: tuple[int, ...], most: int) -> list[Any]:
    """Half are the strongest, as many fine as coarse; then the strongest of each cell, the second of each, and so on.

    So neither a busy background nor the finest detail, which a reduced copy does not have, takes all places.
    """
    if len(found) <= most:
        return list(found)
    values = np.array([(p.pt[0], p.pt[1], p.response, p.octave) for p in found])
    strength, coarse = values[:, 2], values[:, 3] >= COARSE
    across, down = (values[:, axis] * GRID // shape[1 - axis] for axis in (0, 1))
    rank = _rank_in((down * GRID + across) * 2 + coarse, strength)
    # A reduced copy has only the coarse features, so they have reserved places too.
    for kind in (coarse, ~coarse):
        rows = np.flatnonzero(kind)
        rank[rows[np.argsort(-strength[rows], kind="stable")[: most // 4]]] = -1
    chosen = np.lexsort((-strength, rank))[:most]
    return [found[i] for i in np.sort(chosen)]


def _rank_in(group: npt.NDArray[Any], strength: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """For each feature, how many of the same group are stronger."""
    order = np.lexsort((-strength, group))
    rank = np.empty(len(group), np.int64)
    rank[order] = np.arange(len(group)) - np.searchsorted(group[order], group[order])
    return rank


def working(luma: Luma, side: int) -> Luma:
    """The image with its longer side at most ``side`` px, by area means."""
    return np.ascontiguousarray(reduced(luma, side))


def _detector(most: int) -> cv2.ORB:
    return cv2.ORB_create(  # pyright: ignore[reportAttributeAccessIssue]
        nfeatures=most,
        scaleFactor=LEVEL,
        nlevels=LEVELS,
        edgeThreshold=BORDER,
        patchSize=PATCH,
        fastThreshold=8,
    )
