"""The dense residual of an alignment: how far each part of HQ is still shifted after the affine map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from groundglass.libraries import cv2
from groundglass.measures.pairs.align import Plane

BLOCK = 16
"""Side of a block, px of LQ."""
LEAST_LIT = 8.0
"""Smallest eigenvalue of a block's structure tensor, levels² per px²: below, the shift along one edge is open."""
ROUNDS = 3


def local_shifts(ours: Plane, theirs: Plane, scale: float) -> NDArray[np.float32]:
    """The shift of each block, px of HQ: rows × columns × (x, y), NaN where a block has too little structure.

    Both are bands of luma at the size of HQ (`align.band`), theirs aligned. Lucas & Kanade 1981: in each block of
    16 px of LQ, the shift that explains the difference by the gradient, three times. Shifts above 4 px of LQ are not
    found.

    >>> random = np.random.default_rng(0)
    >>> scene = 5 * cv2.GaussianBlur(random.uniform(0, 255, (160, 160)).astype(np.float32), (0, 0), 3)
    >>> found = local_shifts(scene[16:144, 16:144], scene[16:144, 15:143], 4)
    >>> np.nanmedian(found, axis=(0, 1)).round(1) + 0.0
    array([1., 0.], dtype=float32)
    """
    side = max(8, round(BLOCK * scale))
    rows, columns = ours.shape[0] // side, ours.shape[1] // side
    found = np.full((rows, columns, 2), np.nan, np.float32)
    for row in range(rows):
        for column in range(columns):
            place = slice(row * side, (row + 1) * side), slice(column * side, (column + 1) * side)
            found[row, column] = _shift(ours, theirs, place, 4 * scale)
    return found


def dense_residual(shifts: NDArray[np.float32]) -> float | None:
    """The 90th percentile of the blocks' shifts, px of HQ; lower is better. None if under four blocks have one.

    >>> dense_residual(np.full((2, 2, 2), 3.0, np.float32)).__round__(2)
    4.24
    """
    lengths = np.linalg.norm(shifts, axis=2)
    lengths = lengths[np.isfinite(lengths)]
    return float(np.percentile(lengths, 90)) if len(lengths) >= 4 else None


def _shift(ours: Plane, theirs: Plane, place: tuple[slice, slice], most: float) -> tuple[float, float]:
    y, x = place
    height, width = y.stop - y.start, x.stop - x.start
    wanted = ours[place]
    total = np.zeros(2)
    for _ in range(ROUNDS):
        center = (x.start + (width - 1) / 2 + total[0], y.start + (height - 1) / 2 + total[1])
        piece = cv2.getRectSubPix(theirs, (width, height), center)
        gx, gy = cv2.Sobel(piece, cv2.CV_32F, 1, 0) / 8, cv2.Sobel(piece, cv2.CV_32F, 0, 1) / 8
        tensor = np.array([[(gx * gx).sum(), (gx * gy).sum()], [(gx * gy).sum(), (gy * gy).sum()]])
        if np.linalg.eigvalsh(tensor)[0] < LEAST_LIT * height * width / 16:
            return float("nan"), float("nan")
        rest = wanted - piece
        total += np.linalg.solve(tensor, np.array([(gx * rest).sum(), (gy * rest).sum()]))
        if np.abs(total).max() > most:
            return float("nan"), float("nan")
    return float(total[0]), float(total[1])
