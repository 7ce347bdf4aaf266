"""The maker of a store's images: it reads the record that a region names, and makes the pixels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from groundglass.image.frame import MadeImage, Pixels
from groundglass.image.region import Made
from groundglass.made_images.degraded import make_degraded
from groundglass.made_images.kept import Place
from groundglass.made_images.records import FOLDER, read_record
from groundglass.made_images.restored import make_restored


@dataclass(frozen=True)
class MakesImages:
    """Makes the images of regions from the records in ``folder``; any process that has the store can.

    keep   the folder that restored pixels are kept in, if it is another one

    Raises ImageError if the record is gone, and the errors of the maker.
    """

    folder: Path
    keep: Path | None = None

    def __call__(self, rgb: Pixels, sha256: str, region: str, made: Made) -> MadeImage:
        record = read_record(self.folder, made.key)
        if made.by == "degraded":
            return make_degraded(rgb, sha256, region, record)
        place = Place(self.keep or self.folder, made.key, sha256, region)
        return make_restored(rgb, region, record, place, self.folder)


def makes_of(store: Path) -> MakesImages:
    """The maker of a store; ``store`` is its folder."""
    return MakesImages(store / FOLDER)
