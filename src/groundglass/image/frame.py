"""`Frame`: a photo or a region of it, decoded once, with planes that are made on first use."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from groundglass.errors import ImageError, NoValue
from groundglass.files.hashes import sha256_of
from groundglass.files.locators import read_file
from groundglass.image import (
    color_management,
    color_statistics,
    decode,
    gradient_statistics,
    orientation,
    resize,
)
from groundglass.image import header as headers
from groundglass.image.header import Header, ImageLimits
from groundglass.image.region import WHOLE, Box, Crop, Made, Resize, Step, has_grid, made_in, parse, text_of

Pixels = npt.NDArray[np.uint8]
_GRID = 8


class MadeImage(NamedTuple):
    """An image that a step made: its pixels, what made it in a few words, and the record that makes it again."""

    rgb: Pixels
    said: str
    record: Mapping[str, Any]


class Makes(Protocol):
    """Makes the images of a region's step `Made` (`groundglass.made_images`)."""

    def __call__(self, rgb: Pixels, sha256: str, region: str, made: Made) -> MadeImage:
        """The image made from ``rgb``, which is ``region`` of the photo with the file's hash ``sha256``."""
        ...


def open_frame(
    source: Path | str | bytes, limits: ImageLimits | None = None, makes: Makes | None = None
) -> Frame:
    """Open an image file: the header is read and limits are checked; pixels are decoded on first use.

    ``makes`` makes the images of regions that a step made; without it such a region is ``unreadable``.

    Raises ImageError: ``vanished`` or ``unreadable`` (a path), and all of `read_header`. `Frame.rgb` and the
    planes raise all of `decode.decode`.

    >>> from groundglass import testing
    >>> frame = open_frame(testing.jpeg(testing.photo(64, 48), quality=90))
    >>> frame.rgb.shape, frame.luma.dtype.name, frame.at("crop(3,5,32,32)").grid_offset
    ((48, 64, 3), 'uint8', (5, 3))
    """
    data = source if isinstance(source, bytes) else read_file(Path(source))
    return Frame(_Photograph(data, headers.read_header(data, limits), makes=makes), WHOLE)


def frame_of_pixels(rgb: Pixels) -> Frame:
    """The frame of pixels that are in no file: H×W×3 uint8, sRGB, upright.

    Its header holds the size only. Their 8×8 grid is taken to begin at the first pixel.

    >>> frame_of_pixels(np.zeros((48, 64, 3), np.uint8)).luma.shape
    (48, 64)
    """
    height, width = rgb.shape[:2]
    header = Header("", width, height, width, height, "RGB", 8)
    return Frame(_Photograph(b"", header, decode.Decoded(rgb, None, ())), WHOLE)


class _Photograph:
    """Shared by all frames of one photo: the bytes, the decode, and the last resized or made version."""

    def __init__(
        self,
        data: bytes,
        header: Header,
        given: decode.Decoded | None = None,
        makes: Makes | None = None,
    ) -> None:
        self.data = data
        self.header = header
        self._given = given
        self._makes = makes
        self._last: tuple[tuple[Step, ...], Pixels | MadeImage] | None = None

    @cached_property
    def decoded(self) -> decode.Decoded:
        return self._given or decode.decode(self.data, self.header)

    @cached_property
    def luma(self) -> Pixels:
        return color_management.luma(self.decoded.rgb)

    @cached_property
    def stored_luma(self) -> Pixels:
        """Luma of the pixels as stored: before orientation and profile."""
        source = self.decoded.source_luma
        return orientation.as_stored(self.luma if source is None else source, self.header.orientation)

    @cached_property
    def sha256(self) -> str:
        return sha256_of(self.data)

    def pixels(self, steps: tuple[Step, ...]) -> Pixels:
        """The photo after these steps; the last version that is not a crop is kept for the crops that follow."""
        if not steps:
            return self.decoded.rgb
        if isinstance(last := steps[-1], Crop):
            before = self.pixels(steps[:-1])
            return np.ascontiguousarray(before[last.y : last.y + last.height, last.x : last.x + last.width])
        found = self._version(steps, last)
        return found.rgb if isinstance(found, MadeImage) else found

    def made(self, steps: tuple[Step, ...]) -> MadeImage:
        """The image of steps of which the last one is `Made`."""
        last = steps[-1]
        assert isinstance(last, Made)
        found = self._version(steps, last)
        assert isinstance(found, MadeImage)
        return found

    def _version(self, steps: tuple[Step, ...], last: Resize | Made) -> Pixels | MadeImage:
        # One version is enough, since tiles of one scale follow each other; each of a 4K photo may be 25 MB.
        kept = self._last  # read once: other threads may be at other regions
        if kept is None or kept[0] != steps:
            self._last = kept = steps, self._make(steps[:-1], last)
        return kept[1]

    def _make(self, steps: tuple[Step, ...], last: Resize | Made) -> Pixels | MadeImage:
        before = self.pixels(steps)
        if isinstance(last, Resize):
            return resize.resize(before, last.width, last.height, last.kernel)
        if self._makes is None:
            raise ImageError("unreadable", f"{last} can only be made in the run that it is of")
        made = self._makes(before, self.sha256, text_of(steps), last)
        if made.rgb.shape[:2] != (last.height, last.width):
            size = f"{made.rgb.shape[1]} × {made.rgb.shape[0]}"
            raise ImageError("wrong_size", f"{last.by}: {size} px in place of {last.width} × {last.height}")
        return made


