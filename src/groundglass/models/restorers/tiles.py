"""Runs a network on squares of an image, and joins the answers. Memory beyond input and output stays flat.

Each square is read ``overlap`` px of LQ beyond its own area. Within a quarter of the overlap on both sides of a border,
the answers of the two squares change over linearly. So a network that looks at most three quarters of the overlap far
gives the same pixels as on the whole image. If it looks further, the two answers differ in that band: their mean
difference is measured at every border, and a border above `MOST_APART` is an error and not a seam in a dataset.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundglass.errors import ImageError, RecipeError
from groundglass.models.restorers.checks import check_answer, levels_of, rounded
from groundglass.models.restorers.records import Levels, Network, Pixels

MOST_APART = 4.0
"""The largest mean difference of two squares at one border, in levels of 255."""
LEAST_OVERLAP = 4
"""px of LQ. With fewer there is no band in which two squares can be compared."""


class Span(NamedTuple):
    """Part of one axis, px: a square is read from ``start`` on, and is responsible for ``first`` up to ``last``."""

    start: int
    size: int
    first: int
    last: int


def check_tiles(tile: int, overlap: int) -> None:
    """Raises RecipeError for a tile or an overlap that cannot be cut.

    >>> check_tiles(64, 32)
    Traceback (most recent call last):
    groundglass.errors.RecipeError: a tile of 64 px is too small for an overlap of 32 px
    """
    if overlap < LEAST_OVERLAP:
        raise RecipeError(
            f"an overlap of {overlap} px shows no seams",
            f"overlap: {LEAST_OVERLAP} or more; the default is 16",
        )
    if tile < 4 * overlap:
        raise RecipeError(
            f"a tile of {tile} px is too small for an overlap of {overlap} px",
            f"tile_side: {4 * overlap} or more, or a smaller overlap",
        )


def spans(length: int, tile: int, overlap: int) -> list[Span]:
    """The squares along one axis of ``length`` px. Each is ``tile`` px, or the whole axis if that is shorter.

    >>> spans(100, 64, 8)
    [Span(start=0, size=64, first=0, last=33), Span(start=25, size=64, first=33, last=66), \
Span(start=36, size=64, first=66, last=100)]
    """
    if length <= tile:
        return [Span(0, length, 0, length)]
    count = -(-length // (tile - 2 * overlap))
    borders = [length * number // count for number in range(count + 1)]
    return [
        Span(min(max(first - overlap, 0), length - tile), tile, first, last)
        for first, last in pairwise(borders)
    ]


def restore_tiled(network: Network, rgb: Pixels, tile: int, overlap: int) -> Pixels:
    """The network's answer to an image, (H·scale)×(W·scale)×3 uint8.

    Raises ImageError: `blank`, `wrong_size`, `seams`.
    """
    height, width = rgb.shape[:2]
    scale, half = network.scale, overlap // 4
    band = 2 * half * scale
    out = np.empty((height * scale, width * scale, 3), np.uint8)
    above: Levels | None = None
    for row in spans(height, tile, overlap):
        top, bottom = _owned(row, half, height)
        below = np.empty((band, width * scale, 3), np.float32) if row.last < height else None
        beside: Levels | None = None
        for column in spans(width, tile, overlap):
            left, right = _owned(column, half, width)
            made = _answer(network, rgb, row, column)
            part = made[
                (top - row.start) * scale : (bottom - row.start) * scale,
                (left - column.start) * scale : (right - column.start) * scale,
            ]
            if beside is not None:
                part[:, :band] = _joined(beside, part[:, :band], 1)
            if column.last < width:
                # The last band waits for the next square. A copy, or it would keep the whole answer in memory.
                beside, part = part[:, -band:].copy(), part[:, :-band]
            x, y = left * scale, top * scale
            if above is not None:
                part[:band] = _joined(above[:, x : x + part.shape[1]], part[:band], 0)
            if below is not None:
                below[:, x : x + part.shape[1]] = part[-band:]
                part = part[:-band]
            out[y : y + part.shape[0], x : x + part.shape[1]] = rounded(part)
        above = below
    return out


def _owned(span: Span, half: int, length: int) -> tuple[int, int]:
    """The px that a square gives to the output, half a band beyond each border inside the image."""
    return max(span.first - half, 0), span.last + half if span.last < length else length


def _joined(before: Levels, after: Levels, axis: int) -> Levels:
    """A band in which one square changes over to the next. Equal answers stay what they are, to the last bit."""
    apart = after - before
    mean = float(np.abs(apart).mean()) * 255
    if mean > MOST_APART:
        raise ImageError(
            "seams",
            f"two tiles differ by {mean:.1f} levels where they meet, limit {MOST_APART:g}: "
            "the model looks further than the overlap",
        )
    count = before.shape[axis]
    weight = (np.arange(count, dtype=np.float32) + 0.5) / count
    return before + apart * (weight[None, :, None] if axis else weight[:, None, None])


def _answer(network: Network, rgb: Pixels, row: Span, column: Span) -> Levels:
    """The answer for one square, which may be written to. Raises ImageError."""
    margin, scale = network.margin, network.scale
    rows, columns = _read(row, network, rgb.shape[0]), _read(column, network, rgb.shape[1])
    seen = levels_of(rgb[rows[:, None], columns[None, :]])
    # An answer may be the network's own memory, or may be read-only.
    made = np.array(network.run(seen), np.float32)
    cut = 0 if network.valid else margin * scale
    wanted = tuple((len(side) - 2 * margin) * scale + 2 * cut for side in (rows, columns))
    if made.shape != (*wanted, 3):
        shown = "×".join(map(str, made.shape))
        raise ImageError(
            "wrong_size",
            f"the model answers {len(columns)} x {len(rows)} px with {shown} numbers, not {wanted[0]}×{wanted[1]}×3",
        )
    made = made[cut : cut + row.size * scale, cut : cut + column.size * scale]
    check_answer(made, seen[margin : margin + row.size, margin : margin + column.size])
    return made


def _read(span: Span, network: Network, length: int) -> NDArray[np.intp]:
    """The px of one axis that the network sees: the span, filled up to a size that it takes, and the margin."""
    size = max(span.size, network.least)
    size = network.side or -(-size // network.multiple) * network.multiple
    asked = np.arange(span.start - network.margin, span.start + size + network.margin)
    if length == 1:
        return np.zeros_like(asked)
    period = 2 * (length - 1)
    asked = asked % period
    return np.where(asked < length, asked, period - asked)
