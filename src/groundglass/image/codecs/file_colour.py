"""What a file says of its colours beside what its decoder hands on."""

from __future__ import annotations

from groundglass.image.codecs import media_boxes
from groundglass.image.codecs.media_boxes import FileColour
from groundglass.image.codecs.stated_colour import LINEAR_SRGB


def read(data: bytes, format: str) -> FileColour:
    """The colours that a file of Pillow's formats states. Raises ImageError as `media_boxes.of_jp2`.

    >>> read(b"", "GIF")
    FileColour(icc=None, stated=None)
    """
    if format in ("AVIF", "HEIF"):
        return media_boxes.of_heif(data)
    if format == "JPEG2000":
        return media_boxes.of_jp2(data)
    if format == "QOI" and data[13:14] == b"\1":
        return FileColour(stated=LINEAR_SRGB)
    return FileColour()
