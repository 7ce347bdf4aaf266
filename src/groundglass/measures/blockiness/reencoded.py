"""Blockiness of a photo as it is and after JPEG at known qualities: the data of a source's profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundglass.catalog import Column, Measure, Value
from groundglass.image.encode import encode_jpeg
from groundglass.image.frame import open_frame
from groundglass.measures.blockiness.blockiness import MEASURE as BLOCKINESS
from groundglass.measures.blockiness.blockiness import blockiness_of
from groundglass.source_quality.clean_profile import QUALITIES

if TYPE_CHECKING:
    from groundglass.image.frame import Frame

COLUMNS: dict[float, str] = {quality: f"quality_{round(100 * quality)}" for quality in QUALITIES}
"""The column of each quality; 1 is the photo as it is."""


def reencoded(frame: Frame) -> dict[str, Value]:
    """Blockiness as the photo is, and of its upright pixels as a baseline JPEG, 4:2:0, at each quality.

    No catalog lists it, since no recipe selects by it. Raises NoValue as `blockiness`.

    >>> from groundglass import testing
    >>> from groundglass.image.frame import open_frame
    >>> values = reencoded(open_frame(testing.png(testing.photo(256, 256))))
    >>> values["quality_100"] < values["quality_95"] < values["quality_85"] < values["quality_50"]
    True
    """
    found: dict[str, Value] = {}
    for quality, column in COLUMNS.items():
        luma = frame.grid_luma
        if quality < 1:
            luma = open_frame(encode_jpeg(frame.rgb, round(100 * quality))).grid_luma
        found[column] = blockiness_of(luma)
    return found


MEASURE = Measure(
    name="reencoded",
    version=BLOCKINESS.version,
    compute=reencoded,
    columns={
        column: Column("", 0, None, "lower", f"blockiness at quality {quality:g}")
        for quality, column in COLUMNS.items()
    },
    reference="DiverSeg (ECCV 2024), the reference lists of its source selection",
)
"""Its record; the version is blockiness's own."""
