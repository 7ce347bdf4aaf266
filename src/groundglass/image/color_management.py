"""Colour: profiles to sRGB, printing colours and Lab, transparency on white, and luma."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from groundglass.image.codecs import icc_header, icc_matrix
from groundglass.image.codecs.samples_to_8bit import Samples
from groundglass.image.orientation import Pixels
from groundglass.libraries import Image, ImageCms, cv2

_BAND = 256
"""Rows converted at a time, so that copies stay in the processor's cache and memory stays flat."""
_MODES = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK", "LAB": "LAB"}


def luma(rgb: Pixels) -> Pixels:
    """OpenCV's fixed-point grey of an H×W×3 uint8 picture: (9798 R + 19235 G + 3735 B + 16384) >> 15.

    >>> luma(np.full((1, 1, 3), 200, np.uint8)).tolist()
    [[200]]
    """
    if rgb.size == 0:
        return np.zeros(rgb.shape[:2], np.uint8)
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)


def to_srgb(samples: Samples, profile: bytes | None) -> tuple[Pixels, Pixels | None, tuple[str, ...]]:
    """sRGB pixels on white; luma before the profile was applied (None where it changes nothing); warnings.

    A profile of curves and a matrix is applied by `icc_matrix`, any other by LittleCMS, perceptual intent.
    One that converts nothing (sRGB under any name) is skipped; one that neither can use is the warning
    ``bad_icc`` and the samples are taken as sRGB.
    """
    profile = _lab_profile() if samples.space == "LAB" else profile
    if profile is None:
        words = ("cmyk_without_profile",) if samples.space == "CMYK" else ()
        return on_white(_plain(samples), samples.alpha), None, words
    source = samples.planes
    space = samples.space
    if space == "GRAY" and icc_header.space(profile) == b"RGB ":
        source, space = _plain(samples), "RGB"
    try:
        transform = _transform(profile, _MODES[space])
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return on_white(_plain(samples), samples.alpha), None, ("bad_icc",)
    plain = on_white(_plain(samples), samples.alpha)
    if transform is None:
        return plain, None, ()
    if samples.deep is not None and transform.takes_16_bits:
        source = samples.deep
    return on_white(transform.apply(source), samples.alpha), luma(plain), ()


def _plain(samples: Samples) -> Pixels:
    """RGB by formula, without a profile."""
    if samples.space == "RGB":
        return samples.planes
    if samples.space == "GRAY":
        return np.repeat(samples.planes[..., None], 3, axis=2)
    if samples.space == "LAB":
        return np.repeat(samples.planes[..., :1], 3, axis=2)
    return _from_ink(samples.planes)


def _from_ink(cmyk: Pixels) -> Pixels:
    """R = (255 - C)(255 - K) / 255, and so on."""
    rgb = np.empty((*cmyk.shape[:2], 3), np.uint8)
    for rows in _bands(len(cmyk)):
        light = 255 - cmyk[rows].astype(np.uint16)
        rgb[rows] = (light[..., :3] * light[..., 3:] + 127) // 255
    return rgb


def on_white(rgb: Pixels, alpha: Pixels | None) -> Pixels:
    """RGB with alpha laid over white: (c·a + 255·(255 - a)) / 255, rounded.

    >>> on_white(np.zeros((1, 1, 3), np.uint8), np.uint8([[51]])).tolist()
    [[[204, 204, 204]]]
    """
    if alpha is None:
        return rgb
    laid = np.empty_like(rgb)
    for rows in _bands(len(rgb)):
        opaque = alpha[rows, :, None].astype(np.uint32)
        laid[rows] = (rgb[rows] * opaque + 255 * (255 - opaque) + 127) // 255
    return laid


def _bands(rows: int) -> Iterator[slice]:
    return (slice(start, min(start + _BAND, rows)) for start in range(0, rows, _BAND))


class _Transform(Protocol):
    """From samples to sRGB."""

    takes_16_bits: bool

    def apply(self, planes: Any, /) -> Pixels: ...


class _LittleCms:
    """Any profile, through LittleCMS, 8 bits."""

    takes_16_bits = False

    def __init__(self, profile: bytes, mode: str) -> None:
        self.mode = mode
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        self._transform = ImageCms.ImageCmsTransform(
            source, _srgb(), mode, "RGB", intent=ImageCms.Intent.PERCEPTUAL
        )

    def apply(self, planes: Pixels, /) -> Pixels:
        rgb = np.empty((*planes.shape[:2], 3), np.uint8)
        for rows in _bands(len(planes)):
            rgb[rows] = np.asarray(self._transform.apply(self._image(planes[rows])))
        return rgb

    def _image(self, planes: Pixels) -> Any:
        return Image.frombytes(self.mode, (planes.shape[1], planes.shape[0]), np.ascontiguousarray(planes))


@lru_cache(maxsize=64)
def _transform(profile: bytes, mode: str) -> _Transform | None:
    """The way from a profile to sRGB; None where no colour moves by more than two steps: sRGB, rounded."""
    transform: _Transform = (icc_matrix.parse(profile) if mode == "RGB" else None) or _LittleCms(
        profile, mode
    )
    return None if _changes_nothing(transform, mode) else transform


def _changes_nothing(transform: _Transform, mode: str) -> bool:
    if mode == "RGB":
        steps = np.linspace(0, 255, 9).round().astype(np.uint8)
        probe = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3)
        same = probe
    elif mode == "L":
        probe = np.arange(256, dtype=np.uint8)[None]
        same = np.repeat(probe[..., None], 3, axis=2)
    else:
        return False
    return bool(np.abs(transform.apply(probe).astype(int) - same).max() <= 2)


@lru_cache(maxsize=1)
def _srgb() -> Any:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@lru_cache(maxsize=1)
def _lab_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
