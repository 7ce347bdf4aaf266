"""Clipping: highlights burnt out, shadows crushed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from groundglass.degradations.settings import Pixels, as_bytes, within


@dataclass(frozen=True)
class Clipping:
    """Contrast stretched until a share of the values is lost at the ends.

    highlights   share of the values that become 255, 0 to 0.9; neutral 0
    shadows      share of the values that become 0, 0 to 0.9; neutral 0
    """

    highlights: float = 0.0
    shadows: float = 0.0

    def __post_init__(self) -> None:
        within("highlights", self.highlights, 0, 0.9)
        within("shadows", self.shadows, 0, 0.9)


def clipping(rgb: Pixels, settings: Clipping, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    """255 (x - b) / (w - b), clipped; b and w are the values that leave the shares outside."""
    counts = np.bincount(rgb.ravel(), minlength=256)
    low = _value_at(counts, settings.shadows) if settings.shadows else 0
    high = 255 - _value_at(counts[::-1], settings.highlights) if settings.highlights else 255
    # At least 1: an image of one tone has no range to stretch.
    return as_bytes(255 * (np.arange(256) - low) / max(1, high - low))[rgb]


def _value_at(counts: np.ndarray, share: float) -> int:
    """The least value that at least ``share`` of all values do not exceed."""
    return int(np.searchsorted(np.cumsum(counts), share * counts.sum()))
