"""Pixels: one hash of an image's decoded pixels, to find copies in other files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundglass.catalog import Column, Measure, Value
from groundglass.files.hashes import pixel_hash

if TYPE_CHECKING:
    from groundglass.image.frame import Frame


def pixels(frame: Frame) -> dict[str, Value]:
    """The SHA-256 of the image's size and pixels as shown: upright, in 8-bit sRGB, on white where transparent.

    Equal for the same image saved as PNG and BMP, with other metadata, or with another orientation tag and its
    pixels turned to match. An image that was saved again with loss has other pixels: `fingerprint` finds those.

    >>> from groundglass import testing
    >>> from groundglass.image.frame import open_frame
    >>> photo = testing.photo(64, 48)
    >>> png, bmp = (open_frame(testing.encoded(photo, kind)) for kind in ("PNG", "BMP"))
    >>> pixels(png) == pixels(bmp)
    True
    """
    return {"pixels_sha256": pixel_hash(frame.rgb)}


MEASURE = Measure(
    name="pixels",
    version=1,
    compute=pixels,
    columns={
        "pixels_sha256": Column("", None, None, "neither", "of size and 8-bit sRGB pixels", str, hidden=True)
    },
    reference="FIPS 180-4",
)
"""Its record in the catalog."""
