"""The maker of a store's images: it reads the record that a region names, and makes the pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundglass.image.frame import MadeImage, Pixels
from groundglass.image.region import Made
from groundglass.made_images.degraded import make_degraded
from groundglass.made_images.records import FOLDER, read_record

MAKERS: Mapping[str, Callable[[Pixels, str, str, Mapping[str, Any]], MadeImage]] = {
    "degraded": make_degraded,
}
"""For each word of a region's step, the function of (pixels, sha256 of the photo, region before the step, record)."""


@dataclass(frozen=True)
class MakesImages:
    """Makes the images of regions from the records in ``folder``; any process that has the store can.

    Raises ImageError if the record is gone, and the errors of the maker.
    """

    folder: Path

    def __call__(self, rgb: Pixels, sha256: str, region: str, made: Made) -> MadeImage:
        return MAKERS[made.by](rgb, sha256, region, read_record(self.folder, made.key))


def makes_of(store: Path) -> MakesImages:
    """The maker of a store; ``store`` is its folder."""
    return MakesImages(store / FOLDER)
