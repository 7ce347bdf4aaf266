"""Moments as a measure: taken by the workers in one decode, kept in the store, and never taken twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from groundglass.catalog import Column, Measure, Parameter, Value
from groundglass.errors import NoValue
from groundglass.image.resize import resize
from groundglass.measures.pairs.psnr_ssim import rgb_to_y
from groundglass.proofs.instant.moments import LENGTH, SMALLEST, Sample, moments

if TYPE_CHECKING:
    from groundglass.image.frame import Frame

Plane = NDArray[Any]

MOST_PIXELS = 1 << 18
"""HR pixels that one image gives at most: a 100-megapixel photo would teach hardly more, and cost 400 times as much."""
LOOK = 16
"""Side of the small luma by which two encodings of one photo are recognised, px."""


def moments_of(frame: Frame, step: int = 2, turned: bool = False) -> dict[str, Value]:
    """The moments of an image (`groundglass.proofs.instant.moments`), and a small luma to recognise it by.

    ``step``: every how many-th LR pixel counts, each way. ``turned``: all eight flips and rotations count.
    Raises NoValue ``too_small`` below 16 px.
    """
    luma = rgb_to_y(frame.rgb)
    if min(luma.shape) < SMALLEST:
        raise NoValue("too_small")
    sample = Sample(step)
    found = np.zeros(LENGTH, np.float32)
    for window in windows(luma):
        for laid in _orientations(window) if turned else (window,):
            found += moments(laid, sample)
    look = resize(luma, LOOK, LOOK, "area") if min(luma.shape) >= LOOK else luma[:LOOK, :LOOK]
    return {"moments": found.tobytes(), "look": np.round(look).astype(np.uint8).tobytes()}


def windows(luma: Plane) -> Iterator[Plane]:
    """The parts of an image, H x W (x 3), that count: the whole, or the middle of each quarter of a large one."""
    height, width = luma.shape[:2]
    if height * width <= MOST_PIXELS:
        yield luma
        return
    side = int((MOST_PIXELS // 4) ** 0.5)
    tall, wide = min(side, height // 2), min(side, width // 2)
    for middle_y in (height // 4, height - height // 4):
        for middle_x in (width // 4, width - width // 4):
            # An even offset: an odd one would show an upscaled image on another grid than its own.
            top, left = (
                (middle - part // 2) // 2 * 2 for middle, part in ((middle_y, tall), (middle_x, wide))
            )
            yield luma[top : top + tall, left : left + wide]


def _orientations(plane: Plane) -> Iterator[Plane]:
    for turns in range(4):
        turned = np.rot90(plane, turns)
        yield np.ascontiguousarray(turned)
        yield np.ascontiguousarray(turned[:, ::-1])


MOMENTS = Measure(
    name="proof_moments",
    version=1,
    compute=moments_of,
    columns={
        "moments": Column(
            "", None, None, "neither", "float32 moments of a linear upscaler", bytes, hidden=True
        ),
        "look": Column("", None, None, "neither", "luma of 16 x 16 px", bytes, hidden=True),
    },
    reference="Romano, Isidoro, Milanfar: RAISR, 2017",
    parameters={
        "turned": Parameter(False, "all eight flips and rotations count"),
    },
)
"""Stored with the measures; no recipe asks for it by name."""
