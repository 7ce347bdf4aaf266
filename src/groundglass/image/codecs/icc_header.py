"""The parts of an ICC profile's header that state its purpose (ICC.1:2022)."""

from __future__ import annotations

import struct

from groundglass.image.codecs.stated_colour import StatedColour, of_code_points

_SPACES = {
    "1": (b"GRAY", b"RGB "),
    "L": (b"GRAY", b"RGB "),
    "LA": (b"GRAY", b"RGB "),
    "I;16": (b"GRAY", b"RGB "),
    "I": (b"GRAY", b"RGB "),
    "F": (b"GRAY", b"RGB "),
    "CMYK": (b"CMYK",),
    "LAB": (b"Lab ",),
}


def space(profile: bytes) -> bytes:
    """The four letters of the colour space that the profile converts from: ``b"RGB "``, ``b"GRAY"``,
    ``b"CMYK"`` …
    """
    return profile[16:20]


def fits(profile: bytes, mode: str) -> bool:
    """Whether the profile is complete and made for samples of this mode (Pillow's name)."""
    if len(profile) < 132 or profile[36:40] != b"acsp" or int.from_bytes(profile[:4], "big") > len(profile):
        return False
    return space(profile) in _SPACES.get(mode, (b"RGB ",))


def description(profile: bytes) -> str:
    """The profile's name for people, at most 100 characters; "unnamed" where it has none.

    >>> description(bytes(132))
    'unnamed'
    """
    try:
        return (_described(profile) or "unnamed")[:100]
    except (struct.error, UnicodeDecodeError):
        return "unnamed"


def has_code_points(profile: bytes) -> bool:
    """Whether the profile has a cicp tag."""
    try:
        return len(_tag(profile, b"cicp")) >= 12
    except struct.error:
        return False


def by_code_points(profile: bytes, where: str = "cicp") -> StatedColour | None:
    """The colour space by an RGB profile's cicp tag; None where that is sRGB, and where there is no such tag."""
    if not has_code_points(profile) or space(profile) != b"RGB ":
        return None
    tag = _tag(profile, b"cicp")
    return of_code_points(*tag[8:11], full_range=bool(tag[11]), where=where)


def high_dynamic_range(profile: bytes) -> StatedColour | None:
    """The colour space by the profile's cicp tag where that is PQ or HLG: its curves and tables hold only one way of
    many to bring it to a screen. None for any other profile.

    >>> high_dynamic_range(bytes(132)) is None
    True
    """
    colour = by_code_points(profile)
    return colour if colour is not None and colour.warning == "hdr" else None


def _described(profile: bytes) -> str:
    return _text(_tag(profile, b"desc"), 0)


def _tag(profile: bytes, wanted: bytes) -> bytes:
    """The content of a tag and all that follows it; empty where the profile has no such tag."""
    (count,) = struct.unpack_from(">I", profile, 128)
    # A damaged profile may state billions of tags; sound ones have about twenty.
    for at in range(132, 132 + 12 * min(count, 100), 12):
        tag, start, _ = struct.unpack_from(">4sII", profile, at)
        if tag == wanted:
            return profile[start:]
    return b""


def _text(profile: bytes, start: int) -> str:
    kind = profile[start : start + 4]
    if kind == b"desc":
        (length,) = struct.unpack_from(">I", profile, start + 8)
        return profile[start + 12 : start + 12 + length].split(b"\0")[0].decode("latin-1").strip()
    if kind == b"mluc":
        length, offset = struct.unpack_from(">II", profile, start + 20)
        return profile[start + offset : start + offset + length].decode("utf-16-be").strip("\0 ")
    return ""
