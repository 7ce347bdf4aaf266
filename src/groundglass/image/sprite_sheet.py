"""Sprite sheets: many small pictures in one JPEG, for pages that show thousands of them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.image.region import Box
from groundglass.libraries import Image

GROUND = (40, 40, 42)
"""The colour between the pictures; never seen unless a picture is missing."""


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of an encoded picture from its header; None when it is no picture."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return picture.size
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def grey_picture(data: bytes) -> NDArray[np.uint8] | None:
    """The luma of an encoded picture, H×W; None when it cannot be decoded."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return np.asarray(picture.convert("L"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def draw_sheet(pictures: Sequence[tuple[bytes, Box]], width: int, height: int, quality: int = 88) -> bytes:
    """One JPEG with every picture reduced to its box. A picture that cannot be decoded leaves its box empty."""
    sheet = Image.new("RGB", (width, height), GROUND)
    for data, box in pictures:
        small = _reduced(data, box)
        if small is not None:
            sheet.paste(small, (box.x, box.y))
    out = io.BytesIO()
    sheet.save(out, "JPEG", quality=quality, subsampling="4:2:0")
    return out.getvalue()


def _reduced(data: bytes, box: Box) -> Any:
    """The picture at its box's size (a PIL image), or None when it cannot be decoded."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            picture.draft("RGB", (box.width, box.height))
            rgb = picture.convert("RGB")
            if rgb.size == (box.width, box.height):
                return rgb
            return rgb.resize((box.width, box.height), Image.Resampling.LANCZOS, reducing_gap=2.0)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
