"""Letterbox: bars of one colour along the edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from groundglass.degradations.settings import Pixels, within


@dataclass(frozen=True)
class Letterbox:
    """Bars laid over the image.

    rows      share of the height that each of the bars above and below takes, 0 to 0.49; neutral 0
    columns   share of the width that each of the bars left and right takes, 0 to 0.49; neutral 0
    grey      of the bars, 0 (black) to 255 (white)
    """

    rows: float = 0.0
    columns: float = 0.0
    grey: int = 0

    def __post_init__(self) -> None:
        within("rows", self.rows, 0, 0.49)
        within("columns", self.columns, 0, 0.49)
        within("grey", self.grey, 0, 255)


def letterbox(rgb: Pixels, settings: Letterbox, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    """The image with its edges painted over."""
    boxed = rgb.copy()
    height, width = rgb.shape[:2]
    down, across = round(settings.rows * height), round(settings.columns * width)
    boxed[:down] = boxed[height - down :] = settings.grey
    boxed[:, :across] = boxed[:, width - across :] = settings.grey
    return boxed
