"""The parts of a TIFF directory inside a file that groundglass uses: orientation, count of images, colour space."""

from __future__ import annotations

import struct

_ORIENTATION = 0x0112
_NUMBER_OF_IMAGES = 0xB001
_EXIF, _COLOUR_SPACE, _INTEROPERABILITY, _INDEX = 0x8769, 0xA001, 0xA005, 1
_R03 = int.from_bytes(b"R03\0", "big")
_TEXT, _SHORT, _LONG = 2, 3, 4


class BadExifError(ValueError):
    """The block is not a readable TIFF directory."""


def orientation(block: bytes) -> int:
    """The EXIF orientation 1 to 8 of an Exif block (with or without its ``Exif\\0\\0`` prefix); 1 where none
    is given.

    Orientation in XMP is not followed: browsers, libvips and OpenCV do not follow it either.
    Raises BadExifError when the block cannot be read or the value is none of 1 to 8.

    >>> orientation(b"II*\\0\\x08\\0\\0\\0\\x01\\0\\x12\\x01\\x03\\0\\x01\\0\\0\\0\\x06\\0\\0\\0")
    6
    """
    value = first_directory(block.removeprefix(b"Exif\0\0")).get(_ORIENTATION, 1)
    if value == 0:  # written by cameras that do not detect it
        return 1
    if not 1 <= value <= 8:
        raise BadExifError(f"orientation {value}")
    return value


def number_of_images(block: bytes) -> int:
    """How many images a multi-image block (MPF, CIPA DC-007) lists, at least 1.

    >>> number_of_images(b"")
    1
    """
    try:
        return max(1, first_directory(block).get(_NUMBER_OF_IMAGES, 1))
    except BadExifError:
        return 1


def colour_space(block: bytes) -> str:
    """The colour space that an Exif block states: "sRGB", "Adobe RGB" (DCF 2.0's optional colour space, or the number 2
    that some cameras write), "uncalibrated" where it states that it is another one, "" where it states none.

    >>> colour_space(b"II*\\0\\x08\\0\\0\\0\\0\\0")
    ''
    """
    block = block.removeprefix(b"Exif\0\0")
    try:
        details = directory(block, first_directory(block)[_EXIF])
    except (BadExifError, KeyError):
        return ""
    try:
        usage = directory(block, details[_INTEROPERABILITY], text=True).get(_INDEX, 0)
    except (BadExifError, KeyError):
        usage = 0
    if usage == _R03 or details.get(_COLOUR_SPACE) == 2:
        return "Adobe RGB"
    return {1: "sRGB", 0xFFFF: "uncalibrated"}.get(details.get(_COLOUR_SPACE, 0), "")


def first_directory(block: bytes) -> dict[int, int]:
    """Tag -> value of the single SHORT and LONG entries in the first directory of a TIFF block.

    Raises BadExifError when the block ends early or is not a TIFF.
    """
    return directory(block, None)


def directory(block: bytes, start: int | None, text: bool = False) -> dict[int, int]:
    """The same for the directory at ``start``, None for the first; with ``text`` also texts of 4 bytes, as numbers."""
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        raise BadExifError("no byte order mark")
    try:
        at: int = struct.unpack_from(order + "I", block, 4)[0] if start is None else start
        (count,) = struct.unpack_from(order + "H", block, at)
        return dict(_entries(block, order, at + 2, count, text))
    except struct.error as error:
        raise BadExifError("ends early") from error


def _entries(block: bytes, order: str, start: int, count: int, text: bool) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for at in range(start, start + 12 * count, 12):
        tag, kind, length = struct.unpack_from(order + "HHI", block, at)
        if length == 1 and kind in (_SHORT, _LONG):
            (value,) = struct.unpack_from(order + ("H" if kind == _SHORT else "I"), block, at + 8)
            found.append((tag, value))
        elif text and length == 4 and kind == _TEXT:
            found.append((tag, int.from_bytes(block[at + 8 : at + 12], "big")))
    return found
