"""A TIFF's samples brought to 8 bits, as its directory declares them: the value of white, the alpha channel, the scale.

Every image in a compression that keeps samples as they are is read here, of 8 bits and of more, so that an image
and its copy of fewer bits cannot differ.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from groundglass.errors import ImageError
from groundglass.image.codecs import sample_scale, tiff_segments
from groundglass.image.codecs.samples_to_8bit import DeepRows, SampleRows, Samples, narrowed
from groundglass.image.codecs.tiff_declared import (
    ASSOCIATED,
    BLACK_IS_ZERO,
    INKS,
    LAB,
    PALETTE,
    RGB,
    WHITE_IS_ZERO,
    TiffImage,
)
from groundglass.image.orientation import Pixels

_SPACES = {WHITE_IS_ZERO: "GRAY", BLACK_IS_ZERO: "GRAY", RGB: "RGB", PALETTE: "RGB", INKS: "CMYK", LAB: "LAB"}
Values = npt.NDArray[Any]


def read_samples(data: bytes, image: TiffImage, deep: bool) -> tuple[SampleRows, tuple[str, ...]]:
    """The samples as stored, before the orientation; and words of `header.WARNINGS`.

    ``deep``: RGB of 16 bits is also given unrounded. Raises ImageError: ``truncated``, ``corrupt``,
    ``unsupported``.
    """
    white, words = _white(data, image)
    channels = {"GRAY": 1, "CMYK": 4}.get(_SPACES[image.photometric], 3)
    shape = (image.height, image.width)
    unrounded = np.empty((*shape, 3), np.uint16) if deep and _has_deep_rgb(image) else None
    planes = np.empty((*shape, channels) if unrounded is None else 0, np.uint8)
    alpha = None if image.alpha is None else np.empty(shape, np.uint8)
    for start, stored in tiff_segments.bands(data, image):
        rows = slice(start, start + len(stored))
        colour, opaque = _meaning(stored, image, white)
        if unrounded is None:
            planes[rows] = _to_8_bits(colour, image, white)
        else:
            unrounded[rows] = colour
        if alpha is not None:
            alpha[rows] = _shade(opaque, white)
    if alpha is not None and alpha.min(initial=255) == 255:
        alpha = None
    if unrounded is not None:
        return DeepRows(unrounded, "RGB", alpha=alpha), words
    space = _SPACES[image.photometric]
    return Samples(planes[..., 0] if space == "GRAY" else planes, space, alpha), words


def _has_deep_rgb(image: TiffImage) -> bool:
    return image.photometric == PALETTE or (image.photometric == RGB and image.bits == 16)


def _white(data: bytes, image: TiffImage) -> tuple[float, tuple[str, ...]]:
    """The value of white: declared by the bits up to 16, else found from the samples' range."""
    if image.kind != "f" and image.bits <= 16:
        return 2**image.bits - 1, ()
    colour = image.colours
    return sample_scale.find_white(
        lambda: (rows[..., :colour] for _, rows in tiff_segments.bands(data, image))
    )


def _meaning(stored: Values, image: TiffImage, white: float) -> tuple[Values, Values]:
    """Colour samples with black at 0, or ink with none at 0, not multiplied by alpha; and the alpha samples."""
    colour = stored[..., : image.colours]
    opaque = stored[..., -1 if image.alpha is None else image.alpha]
    if image.kind == "f" or image.bits > 16:
        colour = colour.astype(np.float32 if image.bits <= 32 else np.float64).clip(0, white)
        opaque = opaque.astype(colour.dtype).clip(0, white)
    if image.photometric == PALETTE:
        colour = _looked_up(colour[..., 0], image)
    if image.alpha is not None and image.extra[image.alpha - image.colours] == ASSOCIATED:
        colour = _unmultiplied(colour, opaque[..., None], white)
    if image.photometric == WHITE_IS_ZERO:
        colour = colour.dtype.type(white) - colour
    return colour, opaque


def _looked_up(indices: Values, image: TiffImage) -> Values:
    """The 16-bit colours of a palette. Some programs write 8-bit ones, and libtiff also reads those as 8 bits."""
    size = 2**image.bits
    if len(image.colour_map) < 3 * size:
        raise ImageError("corrupt", "the palette is too short")
    table = np.asarray(image.colour_map[: 3 * size], np.uint16).reshape(3, size).T
    return (table * np.uint16(257) if table.max() < 256 else table)[indices]


def _unmultiplied(colour: Values, opaque: Values, white: float) -> Values:
    if colour.dtype.kind == "f":
        return np.divide(colour * white, opaque, out=np.zeros_like(colour), where=opaque > 0).clip(0, white)
    whole, share = np.uint32(white), opaque.astype(np.uint32)
    quotient = (colour * whole + share // 2) // np.maximum(share, 1)
    return np.minimum(quotient, whole).astype(colour.dtype)


def _to_8_bits(colour: Values, image: TiffImage, white: float) -> Pixels:
    if image.photometric == PALETTE:
        return narrowed(colour, 16)
    if image.photometric == LAB:
        return _lab(colour, white)
    return _shade(colour, white)


def _shade(values: Values, white: float) -> Pixels:
    """Round v·255/white."""
    if values.dtype.kind == "f":
        return np.rint(values * (255.0 / white)).astype(np.uint8)
    return values if white == 255 else narrowed(values, int(white).bit_length())


def _lab(values: Values, white: float) -> Pixels:
    """L* from 0 to 255; a* and b* signed whole steps, as in the file and in Pillow."""
    if white == 255:
        return values.view(np.uint8)
    lab = np.empty(values.shape, np.uint8)
    lab[..., 0] = _shade(values[..., 0].astype(np.uint16), white)
    steps = np.rint(values[..., 1:].astype(np.int16) / 256.0).clip(-128, 127)
    lab[..., 1:] = steps.astype(np.int8).view(np.uint8)
    return lab
