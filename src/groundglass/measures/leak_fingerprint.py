"""Fingerprints of test images: computed like a measure, but not one that a recipe can ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundglass.catalog import Column, Measure, Value
from groundglass.similarity.test_images.fingerprints import make_print, to_row

if TYPE_CHECKING:
    from groundglass.image.frame import Frame


def known_by(frame: Frame) -> dict[str, Value]:
    """The features by which a test image is recognised in photos. No pixels are kept.

    >>> from groundglass import testing
    >>> from groundglass.image.frame import open_frame
    >>> made = known_by(open_frame(testing.png(testing.photo(320, 240))))
    >>> made["width"], made["height"], len(made["relief"])
    (320, 240, 1024)
    """
    return to_row(make_print(frame.luma))


KNOWN_BY = Measure(
    name="known_by",
    version=1,
    compute=known_by,
    columns={
        "pixels_sha256": Column("", None, None, "neither", "of size and luma", str, hidden=True),
        "width": Column("px", 1, None, "neither", "of the reduced image", int, hidden=True),
        "height": Column("px", 1, None, "neither", "of the reduced image", int, hidden=True),
        "relief": Column(
            "", None, None, "neither", "32×32 differences from the neighbourhood", bytes, hidden=True
        ),
        "points": Column("", None, None, "neither", "places of local features", bytes, hidden=True),
        "descriptors": Column("", None, None, "neither", "256 bits of each feature", bytes, hidden=True),
        "mirrored_points": Column(
            "", None, None, "neither", "the same of the mirror image", bytes, hidden=True
        ),
        "mirrored_descriptors": Column(
            "", None, None, "neither", "the same of the mirror image", bytes, hidden=True
        ),
    },
    reference="Rublee et al., ORB, ICCV 2011",
)
"""Only `groundglass fingerprint` computes it."""
