"""A JPEG's pixels by simplejpeg, which raises at the slightest complaint of libjpeg-turbo, and the faults that are
accepted: junk between header segments, a missing end marker, filling after the last scan. Each only where the image is
proved complete: every scan is there, and no complaint is left.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from groundglass.errors import ImageError
from groundglass.image.codecs import filled_runs, jpeg_markers, jpeg_scans, pillow
from groundglass.image.codecs.jpeg_markers import JpegMarkers, JpegTables
from groundglass.image.codecs.jpeg_scans import Scans
from groundglass.image.orientation import Pixels
from groundglass.libraries import simplejpeg

_SPACES = {"grey": "GRAY", "CMYK": "CMYK", "YCCK": "CMYK"}
_NAMED = {"", "4:4:4", "4:2:2", "4:2:0", "4:4:0", "4:1:1"}
_END = b"\xff\xd9"
_FEW = 3
"""Equal bytes at the end of a scan that may be filling."""


def decode(data: bytes, tables: JpegTables) -> tuple[Pixels, str, tuple[str, ...]]:
    """Pixels (H×W grey, H×W×3 RGB or H×W×4 CMYK, 0 without ink), their space, and words of `header.WARNINGS`.

    Raises ImageError: ``truncated``, ``corrupt``, ``unsupported``.
    """
    space = _SPACES.get(tables.colour, "RGB")
    words: tuple[str, ...] = ()
    try:
        planes: Any = simplejpeg.decode_jpeg(data, space)
    except (ValueError, OverflowError):
        markers = jpeg_markers.read_markers(data)
        if tables.subsampling not in _NAMED:
            return (*_rare(data, markers), ())
        planes, words = _second_look(data, markers, space)
    else:
        markers = jpeg_markers.read_markers(data)
        # A sequential file of one scan needs no check: the decoder notices when that ends early.
        if tables.progressive or not markers.interleaved:
            _refuse_missing_scans(data, markers, jpeg_scans.read_scans(data, markers))
    if space == "GRAY":
        planes = planes[..., 0]
    elif space == "CMYK" and markers.inverted:
        planes = 255 - planes  # Adobe writes printing colours inverted, and its marker says so
    return planes, space, words


def may_hold_filling(data: bytes) -> bool:
    """Whether a JPEG ends in one repeated byte, before its end marker or without one."""
    end = data[-2 - _FEW :].removesuffix(_END)[-_FEW:]
    return len(set(end)) == 1


def _rare(data: bytes, markers: JpegMarkers) -> tuple[Pixels, str]:
    """Sampling factors that TurboJPEG has no name for, by Pillow, which reports no complaint: so all that can be proved
    without decoding is proved first.
    """
    scans = jpeg_scans.read_scans(data, markers)
    if not scans.closed:
        raise ImageError("truncated", "no end marker")
    _refuse_missing_scans(data, markers, scans)
    filled_runs.refuse(memoryview(data)[markers.scan : scans.end], "the scan")
    image = pillow.open_image(data, "JPEG")
    with pillow.as_image_errors():
        image.load()
        return np.asarray(image), {"L": "GRAY", "CMYK": "CMYK"}.get(image.mode, "RGB")


def _refuse_missing_scans(data: bytes, markers: JpegMarkers, scans: Scans) -> None:
    if lacking := jpeg_scans.lacks(data, markers, scans):
        raise ImageError("truncated", lacking)


def _second_look(data: bytes, markers: JpegMarkers, space: str) -> tuple[Pixels, tuple[str, ...]]:
    """Decode again without metadata, then without filling: if a strict decoder still objects, it is damage."""
    if markers.tables.precision != 8:
        raise ImageError("unsupported", f"a JPEG of {markers.tables.precision} bits")
    scans = jpeg_scans.read_scans(data, markers)
    # Strict again, but with a header of only those segments that the pixels need.
    header, body = jpeg_markers.header_for_pixels(data, markers), data[markers.segments[-1][2] : scans.end]
    arithmetic = jpeg_scans.is_arithmetic(markers)  # its decoder reads missing bytes as zeros
    if arithmetic and not scans.closed:
        raise ImageError("truncated", "no end marker")
    complaint = "no pixel data"
    for coded in [body] if arithmetic else jpeg_scans.with_less_filling(body, scans.closed):
        try:
            planes = simplejpeg.decode_jpeg(header + coded + _END, space)
        except (ValueError, OverflowError) as error:
            complaint = str(error)
            continue
        _refuse_missing_scans(data, markers, scans)
        return planes, () if len(coded) == len(body) else ("padded_scan",)
    raise _error(complaint)


def _error(complaint: str) -> ImageError:
    text = complaint.lower()
    if "premature" in text:
        return ImageError("truncated", complaint)
    unsupported = "unsupported" in text or "not supported" in text
    return ImageError("unsupported" if unsupported else "corrupt", complaint)
