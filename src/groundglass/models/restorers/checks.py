"""Checks of images that go into and come out of a restorer. A wrong answer is an error row and never a file."""

from __future__ import annotations

import numpy as np

from groundglass.errors import ImageError
from groundglass.models.restorers.records import Levels, Pixels

LEAST_SIDE = 8
"""px. A smaller image would be mostly its own reflection."""
MOST_PIXELS = 512_000_000
"""The most pixels of an answer: 1.5 GB."""
_LIGHT, _DARK, _MOVED = 250 / 255, 5 / 255, 32 / 255
"""The mean of a near-white and of a near-black answer, and how far the image's own mean must be from it."""
_FLAT, _TEXTURED = 1 / 255, 12 / 255
"""The range of an answer of one colour, and the standard deviation of an image that has structure."""


def check_image(rgb: Pixels, scale: int) -> None:
    """Raises ImageError for an image that a restorer does not take: `too_small`, `too_large`."""
    height, width = rgb.shape[:2]
    if min(height, width) < LEAST_SIDE:
        raise ImageError("too_small", f"{width} x {height} px, at least {LEAST_SIDE} for a restorer")
    if height * width * scale**2 > MOST_PIXELS:
        raise ImageError(
            "too_large",
            f"x{scale} of {width} x {height} px is {height * width * scale**2 / 1e6:.0f} million pixels, "
            f"limit {MOST_PIXELS / 1e6:.0f}; cut it into tiles first",
        )


def check_answer(made: Levels, given: Levels) -> None:
    """Raises ImageError `blank` for an answer that is not finite, or that lost the image that was given.

    A network that reads wrong memory answers with white, black or one colour. A clear sky may be near-white and of one
    colour as well, so the answer is compared with the image.
    """
    if not np.isfinite(made).all():
        raise ImageError("blank", f"not finite: {int((~np.isfinite(made)).sum()):,} of the model's numbers")
    before, after = float(given.mean()), float(made.mean())
    if after >= _LIGHT and before < after - _MOVED:
        raise ImageError(
            "blank", f"the mean level is {after * 255:.0f}, that of the image {before * 255:.0f}"
        )
    if after <= _DARK and before > after + _MOVED:
        raise ImageError(
            "blank", f"the mean level is {after * 255:.0f}, that of the image {before * 255:.0f}"
        )
    flat = max(float(np.ptp(made[:, :, channel])) for channel in range(3)) < _FLAT
    if flat and float(given.std(axis=(0, 1)).max()) > _TEXTURED:
        raise ImageError("blank", "every pixel has one colour, the image has more")


def levels_of(rgb: Pixels) -> Levels:
    """Levels 0 to 1 of an image."""
    return rgb.astype(np.float32) * np.float32(1 / 255)


def rounded(levels: Levels) -> Pixels:
    """The image of levels: clipped, and rounded to the nearest of 256.

    >>> rounded(np.array([[[-0.1, 0.5, 1.2]]], np.float32)).tolist()
    [[[0, 128, 255]]]
    """
    return np.floor(levels.clip(0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)
