"""An old print: scratches in its surface, colours that have faded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from groundglass.degradations.light import smooth_field
from groundglass.degradations.settings import Pixels, as_bytes, within
from groundglass.libraries import cv2


@dataclass(frozen=True)
class Scratches:
    """Long thin lines and specks, light where the surface is gone, dark where dirt is stuck.

    count     of the lines, 0 to 500; neutral 0
    width     of the widest, px, 1 to 20
    opacity   0 to 1
    specks    for each line, 0 to 50
    """

    count: int = 0
    width: int = 2
    opacity: float = 0.8
    specks: int = 4

    def __post_init__(self) -> None:
        within("count", self.count, 0, 500)
        within("width", self.width, 1, 20)
        within("opacity", self.opacity, 0, 1)
        within("specks", self.specks, 0, 50)


@dataclass(frozen=True)
class Fading:
    """Dyes that have lost density: lower contrast and saturation, a yellow cast, uneven over the print.

    amount     0 to 1; neutral 0
    warmth     how much more the blue layer's dye is gone than the red's, 0 to 1
    uneven     share of the fading that differs over the print, 0 to 1
    """

    amount: float = 0.0
    warmth: float = 0.5
    uneven: float = 0.3

    def __post_init__(self) -> None:
        within("amount", self.amount, 0, 1)
        within("warmth", self.warmth, 0, 1)
        within("uneven", self.uneven, 0, 1)


def scratches(rgb: Pixels, settings: Scratches, random: np.random.Generator) -> Pixels:
    """White and black laid over the image along random broken lines and at random specks."""
    if settings.count == 0 or settings.opacity == 0:
        return rgb.copy()
    height, width = rgb.shape[:2]
    light, dark = (np.zeros((height, width), np.uint8) for _ in range(2))
    for _ in range(settings.count):
        plane = light if random.random() < 0.7 else dark
        length = random.uniform(0.1, 0.8) * max(height, width)
        # Mostly along the direction in which the print or the film was moved.
        angle = random.normal(np.pi / 2, 0.2)
        start = random.uniform(0, 1, 2) * (width, height)
        along = np.linspace(0, length, 12)[:, None] * (np.cos(angle), np.sin(angle))
        bent = start + along + np.cumsum(random.normal(0, length / 200 + 0.3, (12, 2)), axis=0)
        thick = int(random.integers(1, settings.width + 1))
        cv2.polylines(plane, [np.rint(bent).astype(np.int32)], False, 255, thick, cv2.LINE_AA)
        for _ in range(settings.specks):
            centre = (int(random.integers(width)), int(random.integers(height)))
            cv2.circle(plane, centre, int(random.integers(1, settings.width + 1)), 255, -1, cv2.LINE_AA)
    opacity = np.float32(settings.opacity / 255)
    bright = opacity * light[..., None].astype(np.float32)
    black = opacity * dark[..., None].astype(np.float32)
    return as_bytes((rgb * (1 - black)) * (1 - bright) + 245 * bright)


def fading(rgb: Pixels, settings: Fading, random: np.random.Generator) -> Pixels:
    """Each channel's density, 255 - x, times 1 - a; the colours also move towards grey."""
    height, width = rgb.shape[:2]
    field = smooth_field(height, width, 3, random)[..., None]
    if settings.amount == 0:
        return rgb.copy()
    share = settings.amount * (1 - settings.uneven * field)
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.float32)[..., None]
    plain = rgb + (grey - rgb) * (0.5 * share)
    # A dye that is gone lets its light through; black thus becomes a warm grey. Paper itself yellows in the blue.
    density = (255 - plain) * (1 - share * np.array([0.6, 0.45, 0.35], np.float32))
    paper = 255 - share * settings.warmth * np.array([5, 25, 90], np.float32)
    return as_bytes((255 - density) * paper / 255)
