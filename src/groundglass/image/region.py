"""The part of a photo, and its size, that make a virtual image: a short text that any worker can apply.

A region is a chain of steps from the upright photo to the virtual image, joined by ``/``:

    ""                                             the whole photo
    "crop(512,0,512,512)"                          x, y, width, height
    "resize(1536x1024,lanczos)/crop(0,0,512,512)"  first resized, then cut
    "crop(0,0,512,512)/degraded(128x128,x4,04c1…)" cut, then degraded to a quarter by the record with that key

The text is the region's identity: measures are stored under (sha256 of the photo, region).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast

from groundglass.errors import RecipeError

_STEP = re.compile(
    r"crop\((?P<x>\d+),(?P<y>\d+),(?P<w>\d+),(?P<h>\d+)\)|resize\((?P<rw>\d+)x(?P<rh>\d+),(?P<kernel>[a-z_0-9]+)\)"
    r"|(?P<by>degraded|restored)\((?P<mw>\d+)x(?P<mh>\d+),x(?P<scale>\d+),(?P<key>[0-9a-f]{16})\)"
)


class Box(NamedTuple):
    """A place in an image: left, top, width, height, in pixels."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Crop:
    """A box of the image so far: left, top, width, height, in pixels."""

    x: int
    y: int
    width: int
    height: int

    def __str__(self) -> str:
        return f"crop({self.x},{self.y},{self.width},{self.height})"


@dataclass(frozen=True)
class Resize:
    """The image so far brought to width x height with a named kernel of `groundglass.image.resize`."""

    width: int
    height: int
    kernel: str

    def __str__(self) -> str:
        return f"resize({self.width}x{self.height},{self.kernel})"


Maker = Literal["degraded", "restored"]


@dataclass(frozen=True)
class Made:
    """The image so far replaced by one that was made from it.

    scale  how many times smaller (degraded) or larger (restored) it is
    key    of the record in `made_images` that makes it
    """

    by: Maker
    width: int
    height: int
    scale: int
    key: str

    def __str__(self) -> str:
        return f"{self.by}({self.width}x{self.height},x{self.scale},{self.key})"


Step = Crop | Resize | Made
WHOLE = ""
TILE_SIGN = "#"
"""Between a photo's uri and its region: ``a/113.jpg#crop(0,512,512,512)``."""


def parse(region: str) -> tuple[Step, ...]:
    """The steps of a region text.

    >>> parse("resize(300x200,box)/crop(0,8,64,64)")
    (Resize(width=300, height=200, kernel='box'), Crop(x=0, y=8, width=64, height=64))
    """
    return tuple(_parse_step(text) for text in region.split("/")) if region else ()


def _parse_step(text: str) -> Step:
    found = _STEP.fullmatch(text)
    if found is None:
        raise RecipeError(
            f"{text!r} is not a step of a region", "write crop(x,y,width,height) or resize(WxH,kernel)"
        )
    if found["by"]:
        return Made(
            cast(Maker, found["by"]), int(found["mw"]), int(found["mh"]), int(found["scale"]), found["key"]
        )
    if found["kernel"]:
        return Resize(int(found["rw"]), int(found["rh"]), found["kernel"])
    return Crop(int(found["x"]), int(found["y"]), int(found["w"]), int(found["h"]))


def extend(region: str, step: Step) -> str:
    """The region with one more step.

    >>> extend("crop(0,0,512,512)", Resize(128, 128, "box"))
    'crop(0,0,512,512)/resize(128x128,box)'
    """
    return f"{region}/{step}" if region else str(step)


def text_of(steps: Sequence[Step]) -> str:
    """The region of these steps."""
    return "/".join(map(str, steps))


def has_grid(region: str) -> bool:
    """Whether the 8×8 grid of a JPEG is where the photo's, or the last made image's, is: resizing loses it."""
    found = made_in(region)
    return "resize(" not in (region if found is None else found[2])


def made_in(region: str) -> tuple[str, Made, str] | None:
    """The last step of a region that made an image: the region before it, the step, and the steps after it.

    >>> before, made, after = made_in("crop(0,0,64,64)/degraded(16x16,x4,0123456789abcdef)")
    >>> before, made.by, made.width, after
    ('crop(0,0,64,64)', 'degraded', 16, '')
    >>> made_in("crop(0,0,64,64)") is None
    True
    """
    if "ed(" not in region:  # most regions, without parsing them
        return None
    steps = parse(region)
    for place in reversed(range(len(steps))):
        if isinstance(step := steps[place], Made):
            return text_of(steps[:place]), step, text_of(steps[place + 1 :])
    return None
