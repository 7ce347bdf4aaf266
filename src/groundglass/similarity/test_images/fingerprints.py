"""Fingerprints of test images, which hold no pixels, and files of them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from groundglass.errors import RecipeError
from groundglass.files.atomic import write_bytes
from groundglass.similarity.test_images.local_features import (
    LEVEL,
    PATCH,
    WORDS,
    Features,
    find_features,
    working,
)
from groundglass.similarity.test_images.sign_map import CELLS, Relief, cell_means, relief

VERSION = "1"
"""The version of the file's format and of the fingerprints; a file of another version is refused."""
SIDE = 384
"""Before feature detection a test image is reduced to this longer side, px."""
MOST = 300
"""Features kept of a test image, and as many of its mirror image."""
SUBPIXEL = 32
"""Positions are stored in units of 1/32 px."""
TURN = 256
"""Angles are stored in units of 1/256 of a full turn."""

SCHEMA = pa.schema(
    [
        ("set", pa.string()),
        ("name", pa.string()),
        ("pixels_sha256", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("relief", pa.binary()),
        ("points", pa.binary()),
        ("descriptors", pa.binary()),
        ("mirrored_points", pa.binary()),
        ("mirrored_descriptors", pa.binary()),
        ("error", pa.string()),
    ]
)
"""pixels_sha256 is the hash of the size and the luma; points are x, y (1/32 px), level, angle (1/256 turn).
If ``error`` says why an image has no fingerprint, its other columns except the names are null."""
_PLACE = np.dtype([("x", "<u2"), ("y", "<u2"), ("level", "u1"), ("angle", "u1")])


@dataclass(frozen=True)
class Print:
    """The fingerprint of one test image.

    sha256         hash of its size and luma: equal for a lossless copy
    width, height  size of the reduced image, to which the points refer, px
    relief         32×32, see `groundglass.similarity.test_images.sign_map`
    features, mirrored  local features of the image and of its mirror image
    """

    sha256: str
    width: int
    height: int
    relief: Relief
    features: Features
    mirrored: Features
    set: str = ""
    name: str = ""

    @property
    def label(self) -> str:
        """Its name in reasons: Set5/woman."""
        return f"{self.set}/{self.name}" if self.set else self.name


def make_print(luma: npt.NDArray[np.uint8]) -> Print:
    """The fingerprint of H×W uint8 ``luma``.

    >>> from groundglass import testing
    >>> known = make_print(np.ascontiguousarray(testing.photo(640, 480)[..., 1]))
    >>> known.width, known.height, len(known.features) > 100
    (384, 288, True)
    """
    # One size for all, so that a feature's scale means the same in every test image.
    small = working(luma, SIDE)
    height, width = small.shape
    # ORB's descriptors change when an image is mirrored, so both are stored.
    mirror = np.ascontiguousarray(small[:, ::-1])
    return Print(
        pixel_hash(luma), width, height, relief(cell_means(small)), find_features(small, MOST),
        find_features(mirror, MOST),
    )  # fmt: skip


def pixel_hash(luma: npt.NDArray[np.uint8]) -> str:
    """sha256 of the size and all values of ``luma``, as hex digits."""
    size = np.array(luma.shape, "<u4").tobytes()
    return hashlib.sha256(size + np.ascontiguousarray(luma).tobytes()).hexdigest()


def to_row(known: Print) -> dict[str, Any]:
    """The values of `SCHEMA`, without set, name and error."""
    rows = {
        "pixels_sha256": known.sha256, "width": known.width, "height": known.height,
        "relief": known.relief.tobytes(),
    }  # fmt: skip
    for prefix, features in (("", known.features), ("mirrored_", known.mirrored)):
        rows[prefix + "points"] = _pack(features)
        rows[prefix + "descriptors"] = features.descriptors.astype("<u8").tobytes()
    return rows


def from_row(row: Mapping[str, Any]) -> Print:
    """The fingerprint in a row. Raises ValueError if its parts do not fit."""
    cells = np.frombuffer(row["relief"], np.int8).reshape(CELLS, CELLS)
    features = _unpack(row["points"], row["descriptors"])
    mirrored = _unpack(row["mirrored_points"], row["mirrored_descriptors"])
    size = row["width"], row["height"]
    return Print(row["pixels_sha256"], *size, cells, features, mirrored, row["set"] or "", row["name"])


def _pack(features: Features) -> bytes:
    x, y, size, angle = features.points.T
    packed = np.empty(len(features), _PLACE)
    packed["x"], packed["y"] = (x * SUBPIXEL).round(), (y * SUBPIXEL).round()
    packed["level"] = (np.log(size / PATCH) / np.log(LEVEL)).round()
    packed["angle"] = (angle * (TURN / (2 * np.pi))).round().astype(np.int64) % TURN
    return packed.tobytes()


def _unpack(points: bytes, descriptors: bytes) -> Features:
    packed = np.frombuffer(points, _PLACE)
    size = PATCH * LEVEL ** packed["level"].astype(np.float64)
    angle = packed["angle"] * (2 * np.pi / TURN)
    places = np.stack([packed["x"] / SUBPIXEL, packed["y"] / SUBPIXEL, size, angle], axis=1)
    words = np.frombuffer(descriptors, "<u8").reshape(len(packed), WORDS)
    return Features(places.astype(np.float32), words.astype(np.uint64))


def write_prints(rows: Iterable[Mapping[str, Any]], path: Path) -> None:
    """Write rows of `SCHEMA` as a Parquet file; missing values are null. Raises UnreachableError if that fails."""
    table = pa.Table.from_pylist([{**row} for row in rows], SCHEMA)
    table = table.replace_schema_metadata({b"groundglass.fingerprints": VERSION.encode()})
    file = io.BytesIO()
    pq.write_table(table, file, compression="zstd", compression_level=9)
    write_bytes(file.getvalue(), path)


def read_prints(path: Path) -> Sequence[Print]:
    """The fingerprints of a file, without the rows that have an error. Raises RecipeError."""
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise RecipeError(
            f"cannot read the fingerprints {path}: {str(error).splitlines()[0]}",
            "make the file with `groundglass fingerprint FOLDER -o FILE`",
        ) from error
    version = (table.schema.metadata or {}).get(b"groundglass.fingerprints", b"").decode()
    if version != VERSION:
        said = f"has fingerprints of version {version}, not {VERSION}" if version else "holds no fingerprints"
        raise RecipeError(f"{path} {said}", "make it again with `groundglass fingerprint FOLDER -o FILE`")
    return [from_row(row) for row in table.to_pylist() if row["error"] is None]
