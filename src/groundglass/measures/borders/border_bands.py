"""Bands of one grey level along the sides of an image: letterbox, pillarbox, frames."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from groundglass.errors import NoValue

Luma = npt.NDArray[np.uint8]
STRAY = 0.005
"""Share of a line's pixels that may differ from the band's level: specks, the corner of a logo."""
STEP = 0.5
"""Share of the content's edge that must leave the band's level at once; otherwise the band fades into the image."""
_RINGING = 8  # lines over which JPEG blurs the band's edge
_FIRST, _CHUNK = 2, 64  # lines read first, and then at a time


class Bands(NamedTuple):
    """Widths of the bands: px to be cut from each side of an image."""

    top: int
    bottom: int
    left: int
    right: int


def find_bands(luma: Luma, tolerance: int) -> Bands:
    """Widths of the bands of H×W uint8 ``luma``; a line belongs to one while it is within ``tolerance``.

    Raises NoValue ``flat`` where the whole image is one band.
    """
    views = (luma, luma[::-1], luma.T, luma.T[::-1])
    reach = [_flat_lines(view, tolerance) for view in views]
    if reach[0] == luma.shape[0] or reach[2] == luma.shape[1]:
        raise NoValue("flat", "one grey level from side to side")
    rows = slice(reach[0], luma.shape[0] - reach[1])
    columns = slice(reach[2], luma.shape[1] - reach[3])
    across = (columns, columns, rows, rows)
    return Bands(*map(_sharp_end, views, reach, across, [tolerance] * 4))


def _level(view: Luma) -> int:
    """The level of a possible band: the median of the outermost line."""
    return int(np.median(view[0]))


def _flat_lines(view: Luma, tolerance: int) -> int:
    """Lines from the first on that are within tolerance of its level, except for a few pixels."""
    # Most images have no bands, so the first two lines usually decide, and the rest is not read.
    level, start, chunk = _level(view), 0, _FIRST
    while start < len(view):
        lines = view[start : start + chunk].astype(np.int16)
        off = (np.abs(lines - level) > tolerance).mean(axis=1) > STRAY
        if off.any():
            return start + int(off.argmax())
        start, chunk = start + chunk, _CHUNK
    return len(view)


def _sharp_end(view: Luma, flat: int, across: slice, tolerance: int) -> int:
    """The line at which the band ends in a step, within a JPEG block of its last flat line; 0 where it fades out."""
    if not flat:
        return 0
    lines = view[flat - 1 : flat + _RINGING, across].astype(np.int16)
    off = (np.abs(lines - _level(view)) > 2 * tolerance).mean(axis=1)
    at = int(np.diff(off).argmax())
    rise = off[at + 1 : at + 3].max() - off[at]  # a scan's edge takes two lines
    return flat + at if rise >= STEP else 0
