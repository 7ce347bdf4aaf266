"""Whether the bytes of a generated image are the image that was wanted."""

from __future__ import annotations

from threading import Lock

from groundglass.errors import ImageError
from groundglass.image.decode import decode
from groundglass.image.header import Header, read_header

CHECKED_FORMATS = ("PNG", "JPEG", "WEBP")
"""Formats whose pixels are looked at: those that servers send."""
CHECKED_PIXELS = 2**26
"""Pixels up to which an image is decoded to see whether it is blank, which takes up to 1.2 GB for a moment."""
_one_at_a_time = Lock()


def judge(content: bytes, wanted: tuple[int, int] | None) -> tuple[str, str, str]:
    """The ending that fits the bytes, whatever a server calls them; and why they are not the image that was wanted.

    >>> judge(b"<html>", (64, 64))[:2]
    ('.bin', 'not_an_image')
    """
    try:
        header = read_header(content)
    except ImageError as error:
        return ".bin", error.reason, error.detail
    ending = ".jpg" if header.format == "JPEG" else f".{header.format.lower()}"
    if wanted is not None and (header.width, header.height) != wanted:
        return ending, "wrong_size", f"{header.width}x{header.height} instead of {wanted[0]}x{wanted[1]}"
    return ending, *_pixels_fault(content, header)


def _pixels_fault(content: bytes, header: Header) -> tuple[str, str]:
    """Why the pixels cannot be used: all have one colour, or the file is damaged."""
    if header.format not in CHECKED_FORMATS or header.width * header.height > CHECKED_PIXELS:
        return "", ""
    try:
        # Many threads ask servers; together their images may not fit into the memory.
        with _one_at_a_time:
            rgb = decode(content, header).rgb
    except ImageError as error:
        return error.reason, error.detail
    first = rgb[0, 0]
    return ("blank", f"every pixel is {tuple(first.tolist())}") if (rgb == first).all() else ("", "")
