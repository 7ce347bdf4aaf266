"""Defects that are planted into the HQ image of a pair, as plain functions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.degradations.settings import as_bytes
from groundglass.libraries import cv2
from groundglass.measures.pairs.align import upscaled
from groundglass.measures.pairs.colour_fit import lab

Image = NDArray[Any]

BORDER = 16
"""Px of HQ at ×4 at every edge into which no patch is placed: the gates do not judge them."""
LETTERS = "RGBHKEXS"
"""Letters of planted text: all with strokes in several directions."""
ROUNDS = 3
"""Corrections of a cast: clipping to sRGB takes a part of it away."""


def moved(image: Image, matrix: Image) -> Image:
    """Warped by a 2×3 matrix, cubic, mirrored at the edges."""
    size = image.shape[1], image.shape[0]
    return cv2.warpAffine(image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def shifted(image: Image, x: float, y: float) -> Image:
    """Moved by (x, y) px."""
    return moved(image, np.array([[1, 0, x], [0, 1, y]], np.float64))


def turned(image: Image, degrees: float) -> Image:
    """Turned about its centre, positive against the clock."""
    center = ((image.shape[1] - 1) / 2, (image.shape[0] - 1) / 2)
    return moved(image, cv2.getRotationMatrix2D(center, degrees, 1))


def bent(image: Image, random: np.random.Generator, px: float, wave: float = 96) -> Image:
    """Elastic: a smooth random displacement of at most ``px``, with a wave length of about ``wave`` px."""
    height, width = image.shape[:2]
    fields = [cv2.GaussianBlur(random.normal(0, 1, (height, width)), (0, 0), wave / 3) for _ in range(2)]
    x, y = (field / np.abs(field).max() * px for field in fields)
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    to = (columns + x).astype(np.float32), (rows + y).astype(np.float32)
    return cv2.remap(image, *to, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def tinted(image: Image, delta: Image) -> Image:
    """All colours moved by a difference in CIELAB, clipped to sRGB."""
    rgb = cv2.cvtColor(lab(image) + delta.astype(np.float32), cv2.COLOR_Lab2RGB)
    return np.clip(np.round(rgb * 255), 0, 255).astype(np.uint8)


def cast_between(lq: Image, hq: Image) -> Image:
    """The median difference HQ − LQ in CIELAB, of plain levels without alignment: not as the gate measures it."""
    small = cv2.resize(hq, lq.shape[1::-1], interpolation=cv2.INTER_AREA)
    return np.median((lab(small) - lab(lq)).reshape(-1, 3), axis=0)


def cast_in_total(image: Image, lq: Image, random: np.random.Generator, total: float) -> Image:
    """HQ with a cast against LQ of ``total`` ΔE in a random direction, its own cast included."""
    direction = random.normal(0, 1, 3) * (0.6, 1, 1)
    wanted = direction / np.linalg.norm(direction) * total
    delta = np.zeros(3)
    false = image
    for _ in range(ROUNDS):
        delta = delta + wanted - cast_between(lq, false)
        false = tinted(image, delta)
    return false


def pasted(
    image: Image, other: Image, side: int, random: np.random.Generator, border: int = BORDER
) -> tuple[Image, tuple[int, int]]:
    """A square of another image at a random place, ``border`` px or more from the edges; and its place (x, y)."""
    height, width = image.shape[:2]
    x, y = (int(random.integers(border, length - border - side + 1)) for length in (width, height))
    u, v = (int(random.integers(0, length - side + 1)) for length in (other.shape[1], other.shape[0]))
    false = image.copy()
    false[y : y + side, x : x + side] = other[v : v + side, u : u + side]
    return false, (x, y)


def lettered(
    image: Image, height: int, random: np.random.Generator, border: int = BORDER
) -> tuple[Image, tuple[int, int]]:
    """Four letters of a height in px at a random place, black on light places and white on dark ones."""
    word = "".join(random.choice(list(LETTERS), 4))
    scale, stroke = height / 22, max(1, round(height / 9))
    (across, up), below = cv2.getTextSize(word, cv2.FONT_HERSHEY_DUPLEX, scale, stroke)
    rows, columns = image.shape[:2]
    x = int(random.integers(border, max(border + 1, columns - border - across + 1)))
    top = int(random.integers(border, max(border + 1, rows - border - up - below + 1)))
    ink = np.zeros((rows, columns), np.uint8)
    cv2.putText(ink, word, (x, top + up), cv2.FONT_HERSHEY_DUPLEX, scale, 255, stroke, cv2.LINE_AA)
    light = float(image[top : top + up, x : x + across].mean()) > 127
    share = ink[..., None].astype(np.float32) / 255
    return as_bytes(image * (1 - share) + (0 if light else 255) * share), (x, top)


def blurred(image: Image, sigma: float) -> Image:
    """Blurred by a Gaussian: over-smoothed everywhere."""
    return cv2.GaussianBlur(image, (0, 0), sigma)


def painted(image: Image, levels: float, reach: float) -> Image:
    """Textures of up to ``levels`` within about ``reach`` px are smoothed, edges stay sharp.

    A bilateral filter (Tomasi & Manduchi 1998), as denoisers and painted images behave.
    """
    return cv2.bilateralFilter(image, 2 * round(1.5 * reach) + 1, levels, reach)


def sharpened(image: Image, amount: float, sigma: float) -> Image:
    """Unsharp masking: edges are steeper, and no detail is added."""
    soft = cv2.GaussianBlur(image, (0, 0), sigma).astype(np.float32)
    return as_bytes(image + amount * (image.astype(np.float32) - soft))


def copied(lq: Image, width: int, height: int) -> Image:
    """LQ in the size of HQ, bicubic: HQ adds nothing."""
    return as_bytes(upscaled(lq, width, height))


def fitted(other: Image, width: int, height: int) -> Image:
    """Another image in this size: its middle if it is large enough, else scaled."""
    rows, columns = other.shape[:2]
    if rows < height or columns < width:
        return cv2.resize(other, (width, height), interpolation=cv2.INTER_AREA)
    top, left = (rows - height) // 2, (columns - width) // 2
    return np.ascontiguousarray(other[top : top + height, left : left + width])
