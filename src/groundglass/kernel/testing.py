"""Small pictures for tests: made on the spot, the same every time."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]


def noise(width: int, height: int, seed: int = 0) -> Pixels:
    """Independent uniform noise, H×W×3 uint8."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def gradient(width: int, height: int) -> Pixels:
    """Red rises from left to right, green from top to bottom, blue is 128. Every corner differs: shows any
    turn.
    """
    across = np.broadcast_to(np.linspace(0, 255, width), (height, width))
    down = np.broadcast_to(np.linspace(0, 255, height)[:, None], (height, width))
    return np.stack([across, down, np.full((height, width), 128.0)], axis=2).round().astype(np.uint8)


def flat(width: int, height: int, value: int = 128) -> Pixels:
    """One grey value everywhere."""
    return np.full((height, width, 3), value, np.uint8)


def photo(width: int, height: int, seed: int = 0) -> Pixels:
    """Something like a photograph, H×W×3 uint8: a spectrum falling as 1/f, edges, shading and a little noise.

    >>> photo(32, 24).shape
    (24, 32, 3)
    """
    random = np.random.default_rng(seed)
    texture = np.stack([_one_over_f(width, height, random) for _ in range(3)], axis=2)
    shared = _one_over_f(width, height, random)[..., None]
    picture = (
        128
        + 26 * shared
        + 8 * texture
        + _shapes(width, height, random)
        + random.normal(0, 1, (height, width, 3))
    )
    return picture.round().clip(0, 255).astype(np.uint8)


def _one_over_f(width: int, height: int, random: np.random.Generator) -> npt.NDArray[np.float64]:
    """Noise whose amplitude falls with frequency, mean 0 and deviation 1."""
    across, down = np.fft.rfftfreq(width), np.fft.fftfreq(height)[:, None]
    frequency = np.hypot(across, down)
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(random.normal(size=(height, width))) / frequency
    values = np.fft.irfft2(spectrum, (height, width))
    return values / (values.std() + 1e-12)


def _shapes(width: int, height: int, random: np.random.Generator) -> npt.NDArray[np.float64]:
    """Ellipses of different colours, the nearer over the farther: the sharp edges of a photograph."""
    rows, columns = np.mgrid[0:height, 0:width]
    shapes = np.zeros((height, width, 3))
    for _ in range(12):
        x, y = random.uniform(0, width), random.uniform(0, height)
        a, b = random.uniform(0.05, 0.3, 2) * max(width, height)
        shapes[((columns - x) / a) ** 2 + ((rows - y) / b) ** 2 < 1] = random.uniform(-60, 60, 3)
    return shapes


def jpeg(rgb: Pixels, quality: int = 90, **settings: object) -> bytes:
    """The picture as a JPEG file by Pillow; ``settings`` go to its `save` (subsampling, progressive, exif,
    …).
    """
    return encoded(rgb, "JPEG", quality=quality, **settings)


def png(rgb: Pixels) -> bytes:
    """The picture as a PNG file."""
    return encoded(rgb, "PNG")


def encoded(rgb: Pixels, format: str, **settings: object) -> bytes:
    """The picture as a file of any format that Pillow writes."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(rgb).save(file, format, **settings)
    return file.getvalue()
