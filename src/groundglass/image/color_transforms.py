"""Conversions from a file's colour space to sRGB: a profile, or a space stated in numbers, as a function of samples."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from groundglass.image.codecs import icc_header, icc_matrix, stated_colour
from groundglass.image.codecs.stated_colour import StatedColour
from groundglass.image.orientation import Pixels
from groundglass.libraries import Image, ImageCms

_MOST_ROWS, _MOST_PIXELS = 256, 1 << 20
"""Converted at a time, so that copies stay in the processor's cache and memory stays flat."""
_MODES = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK", "LAB": "LAB"}
_SPACES = {**dict.fromkeys(("1", "L", "LA", "I;16"), "GRAY"), "CMYK": "CMYK", "LAB": "LAB"}


def bands(size: tuple[int, ...]) -> Iterator[slice]:
    """The rows of an image of this height and width, a few at a time.

    >>> [(band.start, band.stop) for band in bands((300, 400))], next(bands((300, 9_000_000)))
    ([(0, 256), (256, 300)], slice(0, 1, None))
    """
    height, width = size[:2]
    step = max(1, min(_MOST_ROWS, _MOST_PIXELS // max(1, width)))
    return (slice(start, min(start + step, height)) for start in range(0, height, step))


class Transform(Protocol):
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
        for rows in bands(planes.shape):
            rgb[rows] = np.asarray(self._transform.apply(self._image(planes[rows])))
        return rgb

    def _image(self, planes: Pixels) -> Any:
        return Image.frombytes(self.mode, (planes.shape[1], planes.shape[0]), np.ascontiguousarray(planes))


def is_usable(profile: bytes, mode: str) -> bool:
    """Whether the ICC profile can be converted to sRGB for samples of this mode (Pillow's name)."""
    if not icc_header.fits(profile, mode):
        return False
    space = _SPACES.get(mode, "RGB")
    if space == "LAB":
        return True
    return _built(profile, space_of(profile, space)) is not None


def space_of(profile: bytes, space: str) -> str:
    """The space that samples are first brought to for the profile: grey samples may have a profile for RGB."""
    return "RGB" if space == "GRAY" and icc_header.space(profile) == b"RGB " else space


@lru_cache(maxsize=64)
def of_profile(profile: bytes, space: str) -> Transform | None:
    """The conversion from a profile to sRGB; None where no colour moves by more than two steps: sRGB, rounded.

    ``space`` of the samples: GRAY, RGB, CMYK or LAB. Raises ValueError where there is no conversion.
    """
    transform = _built(profile, space)
    if transform is None:
        raise ValueError("the profile cannot be used")
    return None if _changes_nothing(transform, space) else transform


@lru_cache(maxsize=64)
def of_stated(colour: StatedColour) -> Transform | None:
    """From RGB samples of a stated colour space to sRGB; None where no colour moves by more than two steps."""
    transform = stated_colour.profile_of(colour)
    return None if _changes_nothing(transform, "RGB") else transform


@lru_cache(maxsize=64)
def _built(profile: bytes, space: str) -> Transform | None:
    # The matrix first: it is about five times faster than LittleCMS, and keeps 16 bits.
    matrix = icc_matrix.parse(profile) if space == "RGB" else None
    try:
        return matrix or _LittleCms(profile, _MODES[space])
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _changes_nothing(transform: Transform, space: str) -> bool:
    if space == "RGB":
        steps = np.linspace(0, 255, 9).round().astype(np.uint8)
        probe = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3)
        same = probe
    elif space == "GRAY":
        probe = np.arange(256, dtype=np.uint8)[None]
        same = np.repeat(probe[..., None], 3, axis=2)
    else:
        return False
    return bool(np.abs(transform.apply(probe).astype(int) - same).max() <= 2)


@lru_cache(maxsize=1)
def _srgb() -> Any:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@lru_cache(maxsize=1)
def lab_profile() -> bytes:
    """CIELab as a profile."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
