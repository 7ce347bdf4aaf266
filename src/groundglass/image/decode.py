"""From a file's bytes to upright 8-bit sRGB, or an ImageError: never a half-grey picture.

JPEG goes through simplejpeg (libjpeg-turbo with its accurate DCT and smooth chroma upsampling), the samples of TIFF
and run-length coded BMP are read by what their headers declare, everything else goes through Pillow. Damage in the
pixel data is an error; odd metadata around sound pixels is a warning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from groundglass.errors import ImageError
from groundglass.image import color_management, orientation
from groundglass.image.codecs import (
    bmp_runs,
    jpeg_markers,
    pillow,
    png_chunks,
    samples_to_8bit,
    tiff_directories,
    tiff_samples,
)
from groundglass.image.codecs.samples_to_8bit import Samples
from groundglass.image.header import Header
from groundglass.image.orientation import Pixels
from groundglass.libraries import simplejpeg


@dataclass(frozen=True)
class Decoded:
    """A decoded photograph.

    rgb           H×W×3 uint8, sRGB, upright, contiguous
    source_luma   H×W uint8, upright: luma before the colour profile was applied; None where none was
    warnings      words of `header.WARNINGS` that only decoding could tell
    """

    rgb: Pixels
    source_luma: Pixels | None
    warnings: tuple[str, ...]


def decode(data: bytes, header: Header) -> Decoded:
    """Decode the bytes that `read_header` described.

    Raises ImageError: ``truncated``, ``corrupt``, ``unsupported``, ``out_of_memory``.
    """
    try:
        decoded, words = _samples(data, header)
        rgb, source_luma, more = color_management.to_srgb(decoded, header.icc_profile)
    except MemoryError as error:
        raise ImageError("out_of_memory", f"{header.width} x {header.height} px") from error
    turn = 1 if decoded.upright else header.orientation
    if source_luma is not None:
        source_luma = orientation.upright(source_luma, turn)
    rgb = orientation.upright(rgb, turn)
    if rgb.shape != (header.height, header.width, 3):
        raise ImageError(
            "corrupt",
            f"header says {header.width} x {header.height} px, {rgb.shape[1]} x {rgb.shape[0]} came",
        )
    return Decoded(rgb, source_luma, (*words, *more))


def _samples(data: bytes, header: Header) -> tuple[Samples, tuple[str, ...]]:
    if header.format == "JPEG" and header.jpeg is not None:
        return _jpeg_samples(data, header.jpeg)
    transparent: tuple[int, ...] = ()
    if header.format == "PNG":
        chunks = png_chunks.read_chunks(data)
        png_chunks.check_pixel_chunks(data, chunks)
        data, transparent = png_chunks.only_pixels(data, chunks), chunks.transparent
    if header.format == "TIFF":
        found = tiff_directories.read_tiff(data)
        if found.picture is not None:
            return tiff_samples.read_samples(data, found.picture, header.icc_profile is not None)
        data = found.data
    if header.format == "BMP" and (colours := bmp_runs.read_runs(data)) is not None:
        return Samples(colours, "RGB"), ()
    image = pillow.open_image(data, header.format)
    with pillow.as_image_errors():
        image.load()
        return samples_to_8bit.from_pillow(image, data, header, transparent)


_SPACES = {"grey": ("GRAY", "GRAY"), "CMYK": ("CMYK", "CMYK"), "YCCK": ("CMYK", "CMYK")}
_PADDING = re.compile(r"(\d+) extraneous bytes before marker 0xd9")


def _jpeg_samples(data: bytes, tables: jpeg_markers.JpegTables) -> tuple[Samples, tuple[str, ...]]:
    wanted, space = _SPACES.get(tables.colour, ("RGB", "RGB"))
    words: tuple[str, ...] = ()
    try:
        planes: Any = simplejpeg.decode_jpeg(data, wanted)
    except (ValueError, OverflowError):
        markers = jpeg_markers.read_markers(data)
        if re.fullmatch(r"|\d:\d:\d", tables.subsampling) is None:
            return _rare_jpeg(data)
        planes, words = _second_look(data, markers, wanted)
    if space == "GRAY":
        planes = planes[..., 0]
    elif space == "CMYK":
        planes = _ink(planes, jpeg_markers.read_markers(data))
    return Samples(planes, space), words


def _ink(planes: Pixels, markers: jpeg_markers.JpegMarkers) -> Pixels:
    """Adobe writes printing colours inverted, and its marker says so."""
    return 255 - planes if markers.inverted else planes


def _rare_jpeg(data: bytes) -> tuple[Samples, tuple[str, ...]]:
    """Sampling factors that TurboJPEG's interface has no name for."""
    image = pillow.open_image(data, "JPEG")
    with pillow.as_image_errors():
        image.load()
        space = {"L": "GRAY", "CMYK": "CMYK"}.get(image.mode, "RGB")
        return Samples(np.asarray(image), space), ()


def _second_look(
    data: bytes, markers: jpeg_markers.JpegMarkers, wanted: str
) -> tuple[Pixels, tuple[str, ...]]:
    """Decode again without metadata: what a strict decoder still objects to is damage."""
    if markers.tables.precision != 8:
        raise ImageError("unsupported", f"a JPEG of {markers.tables.precision} bits")
    clean = jpeg_markers.without_metadata(data, markers)
    if "no_end_marker" in markers.warnings:
        if markers.tables.progressive or not markers.interleaved:  # later scans may be missing altogether
            raise ImageError("truncated", "no end marker")
        clean += b"\xff\xd9"
    try:
        return simplejpeg.decode_jpeg(clean, wanted), ()
    except (ValueError, OverflowError) as error:
        return _without_padding(clean, wanted, str(error))


def _without_padding(clean: bytes, wanted: str, complaint: str) -> tuple[Pixels, tuple[str, ...]]:
    """Some cameras fill up the scan with 00 or FF before the end marker; more than that is damage."""
    found = _PADDING.search(complaint)
    end = clean.rfind(b"\xff\xd9")
    if found is None or end < 0:
        raise _jpeg_error(complaint)
    start = end - int(found[1])
    if set(clean[start:end]) - {0x00, 0xFF}:
        raise _jpeg_error(complaint)
    try:
        return simplejpeg.decode_jpeg(clean[:start] + b"\xff\xd9", wanted), ("padded_scan",)
    except (ValueError, OverflowError) as error:
        raise _jpeg_error(str(error)) from error


def _jpeg_error(complaint: str) -> ImageError:
    text = complaint.lower()
    if "premature" in text:
        return ImageError("truncated", complaint)
    return ImageError(
        "unsupported" if "unsupported" in text or "not supported" in text else "corrupt", complaint
    )