class Frame:
    """A photo or a region of it. All planes are contiguous uint8 and made on first use.

    header       facts about the photo's file
    data         the file's bytes
    region       "" for the whole photo, else a text of `groundglass.image.region`
    width, height   px of this region
    on_grid      False once the region was resized: then there is no JPEG grid anymore
    """

    def __init__(self, photograph: _Photograph, region: str) -> None:
        self._photograph = photograph
        self.header = photograph.header
        self.data = photograph.data
        self.region = region
        self._steps = parse(region)
        made = [place for place, step in enumerate(self._steps) if isinstance(step, Made)]
        self._since_made = self._steps[made[-1] + 1 :] if made else None
        self.width, self.height = _size_after(self._steps, self.header.width, self.header.height)
        self.on_grid = has_grid(region)

    def at(self, region: str) -> Frame:
        """The region of the same photo (counted from the whole one); shares the decode.

        Raises ImageError ``too_small`` where a crop reaches beyond the image, RecipeError for a text that is not
        a region.
        """
        return self if region == self.region else Frame(self._photograph, region)

    @property
    def made_from(self) -> Frame | None:
        """The image that a step made this one from, if that step is the last one of the region."""
        found = made_in(self.region)
        return self.at(found[0]) if found is not None and not found[2] else None

    @property
    def made(self) -> MadeImage:
        """The image as the last step of the region made it. Only of a frame that has `made_from`."""
        return self._photograph.made(self._steps)

    def check_side(self, least: int) -> None:
        """Raises NoValue ``too_small`` where a side is shorter than ``least`` px."""
        if min(self.width, self.height) < least:
            raise NoValue("too_small", f"{self.width} x {self.height} px, needs {least} px")

    @cached_property
    def rgb(self) -> Pixels:
        """H×W×3 uint8, sRGB, upright; transparency on white."""
        return self._photograph.pixels(self._steps)

    @cached_property
    def luma(self) -> Pixels:
        """H×W uint8 of `rgb`, with OpenCV's weights and rounding."""
        if not self._steps:
            return self._photograph.luma

        return color_management.luma(self.rgb)

    @cached_property
    def grid_luma(self) -> Pixels:
        """Luma of the stored pixels (before orientation and profile), with (0,0) on the photo's 8×8 grid.

        A region's is cut at left and top to the grid (`grid_offset`), so it may be smaller, even empty. On a
        resized region it is `luma`, and `on_grid` is False. The grid of an image that a step made begins at its first
        pixel.
        """
        if not self.on_grid:
            return self.luma
        if not self._steps:
            return self._photograph.stored_luma
        left, top = self.grid_offset
        if self._since_made is not None:
            return np.ascontiguousarray(self.luma[top:, left:])
        x, y, width, height = self._stored_box
        return np.ascontiguousarray(self._photograph.stored_luma[y + top : y + height, x + left : x + width])

    @property
    def grid_offset(self) -> tuple[int, int]:
        """How many px (across, down, as stored) `grid_luma` begins after the region, each 0 to 7."""
        if not self.on_grid or not self._steps:
            return 0, 0
        x, y = self._stored_box[:2] if self._since_made is None else _corner(self._since_made)
        return -x % _GRID, -y % _GRID

    @property
    def _stored_box(self) -> Box:
        header = self.header
        box = Box(*_corner(self._steps), self.width, self.height)
        return orientation.box_as_stored(box, header.orientation, header.stored_width, header.stored_height)

    @cached_property
    def gradients(self) -> gradient_statistics.GradientSums:
        """One fused pass over `luma`, shared by measures."""
        return gradient_statistics.gradient_sums(self.luma)

    @cached_property
    def histogram(self) -> npt.NDArray[np.int64]:
        """256 counts of `luma`."""
        return gradient_statistics.histogram(self.luma)

    @cached_property
    def colours(self) -> color_statistics.ColourSums:
        """One fused pass over `rgb`, shared by measures."""
        return color_statistics.colour_sums(self.rgb)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Words of `header.WARNINGS`: the header's, and once decoded also the decoder's."""
        decoded = self._photograph.__dict__.get("decoded")
        return self.header.warnings if decoded is None else (*self.header.warnings, *decoded.warnings)


def _corner(steps: tuple[Step, ...]) -> tuple[int, int]:
    """The left and top of an image that was only cropped."""
    return sum(_crop(step).x for step in steps), sum(_crop(step).y for step in steps)


def _crop(step: Step) -> Crop:
    assert isinstance(step, Crop)
    return step


def _size_after(steps: tuple[Step, ...], width: int, height: int) -> tuple[int, int]:
    for step in steps:
        if not isinstance(step, Crop):
            width, height = step.width, step.height
            continue
        if step.x + step.width > width or step.y + step.height > height or not step.width or not step.height:
            raise ImageError("too_small", f"{step} of an image of {width} x {height} px")
        width, height = step.width, step.height
    return width, height
