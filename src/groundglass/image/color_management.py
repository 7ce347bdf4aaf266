"""Colour: profiles to sRGB, printing colours and Lab, transparency on white, and luma."""

from __future__ import annotations

import numpy as np

from groundglass.image import color_transforms
from groundglass.image.codecs.samples_to_8bit import SampleRows, Samples
from groundglass.image.codecs.stated_colour import StatedColour
from groundglass.image.color_transforms import Transform, bands
from groundglass.image.orientation import Pixels
from groundglass.libraries import cv2


def luma(rgb: Pixels) -> Pixels:
    """OpenCV's fixed-point grey of an H×W×3 uint8 image: (9798 R + 19235 G + 3735 B + 16384) >> 15.

    >>> luma(np.full((1, 1, 3), 200, np.uint8)).tolist()
    [[200]]
    """
    # OpenCV raises an error for an array without pixels.
    if rgb.size == 0:
        return np.zeros(rgb.shape[:2], np.uint8)
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)


def to_srgb(
    samples: SampleRows, profile: bytes | None, colour: StatedColour | None = None
) -> tuple[Pixels, Pixels | None, tuple[str, ...]]:
    """sRGB pixels on white; luma before the colours were converted (None where that changes nothing); warnings.

    ``profile`` or ``colour``: the colour space that the file states for its samples; sRGB where it states none. A
    profile of curves and a matrix, and a stated colour space, are applied by `icc_matrix`, any other by LittleCMS,
    perceptual intent. One that converts nothing (sRGB under any name) is skipped; one that neither can use gives the
    warning ``bad_icc``, and the samples are taken as sRGB.
    """
    try:
        space, transform = _way(samples.space, profile, colour)
        words: tuple[str, ...] = ()
    except ValueError:
        space, transform, words = samples.space, None, ("bad_icc",)
    # The common case, 8-bit sRGB without alpha, passes without a copy.
    if (
        transform is None
        and isinstance(samples, Samples)
        and samples.space == "RGB"
        and samples.alpha is None
    ):
        return samples.planes, None, words
    rgb = np.empty((*samples.size, 3), np.uint8)
    source_luma = None if transform is None else np.empty(samples.size, np.uint8)
    for rows in bands(rgb.shape):
        band = samples.band(rows)
        plain = _plain(band)
        if transform is None or source_luma is None:
            rgb[rows] = on_white(plain, band.alpha)
            continue
        source_luma[rows] = luma(on_white(plain, band.alpha))
        # Grey samples become RGB first where their profile is one for RGB.
        source = plain if space != band.space else band.planes
        if band.deep is not None and transform.takes_16_bits:
            source = band.deep
        rgb[rows] = on_white(transform.apply(source), band.alpha)
    return rgb, source_luma, words


def _way(space: str, profile: bytes | None, colour: StatedColour | None) -> tuple[str, Transform | None]:
    """The space that samples are first brought to, and the conversion from there to sRGB."""
    if space == "LAB":
        return space, color_transforms.of_profile(color_transforms.lab_profile(), space)
    if profile is not None:
        space = color_transforms.space_of(profile, space)
        return space, color_transforms.of_profile(profile, space)
    if colour is not None and space in ("GRAY", "RGB"):
        return "RGB", color_transforms.of_stated(colour)
    return space, None


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
    for rows in bands(cmyk.shape):
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
    for rows in bands(rgb.shape):
        opaque = alpha[rows, :, None].astype(np.uint32)
        laid[rows] = (rgb[rows] * opaque + 255 * (255 - opaque) + 127) // 255
    return laid
