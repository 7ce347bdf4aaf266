"""Images with a known answer for `content_measures`: charts, screens and drawings, and words over photographs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from groundglass import testing
from groundglass.image.frame import open_frame

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
TEXT = """the quick brown fox jumps over lazy dog Model Import Settings Value 2024 Figure Train loss Save Open
Close photo sample number price total file"""
WORDS = TEXT.split()
KINDS = 16
"""Number of images of each kind."""


def drawn() -> dict[str, Pixels]:
    """Name → pixels; half of the images also as JPEG of quality 70 to 94."""
    made: dict[str, Pixels] = {}
    makers: tuple[Callable[[np.random.Generator], Pixels], ...] = (chart, screen, drawing)
    for maker in makers:
        for seed in range(KINDS):
            random = np.random.default_rng(seed)
            name, image = f"{maker.__name__}{seed}", maker(random)
            made[name] = image
            if seed % 2:
                quality = int(random.integers(70, 95))
                made[f"{name}_q{quality}"] = open_frame(testing.jpeg(image, quality)).rgb
    return made


def words(random: np.random.Generator, count: int) -> str:
    return " ".join(random.choice(WORDS, count))


def colour(random: np.random.Generator) -> tuple[int, ...]:
    return tuple(int(value) for value in random.integers(0, 256, 3))


def font(size: float) -> Any:
    return ImageFont.load_default(int(size))


def chart(random: np.random.Generator) -> Pixels:
    """Bars or lines with axes and labels."""
    width, height = int(random.integers(480, 1200)), int(random.integers(360, 800))
    image = Image.new("RGB", (width, height), "white" if random.random() < 0.7 else colour(random))
    draw = ImageDraw.Draw(image)
    left, top, right, bottom = 0.12 * width, 0.12 * height, 0.95 * width, 0.85 * height
    for tick in range(6):
        y = bottom - (bottom - top) * tick / 6
        draw.line((left, y, right, y), fill=(200, 200, 200))
        draw.text((left - 0.08 * width, y - 6), str(20 * tick), fill="black", font=font(0.03 * height))
    x = np.linspace(left, right, 61)
    if random.random() < 0.5:
        for n in range(0, 60, int(random.integers(5, 12))):
            draw.rectangle(
                (x[n], bottom - (bottom - top) * random.random(), x[n + 3], bottom), colour(random)
            )
    else:
        y = (top + bottom) / 2 + np.cumsum(random.normal(0, 0.03 * height, 61)).clip(
            -0.3 * height, 0.3 * height
        )
        draw.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill=colour(random), width=2)
    draw.text((left, 0.3 * top), words(random, 4), fill="black", font=font(0.05 * height))
    return np.asarray(image)


def screen(random: np.random.Generator) -> Pixels:
    """A window with a title, a list, paragraphs and buttons."""
    width, height = int(random.integers(640, 1600)), int(random.integers(480, 1000))
    light = random.random() < 0.6
    ground, ink = ((245, 245, 248), (20, 20, 20)) if light else ((30, 32, 40), (220, 220, 220))
    image = Image.new("RGB", (width, height), ground)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width, 36), fill=colour(random))
    draw.text((10, 8), words(random, 3), fill="white", font=font(18))
    for y in range(50, height - 40, 40):
        draw.text((10, y), words(random, 2), fill=ink, font=font(14))
    for y in range(60, height - 40, int(random.integers(22, 30))):
        draw.text((0.24 * width, y), words(random, int(random.integers(3, 12))), fill=ink, font=font(15))
    for _ in range(4):
        x, y = random.uniform(0.6, 0.8) * width, random.uniform(0.2, 0.9) * height
        draw.rounded_rectangle((x, y, x + 120, y + 34), 8, fill=colour(random))
        draw.text((x + 20, y + 8), words(random, 1), fill="white", font=font(15))
    return np.asarray(image)


def drawing(random: np.random.Generator) -> Pixels:
    """Flat shapes, some with a black outline, their edges smoothed."""
    width, height = int(random.integers(400, 1000)), int(random.integers(400, 1000))
    image = Image.new("RGB", (2 * width, 2 * height), colour(random))
    draw = ImageDraw.Draw(image)
    outline = "black" if random.random() < 0.5 else None
    for _ in range(int(random.integers(5, 40))):
        x, y, size = random.uniform(0, 2 * width), random.uniform(0, 2 * height), random.uniform(20, width)
        if random.random() < 0.5:
            draw.ellipse((x, y, x + size, y + size * random.uniform(0.4, 1)), colour(random), outline, 6)
        else:
            corners = random.normal((x, y), size / 2, (4, 2))
            draw.polygon([tuple(corner) for corner in corners.tolist()], fill=colour(random))
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))


def captioned(rgb: Pixels, seed: int) -> Pixels:
    """One to three words over a photograph: white, black or yellow, 3.5 to 10 % of its height.

    Every third has an opacity of .6, every second an outline of the opposite tone.
    """
    random = np.random.default_rng(seed)
    height, width = rgb.shape[:2]
    text = words(random, int(random.integers(1, 4))) if seed % 3 else f"© Photo {seed}"
    size = max(14.0, random.uniform(0.035, 0.1) * height)
    image = Image.fromarray(rgb.copy())
    draw = ImageDraw.Draw(image)
    while (box := draw.textbbox((0, 0), text, font=font(size)))[2] > 0.95 * width and size > 12:
        size *= 0.8
    x = random.uniform(0.02 * width, max(0.02 * width + 1, 0.98 * width - box[2]))
    y = float(random.choice([0.02 * height, 0.97 * height - box[3], random.uniform(0.1, 0.8) * height]))
    ink = ((255, 255, 255), (255, 255, 255), (0, 0, 0), (255, 230, 0))[seed % 4]
    outline = (0, 0, 0) if ink[0] else (255, 255, 255)
    draw.text(
        (x, y), text, ink, font(size), stroke_width=seed % 2 * max(1, int(size / 16)), stroke_fill=outline
    )
    opacity = 1.0 if seed % 3 else 0.6
    return (rgb * (1 - opacity) + np.asarray(image) * opacity).round().astype(np.uint8)
