"""The job that writes images: one decode for each photo, and every file is read back before it counts."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import lcm
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from groundglass.engines.shards import Summary
from groundglass.errors import ImageError, UnreachableError
from groundglass.files.atomic import part_name, written_whole
from groundglass.files.hashes import pixel_hash, sha256_of
from groundglass.files.locators import place_in_words, read, read_listed
from groundglass.image.encode import encode_lossless, shows
from groundglass.image.frame import Frame, Makes, open_frame
from groundglass.image.header import ImageLimits
from groundglass.image.region import Crop, Resize, extend
from groundglass.image.resize import resize
from groundglass.releases.file_layout import Output, Photograph
from groundglass.tables.parts import write_part

RGB = NDArray[np.uint8]

JOURNAL = pa.schema(
    [
        ("id", pa.string()),
        ("split", pa.string()),
        ("file", pa.string()),
        ("scale", pa.int32()),
        ("role", pa.string()),
        ("region", pa.string()),
        ("sha256", pa.string()),
        ("pixel_hash", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("bytes", pa.int64()),
        ("error", pa.string()),
        ("detail", pa.string()),
    ]
)
"""The record of every written file. ``role`` is hr or lr; ``scale`` is 1 for HR and HR/LR for LR. A failed image is one
row: its HR file's name and the error."""


@dataclass(frozen=True)
class Written:
    """The result of one photo: rows of `JOURNAL`, and the error that ends the writing, if there is one."""

    rows: list[dict[str, Any]]
    stop: UnreachableError | None = None


@dataclass(frozen=True)
class Write:
    """Writes images of photos into a release (an engine's job; its items are `file_layout.Photograph`).

    folder   the release
    journal  the folder for the rows of finished shards
    image    "png" or "webp", both lossless, for newly written images
    limits   the limits that applied when the photo was listed
    makes    makes the images of regions that a step made
    """

    folder: Path
    journal: Path
    image: str = "png"
    limits: ImageLimits = field(default_factory=ImageLimits)
    makes: Makes | None = None

    def one(self, item: Photograph) -> Written:
        """Decode the photo and write its outputs. An output that fails is a row with its reason."""
        try:
            frame = _open_unchanged(item, self.limits, self.makes)
        except ImageError as error:
            return Written([_failed(output, error.reason, error.detail) for output in item.outputs])
        rows: list[dict[str, Any]] = []
        for output in item.outputs:
            try:
                rows += self._write(frame, output)
            except UnreachableError as error:
                return Written(rows, error)
            except ImageError as error:
                self._take_back(output)
                rows.append(_failed(output, error.reason, error.detail))
        return Written(rows)

    def lost(self, item: Photograph, reason: str, detail: str) -> Written:
        """An error row for each output of a photo that no worker survived."""
        return Written([_failed(output, reason, detail) for output in item.outputs])

    def name(self, item: Photograph) -> str:
        """The photo's place."""
        return place_in_words(item.path)

    def save(self, results: Sequence[Written]) -> Summary:
        """Record the written files; if the disk was full, raises UnreachableError after that."""
        rows = [row for result in results for row in result.rows]
        if rows:
            write_part(pa.Table.from_pylist(rows, schema=JOURNAL), self.journal / part_name())
        for result in results:
            if result.stop is not None:
                raise result.stop
        first_errors = (
            next((row["error"] for row in result.rows if "error" in row), None) for result in results
        )
        return Summary(len(results), dict(Counter(error for error in first_errors if error)))

    def _write(self, frame: Frame, output: Output) -> list[dict[str, Any]]:
        if output.copied:
            return [self._copy(frame, output.hr) | _of(output, output.hr, 1, output.region)]
        if output.low is not None:
            return self._write_pair(frame, output, output.low)
        high, region = crop_to_multiple(frame.at(output.region).rgb, output)
        rows = [self._write_file(high, output.hr) | _of(output, output.hr, 1, region)]
        for scale, file in output.lr:
            low, low_region = shrink(high, region, scale, output.kernel)
            rows.append(self._write_file(low, file) | _of(output, file, scale, low_region))
        return rows

    def _write_pair(self, frame: Frame, output: Output, low: str) -> list[dict[str, Any]]:
        """A pair that a step made. The made one is first: its origin is then at hand."""
        ((scale, file),) = output.lr
        wanted = [(low, file, scale), (output.region, output.hr, 1)]
        pixels = {region: frame.at(region).rgb for region, _, _ in wanted}
        return [
            self._write_file(pixels[region], name) | _of(output, name, of, region)
            for region, name, of in reversed(wanted)
        ]

    def _write_file(self, pixels: RGB, file: str) -> dict[str, Any]:
        """Write, read back, compare. Raises ImageError ``write_failed``, UnreachableError (disk full)."""
        path = self.folder / file
        with written_whole(path) as temporary:
            # Read the file back from disk: an encoder or a disk that fails silently must not spoil a dataset.
            temporary.write_bytes(encode_lossless(pixels, self.image))
            content = temporary.read_bytes()
            if not shows(content, pixels):
                raise ImageError("write_failed", f"{file} does not read back as the same pixels")
        return _described(content, pixels)

    def _copy(self, frame: Frame, file: str) -> dict[str, Any]:
        """The photo's own bytes, read back. Raises ImageError ``write_failed``, UnreachableError (disk full)."""
        with written_whole(self.folder / file) as temporary:
            temporary.write_bytes(frame.data)
            if temporary.read_bytes() != frame.data:
                raise ImageError("write_failed", f"{file} does not read back as the same bytes")
        return _described(frame.data, frame.rgb)

    def _take_back(self, output: Output) -> None:
        """Remove an image's files: it is released with all its versions or not at all."""
        for file in output.files:
            (self.folder / file).unlink(missing_ok=True)


