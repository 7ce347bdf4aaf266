"""Square tiles on a regular grid."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, PositiveInt

from groundglass.errors import RecipeError
from groundglass.image.region import Crop, Step
from groundglass.transforms.derived import Boxes, Derived, Whole, derive, refuse, sizes
from groundglass.transforms.transform import Transform

Edges = Literal["drop", "shift"]


class Tile(Transform):
    """Every image cut into square tiles on a regular grid."""

    keys: ClassVar = ("tile",)
    reference: ClassVar = "BasicSR, scripts/data_preparation/extract_subimages.py"
    example: ClassVar = "{tile: 512, stride: 256, edges: shift}"

    tile: Annotated[PositiveInt, Field(description="side of a square tile, px")]
    stride: Annotated[
        PositiveInt | None, Field(description="px from tile to tile; default: the tile's side")
    ] = None
    edges: Annotated[
        Edges | None,
        Field(description="drop: only full tiles, the default; shift: a last tile ends at the edge"),
    ] = None

    def make(self, rows: pa.Table, found: pa.Table | None) -> Derived:
        return tile(rows, self.tile, self.stride, self.edges or "drop")

    def label(self) -> str:
        """
        >>> Tile(tile=512).label()
        'tile 512'
        """
        return f"tile {self.tile}{f' every {self.stride}' if self.stride else ''}"

    def side(self) -> int:
        return self.tile

    def notes(self) -> tuple[str, ...]:
        if self.stride is None or self.stride <= self.tile:
            return ()
        return (f"tiles of {self.tile} px are {self.stride} px apart: the gaps between them are in no tile",)


def tile(rows: pa.Table, size: int, stride: int | None = None, edges: Edges = "drop") -> Derived:
    """Cut every image into ``size`` x ``size`` px tiles, ``stride`` px apart (default: side by side).

    The rest at the right and bottom is dropped, or with ``edges="shift"`` covered by a last tile moved
    back to end at the edge. Tiles are ordered row by row. An image of exactly one tile is that tile, its id
    unchanged. Images smaller than a tile are refused as `too_small`.

    Raises RecipeError for sizes below 1 px or an unknown word for ``edges``.
    """
    stride = size if stride is None else stride
    if size < 1 or stride < 1:
        raise RecipeError(f"tiles of {size} px, {stride} px apart, cannot be cut", "use at least 1 px")
    if edges not in ("drop", "shift"):
        raise RecipeError(f"edges: {edges!r} is not known", "drop or shift")
    width, height = sizes(rows)
    fits = (width >= size) & (height >= size)
    boxes = _grid(np.where(fits, width, 0), np.where(fits, height, 0), size, stride, edges)
    return Derived(derive(rows, "tile", boxes, crop_steps(rows, boxes)), refuse(rows, ~fits))


def _grid(width: Whole, height: Whole, size: int, stride: int, edges: Edges) -> Boxes:
    columns = _count(width, size, stride, edges)
    counts = columns * _count(height, size, stride, edges)
    of = np.repeat(np.arange(len(width)), counts)
    number = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    row, column = np.divmod(number, columns[of])
    sides = np.full(len(of), size)
    # With `shift`, the last tile would reach beyond the edge, so it is moved back.
    x = np.minimum(column * stride, width[of] - size)
    y = np.minimum(row * stride, height[of] - size)
    return Boxes(of, x, y, sides, sides)


def _count(length: Whole, size: int, stride: int, edges: Edges) -> Whole:
    """The number of tiles along a side; 0 if it is shorter than a tile."""
    rest = length - size
    full = rest // stride + 1
    more = (rest % stride > 0) if edges == "shift" else np.zeros_like(full)
    return np.where(rest < 0, 0, full + more)


def crop_steps(rows: pa.Table, boxes: Boxes) -> list[tuple[Step, ...]]:
    """One crop each, or none if the box is the whole incoming image."""
    width, height = sizes(rows)
    whole = (boxes.width == width[boxes.of]) & (boxes.height == height[boxes.of])
    box_columns: tuple[Any, ...] = (boxes.x, boxes.y, boxes.width, boxes.height, whole)
    return [_crop_step(*box) for box in zip(*(column.tolist() for column in box_columns), strict=True)]


@lru_cache(maxsize=65_536)
def _crop_step(x: int, y: int, width: int, height: int, whole: bool) -> tuple[Step, ...]:
    """A crop. Tiles of many images share their positions, so few different crops are made."""
    return () if whole else (Crop(x, y, width, height),)
