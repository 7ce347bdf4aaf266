"""Borders: bars and frames around the image, which are not part of the photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundglass.catalog import Column, Measure, Parameter, Value
from groundglass.errors import NoValue
from groundglass.measures.borders.border_bands import find_bands

if TYPE_CHECKING:
    from groundglass.image.frame import Frame

SMALLEST = 16
"""The least side, px."""


def borders(frame: Frame, tolerance: int = 8) -> dict[str, Value]:
    """Letterbox, pillarbox and frames: widths of the uniform bands at the four sides.

    A line of pixels belongs to a band while all but .5 % of its luma is within ``tolerance`` of the median
    of the outermost line. It is a border only if it ends in a step: at the image's edge at least half
    of the pixels must leave the level by twice the tolerance from one line to the next. Clear skies,
    studio backgrounds and night skies that fade into the image are not borders.

    Not found: textured or noisy frames, bars with writing along them, bars next to an image that is as dark
    as they are along more than half its edge, and anything tilted. Found by mistake: a plain wall or
    sky that ends in a straight edge parallel to the image's, as in drawings and screenshots.

    Raises NoValue: ``too_small`` below 16 px, ``flat`` where the whole image is one grey level.

    >>> import numpy as np
    >>> from groundglass import testing
    >>> from groundglass.image.frame import open_frame
    >>> boxed = np.pad(testing.photo(96, 64), ((8, 8), (0, 0), (0, 0)))
    >>> borders(open_frame(testing.png(boxed)))["border_top"]
    8
    """
    width, height = frame.width, frame.height
    if min(width, height) < SMALLEST:
        raise NoValue("too_small", f"{width} x {height} px, {SMALLEST} are needed")
    bands = find_bands(frame.luma, tolerance)
    inside = (height - bands.top - bands.bottom) * (width - bands.left - bands.right)
    return {
        "border_top": bands.top,
        "border_bottom": bands.bottom,
        "border_left": bands.left,
        "border_right": bands.right,
        "border_share": 1 - inside / (width * height),
    }


MEASURE = Measure(
    name="borders",
    version=1,
    compute=borders,
    columns={
        "border_top": Column("px", 0, None, "lower", "height of the band at the top", int),
        "border_bottom": Column("px", 0, None, "lower", "height of the band at the bottom", int),
        "border_left": Column("px", 0, None, "lower", "width of the band at the left", int),
        "border_right": Column("px", 0, None, "lower", "width of the band at the right", int),
        "border_share": Column("", 0, 1, "lower", "share of the image's area that is border"),
    },
    reference="own definition: uniform lines that end in a step",
    parameters={
        "tolerance": Parameter(8, "how far a band's luma may stray, for JPEG's noise", "grey", 0, 100),
    },
)
"""Its record in the catalog."""
