"""The colours that a file states, for formats with a decoder that drops this or returns it in a form of its own."""

from __future__ import annotations

from groundglass.image.codecs import icc_header, media_boxes
from groundglass.image.codecs.media_boxes import FileColour
from groundglass.image.codecs.stated_colour import of_code_points


def read(data: bytes, format: str, profile: bytes | None) -> FileColour:
    """The colours that a file of Pillow's formats states; ``profile``: the one that its decoder returns.

    An ICC profile comes before numbers. Raises ImageError as `media_boxes.of_jp2`.

    >>> read(b"", "GIF", None)
    FileColour(icc=None, stated=None)
    """
    if format in ("AVIF", "HEIF"):
        found = media_boxes.of_heif(data)
        return FileColour(profile or found.icc, found.stated)
    if format == "JPEG2000":
        return media_boxes.of_jp2(data)
    if format == "JXL" and profile is not None and profile[4:8] == _MADE_BY_LIBJXL:
        return _of_libjxl(profile)
    return FileColour(profile)


_MADE_BY_LIBJXL = b"jxl "
_LIBJXL_GREY = {"709": 1, "SRG": 13, "Lin": 8, "DCI": 17, "PeQ": 16, "HLG": 18}


def _of_libjxl(profile: bytes) -> FileColour:
    """libjxl makes a profile of the code points that a JPEG XL states; only the points also state PQ and HLG."""
    if icc_header.space(profile) == b"RGB " and icc_header.has_code_points(profile):
        return FileColour(stated=icc_header.by_code_points(profile, "JXL"))
    title, _, transfer = icc_header.description(profile).rpartition("_")
    if title.startswith("Gra_") and transfer in _LIBJXL_GREY:
        return FileColour(stated=of_code_points(2, _LIBJXL_GREY[transfer], where="JXL"))
    return FileColour(profile)
