"""Images that are too small for the patches that trainers cut from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import lcm
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from groundglass.releases.manifest import high_rows
from groundglass.releases.split_names import TRAIN
from groundglass.releases.writers.writer import Release
from groundglass.text.format import some, thousands

Known = Literal["exactly", "at most", "about"]
"""How exactly the number and the sizes of images are known."""


@dataclass(frozen=True)
class Patch:
    """The square that trainers cut at random from every image: its side in px, and the trainers with this default."""

    side: int
    trainers: str


PATCHES: tuple[Patch, ...] = (
    Patch(32, "MSRResNet, ESRGAN"),
    Patch(48, "EDSR, SwinIR"),
    Patch(64, "HAT, neosr"),
)
"""In LR px, from the options that come with BasicSR, HAT and neosr; in HR it is ``scale`` times as large. BasicSR
raises an error for a smaller image (`paired_random_crop`)."""

PADDED = Patch(400, "Real-ESRGAN, which pads")
"""In HR px. Real-ESRGAN makes LR itself, from 400 px of HR (`crop_pad_size`); it pads smaller images by reflection."""

USUAL_SCALE = 4
"""The scale of trainers that make LR themselves."""


@dataclass(frozen=True)
class TooSmall:
    """The number of images that are too small for each of these patches, with sides in px of HR."""

    images: int
    patches: tuple[Patch, ...]


def too_small(sides: NDArray[np.int64], step: Release) -> list[TooSmall]:
    """The patches for which HR images of these shortest ``sides`` (px) are too small, the smallest patch first.

    HR is cut to a multiple of all its scales; the largest scale needs the largest patch.

    >>> from groundglass.releases.writers.paired import PairedRelease
    >>> step = PairedRelease(lr_scales=(2,))
    >>> for found in too_small(np.array([70, 97, 128]), step):
    ...     print(found.images, [patch.side for patch in found.patches])
    1 [96]
    2 [128]
    """
    if not step.trains:
        return []
    low = step.low_resolution(TRAIN)
    multiple = lcm(*low.scales) if low else 1
    written = sides // multiple * multiple
    counted = [(int((written < patch.side).sum()), patch) for patch in _patches_of_hr(step)]
    return [
        TooSmall(images, tuple(patch for _, patch in members))
        for images, members in groupby(counted, key=lambda pair: pair[0])
        if images
    ]


def _patches_of_hr(step: Release) -> list[Patch]:
    cut = [Patch(patch.side * _scale(step), patch.trainers) for patch in PATCHES]
    return cut if step.low_resolution(TRAIN) else [*cut, PADDED]


def _scale(step: Release) -> int:
    low = step.low_resolution(TRAIN)
    return max(low.scales) if low else USUAL_SCALE


def small_images_note(sides: NDArray[np.int64], step: Release, known: Known = "exactly") -> tuple[str, ...]:
    """A sentence on the images that are too small for training, with their number; empty if there are none.

    >>> from groundglass.releases.writers.paired import PairedRelease
    >>> small_images_note(np.array([100, 500]), PairedRelease(lr_scales=(2,)), "at most")
    ('too small for training patches of HR at x2: at most 1 image for 128 px (HAT, neosr); BasicSR then stops',)
    """
    found = too_small(sides, step)
    said = [f"{_how_many(small.images, len(sides), known)} for {_named(small.patches)}" for small in found]
    return _sentence("", "; ".join(said), found, step)


def small_tiles_note(side: int, step: Release) -> tuple[str, ...]:
    """The same for tiles of one size, before their number is known.

    >>> from groundglass.releases.writers.folder import FolderRelease
    >>> small_tiles_note(256, FolderRelease())
    ('tiles of 256 px are too small for training patches of HR: 400 px (Real-ESRGAN, which pads)',)
    """
    found = too_small(np.array([side]), step)
    return _sentence(f"tiles of {side} px are ", ", ".join(_named(s.patches) for s in found), found, step)


def released_note(manifest: pa.Table, step: Release) -> tuple[str, ...]:
    """The same for the training images of a release; validation and test images are not cut."""
    written = high_rows(manifest).select(["split", "width", "height"]).to_pylist()
    high = [row for row in written if row["split"] == TRAIN]
    return small_images_note(np.array([min(row["width"], row["height"]) for row in high], np.int64), step)


def _sentence(which: str, said: str, found: Sequence[TooSmall], step: Release) -> tuple[str, ...]:
    if not found:
        return ()
    only_padded = found[0].patches == (PADDED,)
    scale, end = ("", "") if only_padded else (f" at x{_scale(step)}", "; BasicSR then stops")
    return (f"{which}too small for training patches of HR{scale}: {said}{end}",)


def _how_many(images: int, of: int, known: Known) -> str:
    """A number among all images; the total is itself only a bound if not all is known.

    >>> _how_many(3, 9, "exactly"), _how_many(9, 9, "exactly"), _how_many(3, 9, "about"), _how_many(9, 9, "at most")
    ('3 of 9 images', 'all 9 images', 'about 3 images', 'all images (at most 9)')
    """
    if known == "exactly":
        return (
            f"all {thousands(of)} images" if images == of else f"{thousands(images)} of {some(of, 'images')}"
        )
    return f"all images ({known} {thousands(of)})" if images == of else f"{known} {some(images, 'images')}"


def _named(patches: Sequence[Patch]) -> str:
    return ", ".join(f"{patch.side} px ({patch.trainers})" for patch in patches)
