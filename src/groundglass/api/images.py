"""One image: opened from a file, from bytes or from an array of pixels."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from groundglass.api.hints import shows_hints
from groundglass.errors import ImageError, RecipeError
from groundglass.image.encode import encode_png
from groundglass.image.frame import Frame, frame_of_pixels, open_frame
from groundglass.image.header import Header
from groundglass.image.resize import resize

Pixels = npt.NDArray[np.uint8]

SHOWN_SIDE = 512
"""The longer side of an image as a notebook shows it, px."""


class Image:
    """An image that `open_image` opened.

    Pixels are decoded when they are first used, and kept. Two of them share nothing.
    """

    def __init__(self, frame: Frame, from_file: bool) -> None:
        self._frame = frame
        self._from_file = from_file

    @property
    def rgb(self) -> Pixels:
        """H×W×3 uint8, sRGB, upright; transparency on white. Raises ImageError if the pixels are damaged."""
        return self._frame.rgb

    @property
    def luma(self) -> Pixels:
        """H×W uint8 of `rgb`, with OpenCV's weights and rounding. Raises ImageError if the pixels are damaged."""
        return self._frame.luma

    @property
    def header(self) -> Header | None:
        """The facts of the file's header: format, width, height, bit_depth, orientation, icc, jpeg …

        None for an array: it has no file. Nothing is decoded for it.
        """
        return self._frame.header if self._from_file else None

    @property
    def warnings(self) -> tuple[str, ...]:
        """Words of `groundglass.image.header.WARNINGS` for what is odd about a sound file; () if nothing is.

        The pixels are decoded for it, since some oddities show only then. Raises ImageError if they are damaged.
        """
        if self._from_file:
            _ = self._frame.rgb
        return self._frame.warnings

    @property
    def width(self) -> int:
        """The width of the upright image, px."""
        return self._frame.width

    @property
    def height(self) -> int:
        """The height of the upright image, px."""
        return self._frame.height

    def at(self, region: str) -> Image:
        """A region, written as a run's column ``region`` writes it: ``crop(x,y,width,height)``,
        ``resize(WIDTHxHEIGHT,kernel)``, or several with ``/`` between; it counts from the whole image.

        The grid of a JPEG is kept: a crop is measured as a tile of a run is. Raises ImageError ``too_small`` if a crop
        reaches beyond the image, and RecipeError for a text that is not a region.
        """
        return Image(self._frame.at(region), self._from_file)

    @property
    def frame(self) -> Frame:
        """The image as measures take it."""
        return self._frame

    def __repr__(self) -> str:
        format = self._frame.header.format if self._from_file else "array"
        return f"<groundglass.Image {self.width} × {self.height} px, {format}>"

    def _repr_png_(self) -> bytes | None:
        """The image as a notebook shows it, at most `SHOWN_SIDE` px wide or high."""
        try:
            rgb = self.rgb
        except ImageError:  # its text is shown then
            return None
        share = min(1.0, SHOWN_SIDE / max(self.width, self.height))
        width, height = (max(1, round(side * share)) for side in (self.width, self.height))
        return encode_png(resize(rgb, width, height, "area"))


ImageLike = str | PathLike[str] | bytes | Pixels | Image
"""The values that stand for an image: a path, a file's bytes, H×W×3 or H×W uint8 pixels, or an opened image."""


@shows_hints
def open_image(image: ImageLike) -> Image:
    """Open an image: a path, a file's bytes, or pixels (H×W×3 RGB or H×W grey, uint8). A path or bytes are decoded
    when pixels are first used; pixels are copied.

    Raises ImageError with the reason if the header cannot be read (``vanished``, ``unreadable``, ``not_an_image``,
    ``truncated``, ``too_large`` …), and RecipeError for anything that is not an image, such as an array of floats.

    >>> from groundglass import testing
    >>> image = open_image(testing.jpeg(testing.photo(64, 48), quality=90))
    >>> image.rgb.shape, image.luma.shape, image.header.format, image.warnings
    ((48, 64, 3), (48, 64), 'JPEG', ())
    >>> open_image(testing.photo(64, 48))
    <groundglass.Image 64 × 48 px, array>
    """
    if isinstance(image, np.ndarray):
        return Image(frame_of_pixels(_rgb(image).copy()), False)
    return as_image(image)


def as_image(image: ImageLike) -> Image:
    """The same without a copy of pixels: for use at once."""
    if isinstance(image, Image):
        return image
    if isinstance(image, bytes):
        return Image(open_frame(image), True)
    if isinstance(image, np.ndarray):
        return Image(frame_of_pixels(_rgb(image)), False)
    if isinstance(image, (str, PathLike)):  # pyright: ignore[reportUnnecessaryIsInstance]
        try:
            return Image(open_frame(Path(image).expanduser()), True)
        except ImageError as error:
            raise ImageError(
                error.reason, f"{image}: {error.detail}" if error.detail else str(image)
            ) from error
    raise RecipeError(
        f"{type(image).__name__} is not an image",
        "give a path, the bytes of a file, or pixels as a numpy array: np.asarray(image.convert('RGB')) for Pillow, "
        "tensor.permute(1, 2, 0).numpy() for a torch tensor of bytes",
    )


def _rgb(array: npt.NDArray[Any]) -> Pixels:
    """H×W×3 of pixels that `check_pixels` lets pass."""
    pixels = check_pixels(array)
    return np.ascontiguousarray(np.repeat(pixels[:, :, None], 3, axis=2) if pixels.ndim == 2 else pixels)


def check_pixels(array: npt.NDArray[Any]) -> Pixels:
    """The array itself, if it holds pixels: H×W×3 or H×W, uint8.

    Raises RecipeError for any other array; the hint says how to convert it.

    >>> check_pixels(np.zeros((4, 6, 3), np.float32))
    Traceback (most recent call last):
    groundglass.errors.RecipeError: pixels are uint8, 0 to 255, and this array is float32
    """
    if not isinstance(array, np.ndarray):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise RecipeError(f"pixels are a numpy array, not {type(array).__name__}", "np.asarray(image)")
    if array.dtype != np.uint8:
        raise RecipeError(
            f"pixels are uint8, 0 to 255, and this array is {array.dtype}",
            _CONVERT.get(array.dtype.kind, _CONVERT["i"]),
        )
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3) or not array.size:
        raise RecipeError(
            f"pixels are height × width × 3 or height × width, and this array is {_shape(array)}",
            _reshape(array),
        )
    return array


_CONVERT = {
    "f": "values from 0 to 1: (array * 255).round().clip(0, 255).astype(np.uint8)",
    "u": "16 bits: (array / 257).round().astype(np.uint8)",
    "b": "array.astype(np.uint8) * 255",
    "i": "values from 0 to 255: array.astype(np.uint8)",
}
"""How to make uint8 of an array, by the kind of its numbers."""


def _shape(array: npt.NDArray[Any]) -> str:
    return " × ".join(map(str, array.shape)) or "a single number"


def _reshape(array: npt.NDArray[Any]) -> str:
    """How to make pixels of an array of another shape."""
    if not array.size:
        return "it has no pixels"
    if array.ndim == 4:
        return "give one image of the batch at a time: array[0]"
    if array.ndim == 3 and array.shape[2] == 4:
        return "leave out the alpha channel: array[:, :, :3]"
    if array.ndim == 3 and array.shape[2] == 1:
        return "leave out the last axis: array[:, :, 0]"
    if array.ndim == 3 and array.shape[0] == 3:
        return "put the channels last: array.transpose(1, 2, 0)"
    return "the first axis is the height, the second the width"
