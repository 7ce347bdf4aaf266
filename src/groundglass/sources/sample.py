"""Freely licensed photographs that come with scikit-image, and faulty versions of them made on the spot.

What was planted stands in ``planted.csv`` beside the pictures, so that what a recipe catches can be checked.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from groundglass.kernel.errors import MissingExtra
from groundglass.kernel.table import written_whole
from groundglass.sources.folder import list_folders

if TYPE_CHECKING:
    from groundglass.kernel.distort.settings import Pixels


@dataclass(frozen=True)
class Original:
    """A photograph of the scikit-image wheel that may be used by anyone."""

    file: str
    licence: str
    origin: str


ORIGINALS: tuple[Original, ...] = (
    Original("astronaut.png", "CC-PDM-1.0", "NASA, Eileen Collins"),
    Original("brick.png", "CC0-1.0", "CC0Textures, Bricks25"),
    Original("camera.png", "CC0-1.0", "Lav Varshney"),
    Original("chelsea.png", "CC0-1.0", "Stéfan van der Walt"),
    Original("coffee.png", "CC0-1.0", "Rachel Michetti, Pikolo Espresso Bar"),
    Original("grass.png", "CC0-1.0", "linolafett, DeviantArt"),
    Original("gravel.png", "CC0-1.0", "CC0Textures, Gravel04"),
    Original("hubble_deep_field.jpg", "CC-PDM-1.0", "NASA, Hubble eXtreme Deep Field"),
    Original("retina.jpg", "CC0-1.0", "Mikael Häggström, Wikimedia Commons"),
    Original("rocket.jpg", "CC-PDM-1.0", "SpaceX, DSCOVR launch"),
)
"""The usable photographs by name; those whose licence is not stated are left out."""

FAULTS: dict[str, str] = {
    "original": "as it came",
    "jpeg_q20": "re-encoded as JPEG of quality 20",
    "jpeg_q40": "re-encoded as JPEG of quality 40",
    "jpeg_q60": "re-encoded as JPEG of quality 60",
    "upscaled_x2": "halved, then brought back to its size",
    "blurred": "Gaussian blur, sigma 2.5 px",
    "duplicate": "the same bytes under another name",
    "mirrored": "left and right exchanged",
    "truncated": "the last two fifths of the file are missing",
}
"""Every fault that `make_sample` plants, and what was done."""


SAMPLE_COLUMNS = {"fault": "VARCHAR"}
"""What comes with each picture besides its file, as ``meta.fault``, with its SQL type."""


def make_sample(folder: Path) -> pa.Table:
    """Write the photographs and their faulty versions below ``folder`` and list them, with what was planted.

    The table is a `LISTING` with the columns ``licence``, ``author`` and ``fault`` (a key of `FAULTS`) added.
    Files that are there already are left alone, so a second call writes nothing.
    Raises MissingExtra when scikit-image is not installed.
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
    known = [planted[uri] for uri in listing["uri"].to_pylist()]
    extra = {
        "licence": [original.licence for _, original in known],
        "author": [original.origin for _, original in known],
        "fault": [fault for fault, _ in known],
    }
    for name, values in extra.items():
        listing = listing.append_column(name, pa.array(values, pa.string()))
    return listing


def find_photographs() -> Path:
    """The folder of scikit-image's pictures. Raises MissingExtra when it is not installed."""
    found = find_spec("skimage")
    if found is None or found.origin is None:
        raise MissingExtra("the sample photographs come with scikit-image", "quickstart")
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
    """The bytes of a version: made in memory from the wheel's file."""
    import numpy as np
    from PIL import Image

    from groundglass.kernel.distort.jpeg import jpeg_file, truncated
    from groundglass.kernel.image.encode import encode_png

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
    from groundglass.kernel.chance import stream
    from groundglass.kernel.distort.blur import GaussianBlur
    from groundglass.kernel.distort.catalog import distort
    from groundglass.kernel.distort.mirror import Mirror
    from groundglass.kernel.distort.resize import FalseResolution

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
