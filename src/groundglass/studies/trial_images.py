"""The bytes of an image as raters see it: a lossless PNG without metadata, or its damaged copy for a trap."""

from __future__ import annotations

import threading
import uuid
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np

from groundglass.degradations.jpeg import Jpeg, jpeg
from groundglass.degradations.noise import GaussianNoise, gaussian_noise
from groundglass.degradations.settings import Pixels
from groundglass.files.locators import read_listed
from groundglass.image.encode import encode_png
from groundglass.image.frame import Makes, open_frame
from groundglass.libraries import cv2
from groundglass.random_streams import stream
from groundglass.studies.candidates import locator_of
from groundglass.studies.records import ItemRow, Shown

AT_ONCE = threading.Semaphore(2)
"""Images that are decoded at the same time: each of 4 megapixels needs about 50 MB."""
COARSER = 12
"""A damaged copy keeps one sample of so many in each direction."""


def png_of(shown: Shown, folder: Path, makes: Makes | None = None) -> bytes:
    """The PNG of an image. It is made on first use, and kept in the study's folder of images if that can be written.

    Its pixels are those that groundglass measures: 8-bit sRGB, upright, of the row's region; ``makes`` makes those of
    regions that a step of the run made. Raises ImageError if the
    file vanished or changed since the study was made.
    """
    path = folder / f"{shown.item.id}{'-damaged' if shown.damaged else ''}.png"
    kept = _kept(path)
    if kept is not None:
        return kept
    with AT_ONCE:
        kept = _kept(path)
        if kept is not None:
            return kept
        rgb = pixels_of(shown.item, makes)
        data = encode_png(damaged(rgb, shown.item.id) if shown.damaged else rgb)
        _keep(data, path)
    return data


def _keep(data: bytes, path: Path) -> None:
    """Keep a copy, which only saves time: no vote waits until it is on the disk, and a full disk hides no image."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _kept(path: Path) -> bytes | None:
    """The copy that was kept; None if there is none, or if a power cut damaged it."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return data if is_whole_png(data) else None


def is_whole_png(data: bytes) -> bool:
    """Whether every chunk of a PNG has its checksum, up to its last chunk and no further.

    >>> is_whole_png(b"")
    False
    """
    view, start = memoryview(data), 8
    while start + 12 <= len(data):
        end = start + 8 + int.from_bytes(view[start : start + 4])
        if zlib.crc32(view[start + 4 : end]) != int.from_bytes(view[end : end + 4]):
            return False
        if data[start + 4 : start + 8] == b"IEND":
            return end + 4 == len(data)
        start = end + 4
    return False


def pixels_of(item: ItemRow, makes: Makes | None = None) -> Pixels:
    """The pixels of an item. Raises ImageError, ``changed`` if the file is not the one of the study."""
    data = read_listed(locator_of(item.locator), None, None, item.sha256)
    return open_frame(data, makes=makes).at(item.region).rgb


def damaged(rgb: Pixels, name: str) -> Pixels:
    """A copy that everybody must rate low: coarse, blocky and noisy; of the same size, H×W×3 uint8."""
    height, width = rgb.shape[:2]
    small = (max(1, width // COARSER), max(1, height // COARSER))
    coarse = np.asarray(
        cv2.resize(cv2.resize(rgb, small, interpolation=cv2.INTER_AREA), (width, height)), np.uint8
    )
    noisy = gaussian_noise(coarse, GaussianNoise(sigma=25), stream(0, "damaged copy", name))
    return jpeg(noisy, Jpeg(quality=4), stream(0, "damaged copy", name))
