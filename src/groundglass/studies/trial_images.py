"""The bytes of an image as raters see it: a lossless PNG without metadata, or its damaged copy for a trap."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

import numpy as np

from groundglass.degradations.jpeg import Jpeg, jpeg
from groundglass.degradations.noise import GaussianNoise, gaussian_noise
from groundglass.degradations.settings import Pixels
from groundglass.errors import UnreachableError
from groundglass.files.atomic import write_bytes
from groundglass.files.locators import read_listed
from groundglass.image.encode import encode_png
from groundglass.image.frame import open_frame
from groundglass.libraries import cv2
from groundglass.random_streams import stream
from groundglass.studies.candidates import locator_of
from groundglass.studies.records import ItemRow, Shown

AT_ONCE = threading.Semaphore(2)
"""Images that are decoded at the same time: each of 4 megapixels needs about 50 MB."""
COARSER = 12
"""A damaged copy keeps one sample of so many in each direction."""


def png_of(shown: Shown, folder: Path) -> bytes:
    """The PNG of an image. It is made on first use, and kept in the study's folder of images if that can be written.

    Its pixels are those that groundglass measures: 8-bit sRGB, upright, of the row's region. Raises ImageError if the
    file vanished or changed since the study was made.
    """
    path = folder / f"{shown.item.id}{'-damaged' if shown.damaged else ''}.png"
    if path.is_file():
        return path.read_bytes()
    with AT_ONCE:
        if path.is_file():
            return path.read_bytes()
        rgb = pixels_of(shown.item)
        data = encode_png(damaged(rgb, shown.item.id) if shown.damaged else rgb)
        with suppress(UnreachableError):  # a full disk must not hide an image: the copy only saves time
            write_bytes(data, path)
    return data


def pixels_of(item: ItemRow) -> Pixels:
    """The pixels of an item. Raises ImageError, ``changed`` if the file is not the one of the study."""
    return open_frame(read_listed(locator_of(item.locator), None, None, item.sha256)).at(item.region).rgb


def damaged(rgb: Pixels, name: str) -> Pixels:
    """A copy that everybody must rate low: coarse, blocky and noisy; of the same size, H×W×3 uint8."""
    height, width = rgb.shape[:2]
    small = (max(1, width // COARSER), max(1, height // COARSER))
    coarse = np.asarray(
        cv2.resize(cv2.resize(rgb, small, interpolation=cv2.INTER_AREA), (width, height)), np.uint8
    )
    noisy = gaussian_noise(coarse, GaussianNoise(sigma=25), stream(0, "damaged copy", name))
    return jpeg(noisy, Jpeg(quality=4), stream(0, "damaged copy", name))
