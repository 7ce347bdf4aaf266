"""Between 8-bit sRGB values and linear light, for degradations that happen before a camera encodes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from groundglass.degradations.settings import Pixels, as_bytes
from groundglass.libraries import cv2


def to_linear(rgb: Pixels) -> npt.NDArray[np.float32]:
    """Linear light, 0 to 1 (IEC 61966-2-1).

    >>> to_linear(np.array([[0, 255]], np.uint8)).tolist()
    [[0.0, 1.0]]
    """
    v = np.arange(256) / 255
    table = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4).astype(np.float32)
    return np.asarray(cv2.LUT(rgb, table), np.float32)


def from_linear(light: npt.NDArray[Any]) -> Pixels:
    """8-bit sRGB of linear light; outside 0 to 1 it is clipped.

    >>> grey = np.full((1, 1, 3), 77, np.uint8)
    >>> bool((from_linear(to_linear(grey)) == grey).all())
    True
    """
    x = np.clip(light, 0, 1)
    return as_bytes(255 * np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.power(x, 1 / 2.4) - 0.055))


def smooth_field(height: int, width: int, cells: int, random: np.random.Generator) -> npt.NDArray[np.float32]:
    """A soft random field with values from 0 to 1: about ``cells`` blobs along the longer side.

    >>> smooth_field(30, 40, 4, np.random.default_rng(0)).shape
    (30, 40)
    """
    step = max(height, width) / cells
    size = max(2, round(height / step) + 1), max(2, round(width / step) + 1)
    coarse = random.random(size, dtype=np.float32)
    field = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    return np.clip(field, 0, 1)
