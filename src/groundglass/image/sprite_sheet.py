"""Sprite sheets: many small images in one JPEG, for pages that show thousands of them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.image.region import Box
from groundglass.libraries import Image

GROUND = (40, 40, 42)
"""The colour between the images; only seen where an image is missing."""


def image_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of an encoded image from its header; None when it is not an image."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.size
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def grey_image(data: bytes) -> NDArray[np.uint8] | None:
    """The luma of an encoded image, H×W; None when it cannot be decoded."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("L"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def draw_sheet(images: Sequence[tuple[bytes, Box]], width: int, height: int, quality: int = 88) -> bytes:
    """One JPEG with every image reduced to its box. An image that cannot be decoded leaves its box empty."""
    sheet = Image.new("RGB", (width, height), GROUND)
    for data, box in images:
        small = _reduced(data, box)
        if small is not None:
            sheet.paste(small, (box.x, box.y))
    out = io.BytesIO()
    sheet.save(out, "JPEG", quality=quality, subsampling="4:2:0")
    return out.getvalue()


def _reduced(data: bytes, box: Box) -> Any:
    """The image at its box's size (a PIL image), or None when it cannot be decoded."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            # A JPEG is decoded at a fraction of its size, which is many times faster.
            image.draft("RGB", (box.width, box.height))
            rgb = image.convert("RGB")
            if rgb.size == (box.width, box.height):
                return rgb
            return rgb.resize((box.width, box.height), Image.Resampling.LANCZOS, reducing_gap=2.0)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
