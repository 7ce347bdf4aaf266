"""A sheet of every degradation at three strengths, to look at."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from groundglass.degradations.catalog import DISTORTIONS, distort
from groundglass.degradations.settings import Pixels
from groundglass.degradations.strengths import STRENGTHS
from groundglass.extras import is_installed
from groundglass.libraries import cv2
from groundglass.random_streams import stream

SIDE = 192
"""Of one example, px."""
LINES = 38
"""Height of the two lines of text above it, px."""
GAP = 6
"""Between examples, px."""
_BLOCKS = 2
_FONT, _NAME, _SETTINGS = 0, 0.42, 0.36  # OpenCV's plain font, and two sizes of it


def sheet(rgb: Pixels, seed: int = 0) -> Pixels:
    """Each degradation at low, mid and high strength on the middle of the image; two of them in a row.

    Above each example are its name and its settings, as many as fit. An example that has another size is shown from its
    upper left corner on grey, and so is a degradation whose extra is not installed.

    >>> sheet(np.full((64, 64, 3), 90, np.uint8)).shape[1]
    1194
    """
    middle = _middle(rgb)
    bands = [_band(name, middle, seed) for name in STRENGTHS]
    bands += [np.full_like(bands[0], 255)] * (-len(bands) % _BLOCKS)
    rows = [np.concatenate(bands[i : i + _BLOCKS], axis=1) for i in range(0, len(bands), _BLOCKS)]
    return np.pad(np.concatenate(rows, axis=0), ((0, 0), (GAP, 0), (0, 0)), constant_values=255)


def _middle(rgb: Pixels) -> Pixels:
    top, left = (max(0, (side - SIDE) // 2) for side in rgb.shape[:2])
    return np.ascontiguousarray(rgb[top : top + SIDE, left : left + SIDE])


def _band(name: str, middle: Pixels, seed: int) -> Pixels:
    extra = DISTORTIONS[name].extra
    here = not extra or is_installed(extra)
    cells: list[Pixels] = []
    for word, settings in zip(("low", "mid", "high"), STRENGTHS[name], strict=True):
        cell = np.full((LINES + SIDE + GAP, SIDE + GAP, 3), 255, np.uint8)
        cell[LINES : LINES + SIDE, :SIDE] = 128
        if here:
            made = distort(middle, settings, stream(seed, name, word))[:SIDE, :SIDE]
            cell[LINES : LINES + made.shape[0], : made.shape[1]] = made
        else:
            _write(cell, f"needs the extra '{extra}'", LINES + SIDE // 2, _NAME)
        _write(cell, f"{name.replace('_', ' ')}, {word}", 16, _NAME)
        _write(cell, _settings(settings), 32, _SETTINGS)
        cells.append(cell)
    return np.concatenate(cells, axis=1)


def _write(cell: Pixels, text: str, bottom: int, size: float) -> None:
    cv2.putText(cell, text, (1, bottom), _FONT, size, (0, 0, 0), 1, cv2.LINE_AA)


def _settings(settings: Any) -> str:
    """The settings that are not neutral, from the first one on, as many as fit above an example.

    >>> from groundglass.degradations.jpeg import Jpeg
    >>> _settings(Jpeg(40))
    'quality 40'
    """
    neutral = type(settings)()
    said = ""
    for field in fields(settings):
        value = getattr(settings, field.name)
        if value == getattr(neutral, field.name):
            continue
        plain = f"{value:g}" if isinstance(value, float) else str(value)
        longer = f"{said}{', ' if said else ''}{field.name} {plain}"
        if cv2.getTextSize(longer, _FONT, _SETTINGS, 1)[0][0] > SIDE:
            break
        said = longer
    return said
