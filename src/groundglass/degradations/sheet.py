"""A sheet of every degradation at three strengths, to look at."""

from __future__ import annotations

import numpy as np

from groundglass.degradations.catalog import distort
from groundglass.degradations.settings import Pixels
from groundglass.degradations.strengths import STRENGTHS
from groundglass.libraries import cv2
from groundglass.random_streams import stream

SIDE = 192
"""Of one example, px."""
_LINE = 22
_BLOCKS = 2


def sheet(rgb: Pixels, seed: int = 0) -> Pixels:
    """Each degradation at low, mid and high strength on the middle of the image, with names; two of them in a row.

    An example that has another size is shown from its upper left corner on grey.

    >>> sheet(np.full((64, 64, 3), 90, np.uint8)).shape[1]
    1152
    """
    middle = _middle(rgb)
    bands = [_band(name, middle, seed) for name in STRENGTHS]
    bands += [np.full_like(bands[0], 255)] * (-len(bands) % _BLOCKS)
    rows = [np.concatenate(bands[i : i + _BLOCKS], axis=1) for i in range(0, len(bands), _BLOCKS)]
    return np.concatenate(rows, axis=0)


def _middle(rgb: Pixels) -> Pixels:
    top, left = (max(0, (side - SIDE) // 2) for side in rgb.shape[:2])
    return np.ascontiguousarray(rgb[top : top + SIDE, left : left + SIDE])


def _band(name: str, middle: Pixels, seed: int) -> Pixels:
    cells: list[Pixels] = []
    for word, settings in zip(("low", "mid", "high"), STRENGTHS[name], strict=True):
        made = distort(middle, settings, stream(seed, name, word))[:SIDE, :SIDE]
        cell = np.full((SIDE + _LINE, SIDE, 3), 255, np.uint8)
        cell[_LINE:] = 128
        cell[_LINE : _LINE + made.shape[0], : made.shape[1]] = made
        text = f"{name.replace('_', ' ')}, {word}"
        cv2.putText(cell, text, (4, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
        cells.append(cell)
    return np.concatenate(cells, axis=1)
