"""JPEG: the saved file, and its traces in an image that has lost its grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from groundglass.degradations.settings import Pixels, within
from groundglass.image.encode import encode_jpeg
from groundglass.libraries import simplejpeg

Subsampling = Literal["4:4:4", "4:2:2", "4:2:0"]


@dataclass(frozen=True)
class Jpeg:
    """Saved as JPEG and opened again.

    quality       on the IJG scale, 1 (worst) to 100; neutral None: not saved at all
    subsampling   of the colours
    shift_x       how far left of the image's edge the 8×8 grid begins, px, 0 to 7: as after cropping a JPEG
    shift_y       the same above it, px, 0 to 7
    """

    quality: int | None = None
    subsampling: Subsampling = "4:2:0"
    shift_x: int = 0
    shift_y: int = 0

    def __post_init__(self) -> None:
        within("quality", 100 if self.quality is None else self.quality, 1, 100)
        within("shift_x", self.shift_x, 0, 7)
        within("shift_y", self.shift_y, 0, 7)


def jpeg(rgb: Pixels, settings: Jpeg, random: np.random.Generator) -> Pixels:  # noqa: ARG001
    """The pixels after one JPEG generation; with a shift, of a larger image cropped to this size."""
    if settings.quality is None:
        return rgb.copy()

    x, y = settings.shift_x, settings.shift_y
    padded = np.pad(rgb, ((y, 0), (x, 0), (0, 0)), mode="symmetric") if x or y else rgb
    file = jpeg_file(padded, settings.quality, settings.subsampling)
    # Exact transform and upsampling: the fast ones would add errors that are not JPEG's own.
    decoded = simplejpeg.decode_jpeg(file, fastdct=False, fastupsample=False)
    return np.ascontiguousarray(decoded[y:, x:])


def jpeg_file(rgb: Pixels, quality: int, subsampling: Subsampling = "4:2:0") -> bytes:
    """The image as a JPEG file, so that it can be measured as one: with its tables and its grid."""
    return encode_jpeg(rgb, quality, subsampling)


def truncated(file: bytes, share: float) -> bytes:
    """The first ``share`` of a file's bytes, as a broken download leaves it.

    >>> truncated(b"abcdef", 0.5)
    b'abc'
    """
    return file[: int(len(file) * share)]
