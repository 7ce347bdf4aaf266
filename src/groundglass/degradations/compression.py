"""WebP and AVIF: the other lossy files of the web. A file that was saved twice is a chain of two."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Literal

import numpy as np

from groundglass.degradations.settings import Pixels, within
from groundglass.errors import ImageError
from groundglass.libraries import Image


@dataclass(frozen=True)
class WebP:
    """Saved as lossy WebP and opened again.

    quality   of libwebp, 0 (worst) to 100; neutral None: not saved at all
    method    effort, 0 (fast) to 6
    """

    quality: int | None = None
    method: int = 4

    def __post_init__(self) -> None:
        within("quality", 100 if self.quality is None else self.quality, 0, 100)
        within("method", self.method, 0, 6)


@dataclass(frozen=True)
class Avif:
    """Saved as lossy AVIF and opened again.

    quality       0 (worst) to 100; neutral None: not saved at all
    speed         of the encoder, 0 (slow) to 10
    subsampling   of the colours
    """

    quality: int | None = None
    speed: int = 8
    subsampling: Literal["4:4:4", "4:2:2", "4:2:0"] = "4:2:0"

    def __post_init__(self) -> None:
        within("quality", 100 if self.quality is None else self.quality, 0, 100)
        within("speed", self.speed, 0, 10)


def webp(rgb: Pixels, settings: WebP, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    """The pixels after one WebP generation. Raises ImageError ``too_large`` above 16,383 px."""
    if settings.quality is None:
        return rgb.copy()
    return _saved(rgb, "WEBP", quality=settings.quality, method=settings.method)


def avif(rgb: Pixels, settings: Avif, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    """The pixels after one AVIF generation, encoded by one thread, because tiles of several would change the file."""
    if settings.quality is None:
        return rgb.copy()
    return _saved(
        rgb,
        "AVIF",
        quality=settings.quality,
        speed=settings.speed,
        subsampling=settings.subsampling,
        max_threads=1,
    )


def _saved(rgb: Pixels, format: str, **settings: int | str) -> Pixels:
    file = io.BytesIO()
    try:
        Image.fromarray(np.ascontiguousarray(rgb)).save(file, format, **settings)
    except (ValueError, OSError) as error:
        raise ImageError("too_large", f"{format} cannot hold it: {error}") from error
    with Image.open(file) as image:
        return np.array(image.convert("RGB"), np.uint8)
