"""The two numbers that groundglass needs from a TIFF directory inside a file: orientation and count of
images.
"""

from __future__ import annotations

import struct

_ORIENTATION = 0x0112
_NUMBER_OF_IMAGES = 0xB001
_SHORT, _LONG = 3, 4


class BadExifError(ValueError):
    """The block is no readable TIFF directory."""


def orientation(block: bytes) -> int:
    """The EXIF orientation 1 to 8 of an Exif block (with or without its ``Exif\\0\\0`` prefix); 1 where none
    is given.

    Orientation in XMP is not followed: browsers, libvips and OpenCV do not either.
    Raises BadExifError when the block cannot be read or the value is none of 1 to 8.

    >>> orientation(b"II*\\0\\x08\\0\\0\\0\\x01\\0\\x12\\x01\\x03\\0\\x01\\0\\0\\0\\x06\\0\\0\\0")
    6
    """
    value = first_directory(block.removeprefix(b"Exif\0\0")).get(_ORIENTATION, 1)
    if value == 0:  # written by cameras that do not know
        return 1
    if not 1 <= value <= 8:
        raise BadExifError(f"orientation {value}")
    return value


def number_of_images(block: bytes) -> int:
    """How many pictures a multi-picture block (MPF, CIPA DC-007) lists, at least 1.

    >>> number_of_images(b"")
    1
    """
    try:
        return max(1, first_directory(block).get(_NUMBER_OF_IMAGES, 1))
    except BadExifError:
        return 1


def first_directory(block: bytes) -> dict[int, int]:
    """Tag -> value of the single SHORT and LONG entries in the first directory of a TIFF block.

    Raises BadExifError when the block ends early or is no TIFF.
    """
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        raise BadExifError("no byte order mark")
    try:
        (start,) = struct.unpack_from(order + "I", block, 4)
        (count,) = struct.unpack_from(order + "H", block, start)
        return dict(_entries(block, order, start + 2, count))
    except struct.error as error:
        raise BadExifError("ends early") from error


def _entries(block: bytes, order: str, start: int, count: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for at in range(start, start + 12 * count, 12):
        tag, kind, length = struct.unpack_from(order + "HHI", block, at)
        if length == 1 and kind in (_SHORT, _LONG):
            (value,) = struct.unpack_from(order + ("H" if kind == _SHORT else "I"), block, at + 8)
            found.append((tag, value))
    return found
