"""The most detailed tile of every image: found by the workers, then made a row."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, cast

import numpy as np
import pyarrow as pa
from pydantic import Field, PositiveInt

from groundglass.catalog import Column, Measure, Parameter, Value
from groundglass.tables.parquet import connect
from groundglass.transforms.derived import REFUSED, Boxes, Derived, derive
from groundglass.transforms.most_detailed_square import most_detailed_square
from groundglass.transforms.tile import crop_steps, tile
from groundglass.transforms.transform import Measured, Transform


def find_best_tile(frame: Any, size: int) -> dict[str, Value]:
    """The position of an image's most detailed square tile, with the largest mean absolute Laplacian of luma.

    ``frame.luma`` is H x W uint8. Every position at multiples of 8 px from the top left is tried. Raises NoValue
    `too_small` if the image is smaller than a tile.
    """
    return most_detailed_square(frame.luma, size)._asdict()


BEST_TILE = Measure(
    name="best_tile",
    version=1,
    compute=find_best_tile,
    columns={
        "x": Column("px", 0, None, "neither", "left edge of the most detailed tile", int),
        "y": Column("px", 0, None, "neither", "top edge of the most detailed tile", int),
        "score": Column(
            "grey levels", 0, 1020, "higher", "mean absolute Laplacian of luma in it; grain also raises it"
        ),
    },
    reference="the definition of pepeline.best_tile (mean |Laplacian|), at places 8 px apart",
    parameters={"size": Parameter(None, "side of the tile; must be given", "px", 1)},
)
"""The measure that the workers take before `best_tile` can make rows."""


class BestTile(Transform):
    """The one square tile of every image that has the most detail."""

    keys: ClassVar = ("best_tile",)
    reference: ClassVar = BEST_TILE.reference
    example: ClassVar = "{best_tile: 512}"

    best_tile: Annotated[PositiveInt, Field(description="side of the one most detailed tile, px")]

    def measured(self) -> Measured:
        return Measured(BEST_TILE, {"size": self.best_tile})

    def make(self, rows: pa.Table, found: pa.Table | None) -> Derived:
        assert found is not None
        return best_tile(rows, found, self.best_tile)

    def at_most(self, rows: pa.Table) -> Derived:
        """The positions are not known yet, but any one tile of the same size gives the same count."""
        return tile(rows, self.best_tile, stride=1_000_000)

    def label(self) -> str:
        return f"best tile {self.best_tile}"

    def side(self) -> int:
        return self.best_tile


def best_tile(rows: pa.Table, found: pa.Table, size: int) -> Derived:
    """One ``size`` x ``size`` px tile of every image, at the position in ``found``.

    ``found`` holds the columns of `BEST_TILE`: sha256, region, x, y and error. A row with no such
    tile in its image is refused with that error, or as `measure_failed` if nothing was measured. An image of exactly
    one tile is that tile, its id unchanged.
    """
    places = _places(rows, found)
    missing = places["reason"].is_valid()
    refused = places.filter(missing).select(REFUSED.names).cast(REFUSED)
    good = places.filter(places["reason"].is_null())
    of, x, y = (good[name].to_numpy().astype(np.int64) for name in ("number", "x", "y"))
    sides = np.full(len(of), size)
    boxes = Boxes(of, x, y, sides, sides)
    return Derived(derive(rows, "best_tile", boxes, crop_steps(rows, boxes)), refused)


def _places(rows: pa.Table, found: pa.Table) -> pa.Table:
    """For every row in order: number, id, x, y, and the reason if there is no position."""
    connection = connect()
    connection.register("current", rows.append_column("number", pa.array(range(rows.num_rows), pa.int64())))
    connection.register("found", found)
    places = connection.sql(
        "SELECT number, any_value(id) AS id, min(f.x) AS x, min(f.y) AS y, "
        "CASE WHEN min(f.x) IS NULL THEN coalesce(min(f.error), 'measure_failed') END AS reason "
        "FROM current LEFT JOIN found f USING (sha256, region) GROUP BY number ORDER BY number"
    ).to_arrow_table()
    return cast(pa.Table, places)
