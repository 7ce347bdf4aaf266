"""Text and graphics: images that were drawn rather than photographed, and lettering over photos."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundglass.catalog import Column, Measure, Value
from groundglass.image import downscale_to_analysis_size
from groundglass.measures.text_and_graphics import synthetic_graphics, text_lines

if TYPE_CHECKING:
    from groundglass.image.frame import Frame

SIDE = 768
"""Longer side, px, to which an image is reduced before the search for lettering."""
LEAST = 32
"""Shorter side, px, below which there is nothing to find."""
ONE_TONE = 4.0
"""Grey levels by which the letters of an overlay may differ."""


def text_and_graphics(frame: Frame) -> dict[str, Value]:
    """How much an image looks like a drawing by a program, and the share of it that lettering covers.

    ``graphics_score``, 0 to 1, is the mean of two shares of luma at full size: pixels of the 16 commonest
    tones, and pixels with a step to the next one that is *not* weak (1 to 11 grey levels: noise and shading).
    Charts, screenshots, logos and flat drawings are near 1, photos under .5; drop above .65. Painted,
    shaded or strongly compressed drawings score like photos, and photos that are mostly black
    or burnt out score like drawings.

    ``text_share`` is the share of the image, reduced to 768 px, that lines of three or more letter-like
    strokes cover, 0 to 1: print in the scene counts like print over the image. It misses handwriting, letters that
    touch, under 6 px or over a quarter of the image high, strokes over 14 px, vertical and strongly slanted
    lines, and most words over busy texture; it sometimes reads rows of windows and fences as
    words. ``overlay_share`` is the part of it with letters of one tone within 4 grey levels, as in
    opaque captions; real signs in even light have it too, see-through watermarks do not. A watermark
    that recurs in a source is found by `groundglass.reports.recurring_overlays.repeated_overlay`.

    On the half of the test images that was not used for fitting (`benchmarks/content_measures.py`):
    ``graphics_score`` separates 49 drawings from 174 photos with an area under the curve of .97, and above
    .65 are 88 % of the drawings and 3 % of the photos; of 76 captions of one to three words, a third of
    them see-through, ``text_share`` finds 72 % and ``overlay_share`` 58 %; of 151 unchanged photos,
    some with true signs, 5 % and 2 % have any.

    Raises NoValue ``too_small`` where a side is under 32 px.

    Source: stroke width as in Epshtein, Ofek and Wexler, CVPR 2010; for drawings, tones and steps as in
    Athitsos, Swain and Frankel, "Distinguishing photographs and graphics on the World Wide Web", 1997.

    >>> from groundglass import testing
    >>> from groundglass.image.frame import open_frame
    >>> text_and_graphics(open_frame(testing.png(testing.flat(64, 48))))
    {'graphics_score': 1.0, 'text_share': 0.0, 'overlay_share': 0.0}
    """
    frame.check_side(LEAST)
    luma = downscale_to_analysis_size.reduced(frame.luma, SIDE)
    lines = [line for line in text_lines.find_lines(luma) if line.confidence > 0]
    overlays = [line for line in lines if line.tone_spread <= ONE_TONE]
    drawing = (
        synthetic_graphics.tone_concentration(frame.histogram) + 1 - synthetic_graphics.weak_share(frame.luma)
    )
    return {
        "graphics_score": drawing / 2,
        "text_share": text_lines.share_of(lines, luma.shape),
        "overlay_share": text_lines.share_of(overlays, luma.shape),
    }


MEASURE = Measure(
    name="text_and_graphics",
    version=1,
    compute=text_and_graphics,
    columns={
        "graphics_score": Column("", 0, 1, "lower", "few tones and no noise: drawn rather than photographed"),
        "text_share": Column("", 0, 1, "lower", "share of the image under lines of lettering"),
        "overlay_share": Column("", 0, 1, "lower", "the same for letters of one tone, as in captions"),
    },
    reference="Epshtein, Ofek and Wexler, CVPR 2010; Athitsos, Swain and Frankel, 1997",
)
"""Its record in the catalog."""
