"""Two files as the two images that are compared: sizes that fit, grey or colour alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from numpy.typing import NDArray

from groundglass.errors import ImageError
from groundglass.files.locators import read_listed
from groundglass.image.frame import Frame, open_frame
from groundglass.image.header import ImageLimits
from groundglass.image.resize import crop_to_multiple
from groundglass.measures.pairs.psnr_ssim import find_protocol

Pixels = NDArray[Any]
_GREY = ("1", "L", "LA", "La", "I", "F")


@dataclass(frozen=True)
class ListedFile:
    """A file as it was listed: its locator, its size and its time of change."""

    path: bytes
    bytes: int | None
    mtime_ns: int | None


@dataclass(frozen=True)
class Pair:
    """An item: an HR file, and what is compared with it.

    number  its place among the rows
    name    as people call it
    sr      None for bicubic upscaling of the reduced HR image
    """

    number: int
    name: str
    hr: ListedFile
    sr: ListedFile | None


class Opened(NamedTuple):
    """Both images, uint8, of one size, each H×W or H×W×3; the SR file's frame; what is odd about them."""

    hr: Pixels
    sr: Pixels
    frame: Frame | None
    warning: str | None


def open_pair(pair: Pair, scale: int, protocol: str, limits: ImageLimits) -> Opened:
    """The HR image, cropped to a multiple of ``scale``, and the SR image. A file of grey values stays H×W.

    Raises ImageError: all of reading a file, its detail beginning with which of the two it is; ``wrong_size`` if the
    SR image does not have the size of the cropped HR image; ``too_small`` if HR has fewer than ``scale`` px on a side.
    """
    hr_frame, hr = _opened(pair.hr, "HR", limits)
    if min(hr.shape[:2]) < scale:
        raise ImageError("too_small", f"HR is {_size(hr)} px, which cannot be reduced by {scale}")
    whole = crop_to_multiple(hr, scale)
    if pair.sr is None:
        return Opened(whole, find_protocol(protocol).upscaled(whole, scale), None, _odd(hr_frame, None))
    sr_frame, sr = _opened(pair.sr, "SR", limits)
    if sr.shape[:2] != whole.shape[:2]:
        raise ImageError("wrong_size", _sizes(hr, whole, sr, scale))
    return Opened(whole, sr, sr_frame, _odd(hr_frame, sr_frame))


def is_grey(frame: Frame) -> bool:
    """Whether a file holds grey values, not colours."""
    return frame.header.mode in _GREY or frame.header.mode.startswith("I;16")


def _opened(file: ListedFile, which: str, limits: ImageLimits) -> tuple[Frame, Pixels]:
    try:
        frame = open_frame(read_listed(file.path, file.bytes, file.mtime_ns), limits)
        rgb = frame.rgb
    except ImageError as error:
        raise ImageError(error.reason, f"{which}: {error.detail or 'the file'}") from error
    return frame, rgb[:, :, 0] if is_grey(frame) else rgb


def _sizes(hr: Pixels, whole: Pixels, sr: Pixels, scale: int) -> str:
    cropped = "" if whole.shape == hr.shape else f", {_size(whole)} px as a multiple of {scale}"
    said = f"SR is {_size(sr)} px, HR is {_size(hr)} px{cropped}"
    small = (whole.shape[0] // scale, whole.shape[1] // scale)
    return f"{said}; that is the size of the LR image" if scale > 1 and sr.shape[:2] == small else said


def _size(pixels: Pixels) -> str:
    return f"{pixels.shape[1]} × {pixels.shape[0]}"


def _odd(hr: Frame, sr: Frame | None) -> str | None:
    """Words of the headers' warnings, and what only the two together show."""
    found = [f"HR: {word}" for word in hr.warnings]
    if sr is not None:
        found += [f"SR: {word}" for word in sr.warnings]
        if is_grey(hr) != is_grey(sr):
            found.append("HR is grey and SR is not" if is_grey(hr) else "SR is grey and HR is not")
        if hr.header.icc != sr.header.icc:
            found.append(f"HR is in {hr.header.icc or 'sRGB'}, SR in {sr.header.icc or 'sRGB'}: both as sRGB")
    return "; ".join(found) or None
