"""Thumbnails for reports: computed like a measure, in the same decode, but not one that a recipe can ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundglass.catalog import Column, Measure, Value
from groundglass.image import encode

if TYPE_CHECKING:
    from groundglass.image.frame import Frame


def thumbnail(frame: Frame) -> dict[str, Value]:
    """A small JPEG of the image, its longer side at most 256 px.

    >>> from groundglass import testing
    >>> from groundglass.image.frame import open_frame
    >>> thumbnail(open_frame(testing.png(testing.photo(320, 240))))["thumbnail"][:2]
    b'\\xff\\xd8'
    """
    return {"thumbnail": encode.thumbnail(frame.rgb)}


THUMBNAIL = Measure(
    name="thumbnail",
    version=1,
    compute=thumbnail,
    columns={
        "thumbnail": Column("", None, None, "neither", "a JPEG of at most 256 px a side", bytes, hidden=True)
    },
    reference="area averaging",
)
"""Stored with the measures under the key ``thumbnail-1``."""
