"""Header: the facts that the file states about itself, read without decoding a pixel."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from groundglass.catalog import Column, Measure, Value

if TYPE_CHECKING:
    import numpy.typing as npt

    from groundglass.image.codecs.jpeg_markers import JpegColour, JpegTables
    from groundglass.image.frame import Frame

# ITU-T T.81, tables K.1 and K.2, row by row
_LUMINANCE = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17,
    22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78,
    87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_CHROMINANCE = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, *[99] * 37,
)  # fmt: skip
_COMPONENTS = {"grey": "0", "YCbCr": "011", "RGB": "000", "CMYK": "0000", "YCCK": "0110"}
"""The number of the table that libjpeg gives to each component."""


def header(frame: Frame) -> dict[str, Value]:
    """Size and shape of the image, and how its file was made.

    Width, height, megapixels and aspect ratio are of the region, upright; everything else is of the photo's
    file. ``jpeg_quality`` is the IJG quality with the quantisation tables nearest to the file's, and
    ``jpeg_quality_error`` their mean distance: 0 means that the tables are exactly those of libjpeg at this
    quality, anything else that another encoder's tables were used and the quality is approximate. Both are
    empty for other formats.

    Source: ITU-T T.81, annex K; libjpeg's ``jpeg_quality_scaling``.

    >>> from groundglass import testing
    >>> from groundglass.image.frame import open_frame
    >>> facts = header(open_frame(testing.jpeg(testing.photo(64, 48), quality=87)))
    >>> facts["width"], facts["format"], facts["jpeg_quality"], facts["jpeg_quality_error"]
    (64, 'JPEG', 87, 0.0)
    """
    file, size = frame.header, len(frame.data)
    return {
        "width": frame.width,
        "height": frame.height,
        "megapixels": frame.width * frame.height / 1e6,
        "aspect_ratio": frame.width / frame.height,
        "bit_depth": file.bit_depth,
        "format": file.format,
        "bytes": size,
        "bits_per_pixel": 8 * size / (file.width * file.height),
        "has_alpha": file.alpha,
        "frames": file.frames,
        **_jpeg_facts(file.jpeg),
    }


def _jpeg_facts(tables: JpegTables | None) -> dict[str, Value]:
    if tables is None:
        names = ("chroma_subsampling", "progressive", "jpeg_quality", "jpeg_quality_error")
        return dict.fromkeys(names)
    quality, error = jpeg_quality(tables.quantisation, tables.colour)
    return {
        "chroma_subsampling": tables.subsampling or None,
        "progressive": tables.progressive,
        "jpeg_quality": quality,
        "jpeg_quality_error": error,
    }


def jpeg_quality(
    tables: tuple[tuple[int, ...], ...], colour: JpegColour = "YCbCr"
) -> tuple[int | None, float | None]:
    """The IJG quality, 1 to 100, nearest to quantisation tables, and its mean absolute error.

    ``tables`` has one table a component, 64 steps each. (None, None) where one is missing, as in a lossless JPEG.

    >>> luma, chroma = (tuple(table) for table in ijg_tables()[79].tolist())
    >>> jpeg_quality((luma, chroma, chroma))
    (80, 0.0)
    """
    if not tables or any(len(table) != 64 for table in tables):
        return None, None
    kinds = [int(kind) for kind in _COMPONENTS[colour]][: len(tables)]
    distances = np.stack([_distances(kind, table) for kind, table in zip(kinds, tables, strict=False)])
    errors = distances.mean(axis=0).min(axis=0)
    best = int(errors.argmin())
    return best + 1, float(errors[best])


@lru_cache(maxsize=256)
def _distances(kind: int, table: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Mean distance of a table from libjpeg's at qualities 1 to 100, [capped at 255 or not, quality]."""
    # Baseline files hold steps of 8 bits, so libjpeg caps them; other files may hold the full values.
    wide = ijg_tables()[:, kind]
    return np.stack([np.abs(like - np.array(table)).mean(axis=1) for like in (np.minimum(wide, 255), wide)])


@cache
def ijg_tables() -> npt.NDArray[np.int64]:
    """libjpeg's luma and chroma tables at qualities 1 to 100: 100×2×64 steps, not capped at 255."""
    quality = np.arange(1, 101)
    percent = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    base = np.array([_LUMINANCE, _CHROMINANCE])
    return np.clip((base * percent[:, None, None] + 50) // 100, 1, 32767)


MEASURE = Measure(
    name="header",
    version=1,
    compute=header,
    columns={
        "width": Column("px", 1, None, "higher", "width of the upright image or region", int),
        "height": Column("px", 1, None, "higher", "height of the upright image or region", int),
        "megapixels": Column("Mpx", 0, None, "higher", "millions of pixels of the image or region"),
        "aspect_ratio": Column("", 0, None, "neither", "width ÷ height"),
        "bit_depth": Column("bit", 1, 64, "higher", "bits a sample in the file", int),
        "format": Column("", None, None, "neither", "file format, detected by content", str),
        "bytes": Column("B", 1, None, "neither", "size of the photo's file", int),
        "bits_per_pixel": Column("bit/px", 0, None, "higher", "file size over pixels, of the photo"),
        "has_alpha": Column("", None, None, "neither", "the file has transparency", bool),
        "frames": Column("", 1, None, "neither", "frames or pages in the file; the first is used", int),
        "chroma_subsampling": Column(
            "", None, None, "neither", "4:4:4, 4:2:0 …; empty unless a colour JPEG", str
        ),
        "progressive": Column("", None, None, "neither", "a progressive JPEG; empty unless a JPEG", bool),
        "jpeg_quality": Column("", 1, 100, "higher", "nearest IJG quality; empty unless a JPEG", int),
        "jpeg_quality_error": Column(
            "", 0, None, "neither", "mean distance of the tables from that quality's; 0 is exact"
        ),
    },
    reference="ITU-T T.81, annex K; libjpeg's jpeg_quality_scaling",
    needs="header",
)
"""Its record in the catalog."""
