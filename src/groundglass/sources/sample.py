"""Freely licensed photos that come with scikit-image, and faulty versions of them that are made on the spot.

``planted.csv`` next to the images lists all planted faults, so that a recipe's result can be checked.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import pyarrow as pa
from pydantic import Field

from groundglass.degradations.blur import GaussianBlur
from groundglass.degradations.catalog import distort
from groundglass.degradations.jpeg import jpeg_file, truncated
from groundglass.degradations.mirror import Mirror
from groundglass.degradations.resize import FalseResolution
from groundglass.errors import MissingExtra
from groundglass.files.atomic import written_whole
from groundglass.image.encode import encode_png
from groundglass.random_streams import stream
from groundglass.sources.folder import list_folders
from groundglass.sources.source import Brought, Home, Source
from groundglass.tables.parquet import compute
from groundglass.tables.rows import META

if TYPE_CHECKING:
    from groundglass.degradations.settings import Pixels


@dataclass(frozen=True)
class Original:
    """A photo of the scikit-image wheel that anyone may use."""

    file: str
    licence: str
    origin: str


ORIGINALS: tuple[Original, ...] = (
    Original("astronaut.png", "CC-PDM-1.0", "NASA, Eileen Collins"),
    Original("chelsea.png", "CC0-1.0", "Stéfan van der Walt"),
    Original("coffee.png", "CC0-1.0", "Rachel Michetti, Pikolo Espresso Bar"),
    Original(
        "motorcycle_left.png",
        "LicenseRef-Middlebury-Stereo",
        "Middlebury 2014 stereo benchmark, Scharstein et al., GCPR 2014",
    ),
    Original("rocket.jpg", "CC-PDM-1.0", "SpaceX, DSCOVR launch"),
    Original("hubble_deep_field.jpg", "CC-PDM-1.0", "NASA, Hubble eXtreme Deep Field"),
    Original("camera.png", "CC0-1.0", "Lav Varshney"),
)
"""The photos that are used, those in colour first. Textures (brick, grass, gravel), medical
images and images without a stated licence are left out.

Middlebury permits everybody "to use and publish all images" of its stereo pages, and asks to be cited. Of its
motorcycle only the left view is used. The right one shows nearly the same, but `deduplicate: near` just does not
count it as a copy (7 bits apart, 6 allowed), so the two could end up on both sides of a split.
"""

FAULTS: dict[str, str] = {
    "original": "the photo, unchanged",
    "duplicate": "the same bytes, another name",
    "mirrored": "left and right exchanged",
    "jpeg_q20": "saved again, JPEG quality 20",
    "jpeg_q40": "saved again, JPEG quality 40",
    "jpeg_q60": "saved again, JPEG quality 60",
    "upscaled_x2": "halved, then upscaled again",
    "blurred": "Gaussian blur, sigma 2.5 px",
    "truncated": "the last two fifths cut off",
}
"""Every version that `make_sample` makes of a photo, and the change."""

WHOLE = ("original", "duplicate", "mirrored")
"""Versions as good as the photo: one of them is worth keeping. All others are damaged."""


COLUMNS: dict[str, str] = dict.fromkeys(("licence", "author", "fault", "photograph"), "VARCHAR")
"""The columns that come with each image besides its file, with SQL types."""


class Sample(Source):
    """Photos from scikit-image, and damaged versions of them that are made on the spot."""

    keys: ClassVar = ("sample",)
    reference: ClassVar = "scikit-image's own images and their authors"
    example: ClassVar = "{sample: skimage}"

    sample: Annotated[Literal["skimage"], Field(description="photos from scikit-image, with planted faults")]

    def look(self) -> Brought:
        find_photographs()
        return self.brought(COLUMNS)

    def listing(self, types: Mapping[str, str], home: Home) -> pa.Table:
        found = make_sample(home.folder / "sample" / "photographs")
        return found.rename_columns([META + name if name in COLUMNS else name for name in found.column_names])

    def label(self) -> str:
        return f"sample {self.sample}"


def make_sample(folder: Path) -> pa.Table:
    """Write the photos and their faulty versions below ``folder`` and list them, with the planted faults.

    The table is a `LISTING` with the columns ``licence``, ``author``, ``fault`` (a key of `FAULTS`) and ``photograph``
    (the original's file) added. Existing files are left alone, so a second call writes nothing; files
    that an older version of groundglass made from other photos are not listed.
    Raises MissingExtra if scikit-image is not installed.
    """
    data = find_photographs()
    planted: dict[str, tuple[str, Original]] = {}
    for original in ORIGINALS:
        for uri, fault in _versions(original):
            planted[uri] = (fault, original)
            if not (folder / uri).exists():
                _write(_damaged(data / original.file, fault), folder / uri)
    _write(_planted_csv(planted), folder.parent / "planted.csv")
    listing = list_folders([str(folder)])
    listing = listing.filter(compute.is_in(listing["uri"], pa.array(planted)))
    known = [planted[uri] for uri in listing["uri"].to_pylist()]
    extra = {
        "licence": [original.licence for _, original in known],
        "author": [original.origin for _, original in known],
        "fault": [fault for fault, _ in known],
        "photograph": [original.file for _, original in known],
    }
    for name, values in extra.items():
        listing = listing.append_column(name, pa.array(values, pa.string()))
    return listing


def find_photographs() -> Path:
    """The folder of scikit-image's photos. Raises MissingExtra if it is not installed."""
    found = find_spec("skimage")
    if found is None or found.origin is None:
        raise MissingExtra("the sample photos come with scikit-image", "quickstart")
    return Path(found.origin).parent / "data"


def _versions(original: Original) -> Iterator[tuple[str, str]]:
    stem, kind = original.file.rsplit(".", 1)
    for fault in FAULTS:
        if fault == "original":
            yield f"{stem}.{kind}", fault
        elif fault in ("duplicate", "truncated"):
            yield f"{stem}_{fault}.{kind}", fault
        else:
            yield f"{stem}_{fault}.{'jpg' if fault.startswith('jpeg') else 'png'}", fault


def _damaged(original: Path, fault: str) -> bytes:
    """The bytes of a version, made in memory from the wheel's file."""
    import numpy as np
    from PIL import Image

    file = original.read_bytes()
    if fault in ("original", "duplicate"):
        return file
    if fault == "truncated":
        return truncated(file, 0.6)
    rgb = np.asarray(Image.open(original).convert("RGB"))
    if fault.startswith("jpeg_q"):
        return jpeg_file(rgb, int(fault.removeprefix("jpeg_q")))
    return encode_png(_changed(rgb, fault))


def _changed(rgb: Pixels, fault: str) -> Pixels:
    """A faulty version that is not saved as JPEG."""
    settings = {
        "upscaled_x2": FalseResolution(2),
        "blurred": GaussianBlur(2.5),
        "mirrored": Mirror(across=True),
    }
    return distort(rgb, settings[fault], stream(0, fault))


def _planted_csv(planted: dict[str, tuple[str, Original]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["uri", "fault", "what_was_done", "licence", "origin"])
    writer.writerows(
        [uri, fault, FAULTS[fault], o.licence, o.origin] for uri, (fault, o) in sorted(planted.items())
    )
    return text.getvalue().encode()


def _write(content: bytes, path: Path) -> None:
    with written_whole(path) as temporary:
        temporary.write_bytes(content)
