"""Banding: too few grey levels, visible as steps in the sky."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from groundglass.degradations.settings import Pixels, as_bytes, within


@dataclass(frozen=True)
class Banding:
    """Quantised.

    levels   grey levels that each channel keeps, 2 to 256; neutral 256
    """

    levels: int = 256

    def __post_init__(self) -> None:
        within("levels", self.levels, 2, 256)


def banding(rgb: Pixels, settings: Banding, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    """Every channel rounded to the nearest of ``levels`` values, evenly spaced from 0 to 255; no dither."""
    step = 255 / (settings.levels - 1)
    return as_bytes(np.rint(np.arange(256) / step) * step)[rgb]