def _described(content: bytes, pixels: RGB) -> dict[str, Any]:
    """The record of a file: its bytes and the image in it, upright."""
    return {
        "sha256": sha256_of(content),
        "pixel_hash": pixel_hash(pixels),
        "width": pixels.shape[1],
        "height": pixels.shape[0],
        "bytes": len(content),
    }


def crop_to_multiple(pixels: RGB, output: Output) -> tuple[RGB, str]:
    """The image cut at the right and bottom so that every scale divides its sides, and its region.

    Raises ImageError ``too_small`` if nothing is left.
    """
    factor = lcm(*(scale for scale, _ in output.lr)) if output.lr else 1
    height, width = (side - side % factor for side in pixels.shape[:2])
    if not height or not width:
        raise ImageError(
            "too_small",
            f"{pixels.shape[1]} x {pixels.shape[0]} px is smaller than {factor} px, which the scales need",
        )
    if (height, width) == pixels.shape[:2]:
        return np.ascontiguousarray(pixels), output.region
    return np.ascontiguousarray(pixels[:height, :width]), extend(output.region, Crop(0, 0, width, height))


def shrink(high: RGB, region: str, scale: int, kernel: str) -> tuple[RGB, str]:
    """The LR version of an HR image with sides that are multiples of ``scale``, and its region."""
    width, height = high.shape[1] // scale, high.shape[0] // scale
    return resize(high, width, height, kernel), extend(region, Resize(width, height, kernel))


def _open_unchanged(item: Photograph, limits: ImageLimits, makes: Makes | None) -> Frame:
    """Raises ImageError ``vanished``, ``unreadable``, ``changed`` or the errors of header and decoder."""
    data = read_listed(item.path, None, None, item.sha256) if item.sha256 else read(item.path)
    frame = open_frame(data, limits, makes)
    # Decode now, so that damage is found once and not again by every output.
    len(frame.rgb)
    return frame


def _of(output: Output, file: str, scale: int, region: str) -> dict[str, Any]:
    role = "hr" if file == output.hr else "lr"
    return {
        "id": output.id,
        "split": output.split,
        "file": file,
        "scale": scale,
        "role": role,
        "region": region,
    }


def _failed(output: Output, reason: str, detail: str) -> dict[str, Any]:
    return _of(output, output.hr, 1, output.region) | {"error": reason, "detail": detail}


def leftovers(folder: Path) -> Iterator[Path]:
    """Temporary files of writers that were killed."""
    for parent, _, names in os.walk(folder):
        yield from (Path(parent) / name for name in names if name.startswith(".") and name.endswith(".tmp"))
