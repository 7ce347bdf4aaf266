"""All bits of PNG and JPEG 2000, by OpenCV: Pillow keeps only eight of colour.

Pillow has decoded the same bytes, so they are known to be intact; OpenCV alone does not detect damage. The two must
agree on the bits that Pillow kept: otherwise it is unknown which of them is right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from groundglass.errors import ImageError
from groundglass.libraries import cv2

Deep = npt.NDArray[np.uint16]
_BAND = 256
_WORDS = {"LA": "grey with transparency", "RGB": "RGB", "RGBA": "RGB with transparency"}


def of_png(values: Deep | None, image: Any) -> Deep | None:
    """H×W, H×W×3 or H×W×4, 16 bits; None where OpenCV cannot read them. ``values``: the result of `decoded`.

    Raises ImageError ``corrupt`` where OpenCV and Pillow do not agree.
    """
    if values is not None:
        _refuse_other_size(values, image)
        cut = 0 if image.mode.startswith("I") else 8
        _refuse_disagreement(values, lambda rows: _rows(image, rows), lambda band: band >> cut)
    return values


def of_jpeg_2000(data: bytes, image: Any, bits: int) -> Deep:
    """H×W×3 or H×W×4 (grey is repeated), stretched to 16 bits.

    Pillow's rounding to 8 bits overflows: its brightest half step comes out black. So only the lower eight bits of
    the rounded values are compared. Raises ImageError ``unsupported`` where OpenCV cannot read the image, ``corrupt``
    where the two do not agree.
    """
    values = decoded(data)
    if values is None or values.ndim != 3 or bits > 16:
        raise ImageError("unsupported", f"JPEG 2000 of {bits} bits, {_WORDS[image.mode]}")
    _refuse_other_size(values, image)
    channels = [0, 0, 0, 1] if image.mode == "LA" else [0, 1, 2, 3][: len(image.mode)]
    half = np.uint32(1 << (bits - 9))
    _refuse_disagreement(
        values,
        lambda rows: _rows(image, rows)[..., channels],
        lambda band: (band + half >> bits - 8 & 255).astype(np.uint8),
    )
    white = (1 << bits) - 1
    for rows in _bands(len(values)):
        values[rows] = ((values[rows].astype(np.uint32) * 65535 + white // 2) // white).astype(np.uint16)
    return values


def _bands(rows: int) -> list[slice]:
    return [slice(start, start + _BAND) for start in range(0, rows, _BAND)]


def decoded(data: bytes) -> Deep | None:
    """All bits, in the order red, green, blue, alpha; None where OpenCV cannot read them. It does not detect damage."""
    # A refusal becomes the reason of a row, so it must not also go to a worker's stderr.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if values is None or values.dtype != np.uint16:
        return None
    if values.ndim == 3:
        for rows in _bands(len(values)):
            values[rows, :, :3] = values[rows, :, 2::-1].copy()
    return np.asarray(values, np.uint16)


def _rows(image: Any, rows: slice) -> npt.NDArray[Any]:
    """A few rows of a Pillow image: all of them as an array would be the image once more in memory."""
    return np.asarray(image.crop((0, rows.start, image.width, min(rows.stop, image.height))))


def _refuse_other_size(values: Deep, image: Any) -> None:
    if values.shape[:2] != (image.height, image.width):
        raise ImageError("corrupt", "two decoders give different sizes")


def _refuse_disagreement(
    values: Deep, seen: Callable[[slice], npt.NDArray[Any]], kept: Callable[[Deep], npt.NDArray[Any]]
) -> None:
    for rows in _bands(len(values)):
        if not np.array_equal(kept(values[rows]), seen(rows)):
            raise ImageError("corrupt", "two decoders give different pixels")
