"""Overlays: captions, watermarks, logos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from groundglass.degradations.settings import Pixels, as_bytes, within
from groundglass.libraries import cv2


@dataclass(frozen=True)
class TextOverlay:
    """White letters with a dark rim somewhere on the image.

    size      height of a capital over the image's height, 0 to 0.5; neutral 0
    text      the text to draw
    opacity   0 to 1; neutral 0
    """

    size: float = 0.0
    text: str = "SAMPLE 2024"
    opacity: float = 1.0

    def __post_init__(self) -> None:
        within("size", self.size, 0, 0.5)
        within("opacity", self.opacity, 0, 1)


@dataclass(frozen=True)
class LogoOverlay:
    """A ring with a bar through it, white with a dark rim, in one of the corners.

    size      diameter over the image's shorter side, 0 to 1; neutral 0
    opacity   0 to 1; neutral 0
    """

    size: float = 0.0
    opacity: float = 1.0

    def __post_init__(self) -> None:
        within("size", self.size, 0, 1)
        within("opacity", self.opacity, 0, 1)


def text_overlay(rgb: Pixels, settings: TextOverlay, random: np.random.Generator) -> Pixels:
    """The text once, at a random place within the image as far as it fits."""
    if settings.size == 0 or settings.opacity == 0:
        return rgb.copy()

    height, width = rgb.shape[:2]
    font, capital = cv2.FONT_HERSHEY_DUPLEX, 22.0  # px at scale 1
    scale = settings.size * height / capital
    stroke = max(1, round(2 * scale))
    (across, up), _ = cv2.getTextSize(settings.text, font, scale, stroke)
    x = round(random.uniform(0, max(0, width - across)))
    y = round(random.uniform(min(up, height - 1), height - 1))
    ink = _blank(rgb)
    cv2.putText(ink, settings.text, (x, y), font, scale, 255, stroke, cv2.LINE_AA)
    round_tip = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * stroke + 1, 2 * stroke + 1))
    rim = np.asarray(cv2.dilate(ink, round_tip), np.uint8)
    return _laid_over(rgb, rim, ink, settings.opacity)


def logo_overlay(rgb: Pixels, settings: LogoOverlay, random: np.random.Generator) -> Pixels:
    """The logo once, in a random corner, half its radius from the edges."""
    if settings.size == 0 or settings.opacity == 0:
        return rgb.copy()
    height, width = rgb.shape[:2]
    radius = max(2, round(settings.size * min(height, width) / 2))
    away = min(radius + radius // 2, height // 2, width // 2)
    right, below = random.integers(0, 2, 2)
    centre = (width - 1 - away if right else away, height - 1 - away if below else away)
    stroke = max(1, radius // 4)
    return _laid_over(
        rgb, _sign(rgb, centre, radius, 2 * stroke), _sign(rgb, centre, radius, stroke), settings.opacity
    )


def _sign(rgb: Pixels, centre: tuple[int, int], radius: int, stroke: int) -> Pixels:
    plane = _blank(rgb)
    cv2.circle(plane, centre, radius, 255, stroke, cv2.LINE_AA)
    x, y = centre
    cv2.line(plane, (x - radius, y), (x + radius, y), 255, stroke, cv2.LINE_AA)
    return plane


def _blank(rgb: Pixels) -> Pixels:
    return np.zeros(rgb.shape[:2], np.uint8)


def _laid_over(rgb: Pixels, rim: Pixels, ink: Pixels, opacity: float) -> Pixels:
    """Dark under the rim, then white under the ink; elsewhere the image itself."""
    drawn = rim > 0
    under = rgb[drawn] * (1 - opacity / 255 * rim[drawn, None])
    shown = rgb.copy()
    shown[drawn] = as_bytes(under + opacity / 255 * ink[drawn, None] * (255 - under))
    return shown
