"""Known damage, done on purpose: what a gate should catch can be made and counted."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageFilter


def jpeg(rgb: np.ndarray, quality: int) -> bytes:
    """The picture (H×W×3 uint8) as a JPEG file of IJG quality 1 (worst) to 100, 4:2:0."""
    return _file(Image.fromarray(rgb), "JPEG", quality=quality, subsampling="4:2:0")


def upscaled(rgb: np.ndarray, factor: int) -> np.ndarray:
    """False resolution: the picture made ``factor`` times smaller, then brought back by bicubic interpolation."""
    picture = Image.fromarray(rgb)
    small = (max(1, picture.width // factor), max(1, picture.height // factor))
    shrunk = picture.resize(small, Image.Resampling.BICUBIC)
    return np.asarray(shrunk.resize(picture.size, Image.Resampling.BICUBIC))


def blurred(rgb: np.ndarray, sigma: float) -> np.ndarray:
    """Out of focus: a Gaussian blur of ``sigma`` px."""
    return np.asarray(Image.fromarray(rgb).filter(ImageFilter.GaussianBlur(sigma)))


def mirrored(rgb: np.ndarray) -> np.ndarray:
    """Left and right exchanged."""
    return np.ascontiguousarray(rgb[:, ::-1])


def truncated(file: bytes, share: float) -> bytes:
    """The first ``share`` of a file's bytes, as a broken download leaves it."""
    return file[: int(len(file) * share)]


def png(rgb: np.ndarray) -> bytes:
    """The picture as a PNG file: no damage at all."""
    return _file(Image.fromarray(rgb), "PNG", compress_level=3)


def _file(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()
