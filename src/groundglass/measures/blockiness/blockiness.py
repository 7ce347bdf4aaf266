"""Blockiness: how much more the 8×8 blocks of a JPEG differ on its own grid than on a shifted one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from groundglass.catalog import Column, Measure, Parameter, Value
from groundglass.errors import NoValue
from groundglass.measures.blockiness.block_dct import block_variation

if TYPE_CHECKING:
    import numpy.typing as npt

    from groundglass.image.frame import Frame

SMALLEST = 36
"""The least side, px: 4 × 4 blocks and the shift."""
FLAT = 1e-4
"""A subband that varies less than this, in grey levels of the orthonormal DCT, has no texture."""


def blockiness(frame: Frame, search_phases: bool = False) -> dict[str, Value]:
    """Traces of JPEG compression: 0 for none, about 10 at quality 95, 45 at 85, 80 at 75 and 160 at 50.

    Two grids of 8×8 blocks are laid over the luma as it was stored, one on the JPEG's grid and one 4 px down
    and right. V is how much a block's DCT coefficients differ from its neighbours' (`block_variation`), and

        B = Σ over the 64 subbands of |V̄crop - V̄| / V̄

    A region of a photo is measured on the photo's grid. For an image of unknown history (a JPEG
    that was cropped and saved again) ``search_phases`` tries all 64 places of the grid, at 64 times the cost,
    and gives the largest B and where it was found.

    Raises NoValue: ``too_small`` below 36 px, ``flat`` where a subband has no texture at all.

    Source: the selection of DiverSeg (ECCV 2024), with luma rounded to 8 bits.

    >>> from groundglass import testing
    >>> from groundglass.image.frame import open_frame
    >>> photo = testing.photo(256, 256)
    >>> clean, coarse = (open_frame(data) for data in (testing.png(photo), testing.jpeg(photo, quality=50)))
    >>> blockiness(clean)["blockiness"] < 5 < 40 < blockiness(coarse)["blockiness"]
    True
    """
    luma = frame.grid_luma
    if not search_phases:
        return {"blockiness": blockiness_of(luma), "phase_x": None, "phase_y": None}
    value, x, y = max((blockiness_of(luma[y:, x:]), x, y) for y in range(8) for x in range(8))
    return {"blockiness": value, "phase_x": x, "phase_y": y}


def blockiness_of(luma: npt.NDArray[np.uint8]) -> float:
    """B of H×W uint8 luma with a grid that begins at its top left. Raises NoValue as `blockiness`."""
    height, width = luma.shape
    if min(height, width) < SMALLEST:
        raise NoValue("too_small", f"{width} x {height} px on the grid, {SMALLEST} are needed")
    # Both grids have the same number of blocks, so that their means compare.
    rows, columns = (height - 4) // 8, (width - 4) // 8  # whole blocks that leave 4 px for the shifted grid
    on_grid = block_variation(luma, 0, 0, rows, columns)
    beside = block_variation(luma, 4, 4, rows, columns)
    if on_grid.min() < FLAT:
        raise NoValue("flat", "a subband of the blocks has no texture")
    return float(np.sum(np.abs(beside - on_grid) / on_grid))


MEASURE = Measure(
    name="blockiness",
    version=1,
    compute=blockiness,
    columns={
        "blockiness": Column("", 0, None, "lower", "traces of 8×8 JPEG blocks, 0 for none"),
        "phase_x": Column("px", 0, 7, "neither", "left edge of the grid found; empty unless searched", int),
        "phase_y": Column("px", 0, 7, "neither", "top edge of the grid found; empty unless searched", int),
    },
    reference="DiverSeg (ECCV 2024), the blockiness of its source selection, luma rounded to 8 bits",
    parameters={
        "search_phases": Parameter(False, "try all 64 places of the grid and take the largest value"),
    },
)
"""Its record in the catalog."""
