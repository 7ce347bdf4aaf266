"""From a file's bytes to upright 8-bit sRGB, or an ImageError: never a half-grey image.

JPEG goes through simplejpeg (libjpeg-turbo with its accurate DCT and smooth chroma upsampling), the samples of TIFF
and run-length coded BMP are read as their headers declare, everything else goes through Pillow. Damage in the
pixel data is an error; odd metadata around sound pixels is a warning.
"""

from __future__ import annotations

from dataclasses import dataclass

from groundglass.errors import ImageError
from groundglass.image import color_management, orientation
from groundglass.image.codecs import (
    bmp_runs,
    coded_damage,
    deep_samples,
    jpeg_pixels,
    pillow,
    png_chunks,
    samples_to_8bit,
    tiff_damage,
    tiff_directories,
    tiff_samples,
)
from groundglass.image.codecs.samples_to_8bit import SampleRows, Samples
from groundglass.image.header import Header
from groundglass.image.orientation import Pixels


@dataclass(frozen=True)
class Decoded:
    """A decoded photo.

    rgb           H×W×3 uint8, sRGB, upright, contiguous
    source_luma   H×W uint8, upright: luma before the colour profile was applied; None where none was
    warnings      words of `header.WARNINGS` that only decoding reveals
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
        rgb, source_luma, more = color_management.to_srgb(decoded, header.icc_profile, header.colour)
    except MemoryError as error:
        raise ImageError("out_of_memory", f"{header.width} x {header.height} px") from error
    turn = 1 if decoded.upright else header.orientation
    del decoded  # turning needs its memory
    if source_luma is not None:
        source_luma = orientation.upright(source_luma, turn)
    rgb = orientation.upright(rgb, turn)
    # Limits and regions were checked by the header's size, so pixels of another size are not accepted.
    if rgb.shape != (header.height, header.width, 3):
        raise ImageError(
            "corrupt",
            f"header says {header.width} x {header.height} px, {rgb.shape[1]} x {rgb.shape[0]} were decoded",
        )
    return Decoded(rgb, source_luma, (*words, *more))


def all_warnings(data: bytes, header: Header) -> tuple[str, ...]:
    """Words of `header.WARNINGS`: the header's, and those that only the pixels show. Only float and 32-bit samples, and
    JPEGs that end in filling, are decoded for that. ``rounded_down`` is left out: it would cost a decode of every
    16-bit PNG.
    """
    wide = header.mode == "F" or (header.mode.startswith("I") and header.bit_depth > 16)
    if not wide and not (header.format == "JPEG" and jpeg_pixels.may_hold_filling(data)):
        return header.warnings
    try:
        return tuple(dict.fromkeys((*header.warnings, *decode(data, header).warnings)))
    except ImageError:  # reported where the pixels are used
        return header.warnings


def _samples(data: bytes, header: Header) -> tuple[SampleRows, tuple[str, ...]]:
    if header.format == "JPEG" and header.jpeg is not None:
        planes, space, words = jpeg_pixels.decode(data, header.jpeg)
        return Samples(planes, space), words
    transparent: tuple[int, ...] = ()
    if header.format == "PNG":
        # Without metadata: Pillow stops at a damaged text or profile, which does no harm to the pixels.
        chunks = png_chunks.read_chunks(data)
        png_chunks.check_pixel_chunks(data, chunks)
        data, transparent = png_chunks.only_pixels(data, chunks), chunks.transparent
    if header.format == "TIFF":
        found = tiff_directories.read_tiff(data)
        tiff_damage.refuse(found.data, found.tags)
        if found.image is not None:
            return tiff_samples.read_samples(data, found.image, header.icc_profile is not None)
        data = found.data
    if header.format == "BMP" and (colours := bmp_runs.read_runs(data)) is not None:
        return Samples(colours, "RGB"), ()
    # OpenCV first: while it decodes it needs twice the memory of its result, and Pillow can check for damage later.
    deep = deep_samples.decoded(data) if header.format == "PNG" and header.bit_depth == 16 else None
    image = pillow.open_image(data, header.format)
    with pillow.as_image_errors():
        image.load()
        coded_damage.refuse(data, header.format)
        return samples_to_8bit.from_pillow(image, data, header, transparent, deep)
