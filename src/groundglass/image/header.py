"""The facts of an image file, read from its first bytes: format by content, size, colour, orientation, and oddities."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from groundglass.errors import ImageError
from groundglass.image import color_transforms, memory
from groundglass.image.codecs import (
    bit_depth,
    detect_format,
    exif,
    file_colour,
    icc_header,
    jpeg_markers,
    pillow,
    png_chunks,
    stated_colour,
    tiff_directories,
    tiff_segments,
)
from groundglass.image.codecs.jpeg_markers import JpegTables
from groundglass.image.codecs.stated_colour import StatedColour

WARNINGS: dict[str, str] = {
    "junk_in_header": "bytes between the header's parts that belong to none of them",
    "bad_exif": "the Exif block cannot be read; taken as upright",
    "bad_icc": "the colour profile is damaged or does not fit the image; taken as sRGB",
    "no_end_marker": "the file's end marker is missing",
    "trailing_bytes": "bytes after the image's end",
    "animated": "more than one frame; the first is used",
    "more_images": "more than one image or page; the first is used",
    "unknown_colour": "the file states colours that cannot be converted; taken as sRGB",
    "hdr": "high dynamic range (PQ or HLG) brought to sRGB; levels brighter than white are cut",
    "cmyk_without_profile": "printing colours without a profile; converted by the simple formula",
    "range_guessed": "floating-point or 32-bit samples: white taken as the value that their range shows",
    "clipped": "floating-point or 32-bit samples of which a few are beyond black or white; those are clipped",
    "rounded_down": "16-bit samples, of which the decoder gave only the upper eight bits",
    "padded_scan": "filling bytes between the JPEG's scan and its end marker",
    "alpha_on_white": "an alpha channel or a transparent colour; transparent parts are laid on white",
    "rounded_to_8_bits": "more than 8 bits a sample; rounded to 8",
}
"""Every word of `Header.warnings` and `Frame.warnings`: the image is sound, but its file has an oddity."""


UNKNOWN_COLOUR = {
    "bad_icc": "a colour profile that is damaged or does not fit the image",
    "cmyk_without_profile": "printing colours without a profile",
    "hdr": "high dynamic range, which sRGB cannot hold",
    "unknown_colour": "colours that cannot be converted to sRGB",
}
"""Warnings that `limits: {unknown_colour: refuse}` refuses, and the text of each refusal."""


@dataclass(frozen=True)
class ImageLimits:
    """Images that are refused before decoding: as ``too_large`` by ``pixels``, width x height, by ``side``, the
    longest, px, and by the memory that goes with ``pixels`` (`memory.refuse`);
    as ``unsupported`` where ``unknown_colour`` is "refuse" and a warning is one of `UNKNOWN_COLOUR`.
    """

    pixels: float = 150e6
    side: int = 65_500
    unknown_colour: Literal["keep", "refuse"] = "keep"


@dataclass(frozen=True)
class Header:
    """The facts of an image file that need no decoding.

    format          "JPEG", "PNG", "WEBP", … by content, not by the file's name
    width, height   px, upright: as the image is shown
    stored_width, stored_height   px, as stored, before the orientation is applied
    mode            Pillow's name for the samples: "1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F" …
    bit_depth       bits a sample in the file
    orientation     EXIF orientation 1 to 8; 1 is upright
    icc             the colour space's name: the ICC profile's description, or "Display P3 (nclx)" and its like
                    where the file states it otherwise; None for sRGB without a profile
    frames          frames of an animation, pages or images in the file
    alpha           an alpha channel or a transparent colour
    jpeg            a JPEG's own tables, else None
    icc_profile     the profile itself
    colour          the colour space where the file states it without a profile
    warnings        words of `WARNINGS`
    several_scans   of a JPEG: its decoder must keep all coefficients
    working_bytes   memory that its decoder takes beside the pixels, where that depends on the file
    """

    format: str
    width: int
    height: int
    stored_width: int
    stored_height: int
    mode: str
    bit_depth: int
    orientation: int = 1
    icc: str | None = None
    frames: int = 1
    alpha: bool = False
    jpeg: JpegTables | None = None
    icc_profile: bytes | None = field(default=None, repr=False)
    colour: StatedColour | None = None
    warnings: tuple[str, ...] = ()
    several_scans: bool = False
    working_bytes: int = 0


def read_header(data: bytes, limits: ImageLimits | None = None) -> Header:
    """The header of an image file's bytes, detected by content.

    Raises ImageError: ``empty``, ``not_an_image``, ``unsupported``, ``too_large``, ``truncated``,
    ``corrupt``.

    >>> from groundglass import testing
    >>> header = read_header(testing.jpeg(testing.photo(64, 48), quality=90))
    >>> header.format, header.width, header.height, header.jpeg.subsampling
    ('JPEG', 64, 48, '4:2:0')
    """
    format = detect_format.format_of(data)
    limits = limits or ImageLimits()
    # Some decoders take all their memory when they open a file, so the size is checked before that.
    if (size := detect_format.early_size(data, format)) is not None:
        check_size(*size, limits)
        memory.refuse(*size, memory.needed(format, size[0] * size[1], len(data)), limits.pixels)
    detect_format.refuse_what_decoders_miss(data, format, size)
    header = _READERS.get(format, _from_pillow)(data, format)
    # Checked again: depth and mode decide the memory, and are only known now.
    check_size(header.width, header.height, limits)
    memory.refuse(header.width, header.height, memory_needed(header, len(data)), limits.pixels)
    header = _with_colour(header)
    if limits.unknown_colour == "refuse":
        _refuse_unknown_colour(header)
    return header


def check_size(width: int, height: int, limits: ImageLimits) -> None:
    """Raises ImageError: ``too_large`` beyond a limit, ``corrupt`` for an image without pixels."""
    if width <= 0 or height <= 0:
        raise ImageError("corrupt", f"{width} x {height} px")
    if width * height > limits.pixels:
        raise ImageError("too_large", f"{width} x {height} px is more than {limits.pixels:.0f} pixels")
    if max(width, height) > limits.side:
        raise ImageError("too_large", f"{width} x {height} px is longer than {limits.side} px")


def memory_needed(header: Header, file_bytes: int) -> float:
    """Peak memory of the image in bytes, from its file to sRGB."""
    pixels = header.width * header.height
    if header.jpeg is not None:
        return memory.needed_for_jpeg(header.jpeg, header.several_scans, pixels, file_bytes)
    deep, floats = header.bit_depth > 8, header.mode == "F"
    return memory.needed(header.format, pixels, file_bytes, deep, floats) + header.working_bytes


def _from_jpeg(data: bytes, format: str) -> Header:
    found = jpeg_markers.read_markers(data)
    if found.process == jpeg_markers.JPEG_LS:
        raise ImageError("unsupported", "JPEG-LS")
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[found.tables.components]
    return _header(
        format,
        (found.width, found.height),
        mode,
        found.tables.precision,
        orientation=found.orientation,
        frames=found.images,
        jpeg=found.tables,
        several_scans=found.tables.progressive or not found.interleaved,
        icc_profile=found.icc,
        colour=stated_colour.of_exif(found.colour_space) if found.tables.components == 3 else None,
        warnings=found.warnings,
    )


def _from_png(data: bytes, format: str) -> Header:
    found = png_chunks.read_chunks(data)
    orientation, words = _orientation(found.exif)
    return _header(
        format,
        (found.width, found.height),
        _png_mode(found),
        found.bit_depth,
        orientation=orientation,
        frames=found.frames,
        alpha=found.alpha,
        icc_profile=found.icc,
        colour=found.colour,
        warnings=(*found.warnings, *words),
    )


def _from_tiff(data: bytes, format: str) -> Header:
    found = tiff_directories.read_tiff(data)
    if (image := found.image) is None:
        try:
            header = _from_pillow(found.data, format)
        except ImageError as error:
            if error.reason == "unsupported" and found.words:
                raise ImageError("unsupported", f"a TIFF of {found.words}") from error
            raise
        return _with_frames(header, found.frames)
    known = 1 <= image.orientation <= 8
    return _header(
        format,
        (image.width, image.height),
        image.mode,
        image.bits,
        orientation=image.orientation if known else 1,
        frames=found.frames,
        alpha=image.alpha is not None,
        icc_profile=image.icc_profile,
        working_bytes=tiff_segments.working_bytes(image),
        warnings=() if known else ("bad_exif",),
    )


def _png_mode(found: png_chunks.PngChunks) -> str:
    return {1: "1", 16: "I;16"}.get(found.bit_depth, "L") if found.mode == "L" else found.mode


def _from_pillow(data: bytes, format: str) -> Header:
    image = pillow.open_image(data, format)
    with pillow.as_image_errors():
        return _describe(image, data, format)


def _describe(image: Any, data: bytes, format: str) -> Header:
    info: dict[str, Any] = image.info
    orientation, words = _pillow_orientation(image, format)
    size = (image.width, image.height)
    if format == "TIFF" and orientation >= 5:  # Pillow's TIFF gives the upright size
        size = size[::-1]
    profile = info.get("icc_profile")
    colour = file_colour.read(data, format, profile if isinstance(profile, bytes) and profile else None)
    return _header(
        format,
        size,
        image.mode,
        bit_depth.bit_depth(image, data, format),
        orientation=orientation,
        frames=1 if format == "TIFF" else _frames(image),
        alpha=image.mode in ("LA", "PA", "RGBA", "RGBa", "La") or "transparency" in info,
        icc_profile=colour.icc,
        colour=colour.stated,
        warnings=words,
    )


def _pillow_orientation(image: Any, format: str) -> tuple[int, tuple[str, ...]]:
    if format == "TIFF":
        value = image.tag_v2.get(0x0112, 1)
        return (value, ()) if isinstance(value, int) and 1 <= value <= 8 else (1, ("bad_exif",))
    return _orientation(image.info.get("exif"))


def _orientation(block: bytes | None) -> tuple[int, tuple[str, ...]]:
    try:
        return exif.orientation(block) if block else 1, ()
    except exif.BadExifError:
        return 1, ("bad_exif",)


def _frames(image: Any) -> int:
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception:  # later frames may be broken in any way; only the first is used
        return 2


def _header(format: str, stored: tuple[int, int], mode: str, bits: int, **rest: Any) -> Header:
    width, height = stored[::-1] if rest["orientation"] >= 5 else stored
    header = Header(format, width, height, *stored, mode, bits, **rest)
    return _with_frames(header, header.frames)


def _with_frames(header: Header, frames: int) -> Header:
    if frames == 1:
        return replace(header, frames=1)
    word = "animated" if header.format in ("GIF", "PNG", "WEBP", "AVIF") else "more_images"
    return replace(header, frames=frames, warnings=(*header.warnings, word))


def _with_colour(header: Header) -> Header:
    """The header with the name of its colour space, without an unusable profile, with warnings about its samples."""
    profile, colour, words = header.icc_profile, header.colour, list(header.warnings)
    # PQ and HLG first: the curves and tables of such a profile are only one way of many to a screen.
    if profile is not None and (coded := icc_header.high_dynamic_range(profile)):
        profile, colour = None, coded
    elif profile is not None:
        colour = None
        if not color_transforms.is_usable(profile, header.mode):
            profile, colour = None, header.colour
            words.append("bad_icc")
    if header.mode == "CMYK" and profile is None:
        words.append("cmyk_without_profile")
        colour = None
    if colour is not None and colour.warning:
        words.append(colour.warning)
    words += ["alpha_on_white"] * header.alpha + ["rounded_to_8_bits"] * (header.bit_depth > 8)
    name = colour.name if colour else None
    return replace(
        header,
        icc=icc_header.description(profile) if profile else name,
        icc_profile=profile,
        colour=colour if colour and colour.is_known else None,
        warnings=tuple(dict.fromkeys(words)),
    )


def _refuse_unknown_colour(header: Header) -> None:
    word = next((word for word in header.warnings if word in UNKNOWN_COLOUR), None)
    if word is not None:
        named = f"{header.icc}: " if header.icc else ""
        raise ImageError("unsupported", f"{named}{UNKNOWN_COLOUR[word]}; `unknown_colour: refuse`")


_READERS = {"JPEG": _from_jpeg, "PNG": _from_png, "TIFF": _from_tiff}
