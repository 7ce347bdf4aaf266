"""Pillow's decoders, each opened directly for the format that the content shows.

Using the decoder's class instead of `PIL.Image.open` keeps Pillow from guessing, and leaves its
process-wide limit of pixels alone: our own is checked before.
"""

from __future__ import annotations

import importlib
import io
import logging
import re
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from groundglass.errors import ImageError
from groundglass.image.codecs import libtiff

DECODERS = {
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "ICO": ("PIL.IcoImagePlugin", "IcoImageFile"),
    "WEBP": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "JPEG2000": ("PIL.Jpeg2KImagePlugin", "Jpeg2KImageFile"),
    "PPM": ("PIL.PpmImagePlugin", "PpmImageFile"),
    "PSD": ("PIL.PsdImagePlugin", "PsdImageFile"),
    "QOI": ("PIL.QoiImagePlugin", "QoiImageFile"),
    "HEIF": ("pillow_heif", "HeifImageFile"),
    "JXL": ("pillow_jxl.JpegXLImagePlugin", "JXLImageFile"),
}
EXTRAS = {"HEIF": ("HEIC", "heif"), "JXL": ("JPEG XL", "jxl")}

_THREADS = {
    "AVIF": ("DEFAULT_MAX_THREADS", 1),
    "JXL": ("DECODE_THREADS", 0),
}
"""One thread a decoder: the workers are the threads, and more than one each costs far more than it gains."""

# Odd metadata is detected here by other means; Pillow's warnings would only fill a worker's stderr.
warnings.filterwarnings("ignore", module=r"(PIL|pillow_)")
logging.getLogger("PIL").addHandler(logging.NullHandler())


def open_image(data: bytes, format: str) -> Any:
    """The file as a Pillow image, its pixels not decoded yet (JPEG XL: decoded at once).

    Raises ImageError: ``unsupported`` where the format's extra is not installed, else as `as_image_errors`.
    """
    module, name = DECODERS[format]
    try:
        plugin = importlib.import_module(module)
    except ImportError as error:
        if format not in EXTRAS:
            raise
        title, extra = EXTRAS[format]
        raise ImageError("unsupported", f"{title}: pip install 'groundglass[{extra}]'") from error
    if format == "TIFF":
        libtiff.silence()
    if format in _THREADS:
        setattr(plugin, *_THREADS[format])
    with as_image_errors():
        return getattr(plugin, name)(io.BytesIO(data))


@contextmanager
def as_image_errors() -> Generator[None]:
    """Turns any exception of a decoder on damaged bytes into an ImageError.

    Decoders raise almost anything on unexpected bytes (struct.error, IndexError, ZeroDivisionError, …), so this
    is the one place that catches every Exception.
    """
    try:
        yield
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError("out_of_memory", str(error)) from error
    except Exception as error:
        raise ImageError(_reason(error), _detail(error)) from error


def _detail(error: Exception) -> str:
    """The decoder's message, cut short. For a bomb only the size: the limit that Pillow quotes is not the user's."""
    if _is_bomb(error) and (size := re.search(r"(\d+) pixels", str(error))):
        return f"{size[1]} pixels are more than the decoder takes"
    return f"{type(error).__name__}: {error}"[:300]


def _is_bomb(error: Exception) -> bool:
    return "bomb" in type(error).__name__.lower()


def _reason(error: Exception) -> str:
    text = str(error).lower()
    if _is_bomb(error):
        return "too_large"
    if isinstance(error, EOFError) or any(
        word in text for word in ("truncated", "premature", "end of file", "not enough")
    ):
        return "truncated"
    if isinstance(error, NotImplementedError) or any(
        word in text for word in ("unsupported", "not supported", "unknown")
    ):
        return "unsupported"
    return "corrupt"
