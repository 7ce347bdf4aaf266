"""Boxes that a network found: how much two overlap, and which one is kept of several around the same thing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.floating]


def areas(boxes: Boxes) -> NDArray[np.floating]:
    """Areas of n×4 boxes (left, top, right, bottom); 0 for a box that is turned inside out.

    >>> areas(np.array([[0, 0, 2, 3.0], [5, 5, 4, 9]])).tolist()
    [6.0, 0.0]
    """
    return np.maximum(boxes[:, 2] - boxes[:, 0], 0) * np.maximum(boxes[:, 3] - boxes[:, 1], 0)


def overlaps(box: Boxes, boxes: Boxes) -> NDArray[np.floating]:
    """Intersection over union of one box with each of n, 0 to 1; 0 where both are empty.

    >>> overlaps(np.array([0, 0, 2, 2.0]), np.array([[1, 0, 3, 2.0], [2, 0, 3, 2], [0, 0, 2, 2]])).round(3).tolist()
    [0.333, 0.0, 1.0]
    """
    left_top = np.maximum(box[:2], boxes[:, :2])
    right_bottom = np.minimum(box[2:], boxes[:, 2:])
    shared = areas(np.concatenate([left_top, right_bottom], axis=1))
    union = areas(box[None])[0] + areas(boxes) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def best_boxes(boxes: Boxes, scores: NDArray[np.floating], limit: float) -> NDArray[np.intp]:
    """Non-maximum suppression: the boxes that remain when each drops the boxes of lower score that it overlaps.

    Two overlap when their intersection over union is above ``limit``. The result is in order of falling score; of
    equal scores the first comes first, so the result is always the same.

    >>> boxes = np.array([[0, 0, 9, 10.0], [0, 0, 10, 10], [20, 0, 30, 10]])
    >>> best_boxes(boxes, np.array([0.8, 0.9, 0.3]), 0.7).tolist()
    [1, 2]
    """
    # Stable, so that equal scores give the same result on every machine.
    waiting = np.argsort(-scores, kind="stable")
    kept: list[np.intp] = []
    while waiting.size:
        first, waiting = waiting[0], waiting[1:]
        kept.append(first)
        waiting = waiting[overlaps(boxes[first], boxes[waiting]) <= limit]
    return np.array(kept, np.intp)
