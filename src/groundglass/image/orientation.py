"""EXIF orientation: pixels turned upright and back, and boxes with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from groundglass.image.region import Box
from groundglass.libraries import cv2

Pixels = npt.NDArray[np.uint8]

TURNED = (5, 6, 7, 8)
"""Orientations that swap width and height."""
# Quarter turns undo each other; every other orientation undoes itself.
_BACK = {6: 8, 8: 6}


def upright(stored: Pixels, orientation: int) -> Pixels:
    """Stored pixels H×W or H×W×3, turned upright (TIFF tag 274: 1 to 8). Contiguous.

    >>> upright(np.uint8([[1, 2], [3, 4]]), 6).tolist()
    [[3, 1], [4, 2]]
    """
    if orientation == 1 or 0 in stored.shape:
        return np.ascontiguousarray(stored.swapaxes(0, 1) if orientation in TURNED else stored)
    return _as_pixels(_TURN[orientation](stored))


def as_stored(seen: Pixels, orientation: int) -> Pixels:
    """The way back from `upright`."""
    return upright(seen, _BACK.get(orientation, orientation))


def box_as_stored(box: Box, orientation: int, stored_width: int, stored_height: int) -> Box:
    """The place of a box of the upright image in the stored one.

    >>> box_as_stored(Box(0, 0, 10, 20), 6, 400, 300)
    Box(x=0, y=290, width=20, height=10)
    """
    x, y, width, height = box
    if orientation in TURNED:
        x, y, width, height = y, x, height, width
    if orientation in (2, 3, 7, 8):
        x = stored_width - x - width
    if orientation in (3, 4, 6, 7):
        y = stored_height - y - height
    return Box(x, y, width, height)


def _as_pixels(matrix: Any) -> Pixels:
    return np.ascontiguousarray(matrix, dtype=np.uint8)


_TURN = {
    2: lambda p: cv2.flip(p, 1),
    3: lambda p: cv2.rotate(p, cv2.ROTATE_180),
    4: lambda p: cv2.flip(p, 0),
    5: lambda p: cv2.transpose(p),
    6: lambda p: cv2.rotate(p, cv2.ROTATE_90_CLOCKWISE),
    7: lambda p: cv2.rotate(cv2.transpose(p), cv2.ROTATE_180),
    8: lambda p: cv2.rotate(p, cv2.ROTATE_90_COUNTERCLOCKWISE),
}
