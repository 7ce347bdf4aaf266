"""Colour: how strong it is, whether there is any, and whether it is one tone over a grey image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from groundglass.catalog import Column, Measure, Parameter, Value
from groundglass.image.color_statistics import colour_beside_brightness

if TYPE_CHECKING:
    from groundglass.image.frame import Frame

LEAST_TINT = 4.0
"""A tone weaker than this, in grey levels of opponent colour, does not count."""
MOST_BESIDE = 7.0
"""Colours of one luma that scatter more than this, in grey levels, are several tones."""


def colour(frame: Frame, grey_below: float = 0.001, toned_below: float = 0.2) -> dict[str, Value]:
    """Colourfulness, saturation, and whether an image is grey or toned.

    With rg = R - G and yb = (R + G)/2 - B, ``colourfulness`` is √(σrg² + σyb²) + 0.3 √(μrg² + μyb²): 0 for
    grey, about 33 for a moderately and 82 for a highly colourful photo. ``saturation`` is the mean of
    (max - min)/max, black counting as 0.

    ``is_grey``: at most ``grey_below`` of the pixels have max - min over 12, which JPEG's noise on a grey
    image stays under. ``tint_strength`` is √(μrg² + μyb²), how far the mean colour is from grey.
    ``is_toned`` (sepia, cyanotype, one-colour drawings): not grey, and brightness alone decides the colour: of
    the means of 8×8 px, (rg, yb) scatters among those of one luma by less than ``toned_below`` of its
    strength, and by less than 7 grey levels. 98 in 100 sepia prints and cyanotypes saved as JPEG are found; so
    are 14 of 260 photos in colour, which show nothing but sand, sea or dusk.

    Source: Hasler and Süsstrunk, "Measuring colourfulness in natural images", SPIE 2003, equation for M(3).

    >>> from groundglass import testing
    >>> from groundglass.image.frame import open_frame
    >>> colour(open_frame(testing.png(testing.flat(8, 8))))
    {'colourfulness': 0.0, 'saturation': 0.0, 'is_grey': True, 'tint_strength': 0.0, 'is_toned': False}
    """
    sums = frame.colours
    mean = float(np.hypot(sums.rg_mean, sums.yb_mean))
    is_grey = sums.coloured <= grey_below
    return {
        "colourfulness": float(np.sqrt(sums.rg_variance + sums.yb_variance)) + 0.3 * mean,
        "saturation": sums.saturation,
        "is_grey": is_grey,
        "tint_strength": mean,
        "is_toned": not is_grey and mean >= LEAST_TINT and _follows_brightness(frame, toned_below),
    }


def _follows_brightness(frame: Frame, below: float) -> bool:
    strength, beside = colour_beside_brightness(frame.rgb)
    return beside < min(below * strength, MOST_BESIDE)


MEASURE = Measure(
    name="colour",
    version=1,
    compute=colour,
    columns={
        "colourfulness": Column("", 0, 300, "higher", "M(3): 0 grey, 33 moderate, 82 highly colourful"),
        "saturation": Column("", 0, 1, "neither", "mean saturation, (max - min)/max"),
        "is_grey": Column("", None, None, "neither", "has no colour except JPEG's noise", bool),
        "tint_strength": Column("grey", 0, 286, "neither", "distance of the mean colour from grey"),
        "is_toned": Column("", None, None, "neither", "one tone over a grey image, like sepia", bool),
    },
    reference="Hasler and Süsstrunk, Measuring colourfulness in natural images, SPIE 2003",
    parameters={
        "grey_below": Parameter(0.001, "share of coloured pixels that a grey image may have", "", 0, 1),
        "toned_below": Parameter(
            0.2, "share of the colour that may differ among pixels of one luma", "", 0, 1
        ),
    },
)
"""Its record in the catalog."""
