"""A header is read by content, quickly, and says what the file says."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from groundglass.kernel import testing
from groundglass.kernel.errors import ImageError
from groundglass.kernel.image.header import read_header
from groundglass.kernel.image.jpeg import read_markers
from shared_data import shared

PHOTO = testing.photo(90, 61)


@pytest.mark.parametrize(
    ("subsampling", "progressive"),
    [(name, False) for name in ("4:4:4", "4:2:2", "4:2:0", "4:1:1", "4:4:0")] + [("4:2:0", True)],
)
def test_jpeg_tables(subsampling: str, progressive: bool) -> None:
    data = simplejpeg.encode_jpeg(PHOTO, 77, colorsubsampling=subsampling.replace(":", ""))
    if progressive:
        data = testing.jpeg(PHOTO, quality=77, subsampling=subsampling, progressive=True)
    header = read_header(data)
    assert header.jpeg is not None
    assert (header.jpeg.subsampling, header.jpeg.progressive) == (subsampling, progressive)
    assert (header.jpeg.components, header.jpeg.colour, header.jpeg.precision) == (3, "YCbCr", 8)


@given(st.integers(1, 100))
def test_quantisation_tables_are_row_by_row_as_the_standard_prints_them(quality: int) -> None:
    data = testing.jpeg(PHOTO, quality=quality)
    header = read_header(data)
    assert header.jpeg is not None
    luma, chroma, other = header.jpeg.quantisation
    assert luma == _ijg(quality)
    assert chroma == other
    assert luma == tuple(_from_pillow(data))


# ITU-T T.81, table K.1
_K1 = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)


def _ijg(quality: int) -> tuple[int, ...]:
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return tuple(((_K1 * scale + 50) // 100).clip(1, 255).ravel().tolist())


def _from_pillow(data: bytes) -> list[int]:
    return Image.open(io.BytesIO(data)).quantization[0]


@pytest.mark.parametrize(
    ("colour", "pixels", "mode"),
    [("grey", PHOTO[..., 0], "L"), ("YCbCr", PHOTO, "RGB"), ("RGB", PHOTO, "RGB"), ("YCCK", None, "CMYK")],
)
def test_jpeg_colour_spaces(colour: str, pixels: np.ndarray | None, mode: str) -> None:
    if pixels is None:
        data = simplejpeg.encode_jpeg(
            np.dstack([PHOTO, PHOTO[..., :1]]), colorspace="CMYK", colorsubsampling="444"
        )
    else:
        data = testing.encoded(pixels, "JPEG", keep_rgb=colour == "RGB")
    header = read_header(data)
    assert header.jpeg is not None
    assert (header.jpeg.colour, header.mode) == (colour, mode)


@pytest.mark.parametrize(
    "format", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "PPM", "QOI", "JPEG2000"]
)
def test_formats_are_told_by_content(format: str) -> None:
    header = read_header(testing.encoded(PHOTO, format))
    assert (header.format, header.width, header.height, header.warnings) == (format, 90, 61, ())
    assert header.frames == 1
    assert not header.alpha


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "AVIF"])
def test_animations_are_counted_and_flagged(format: str) -> None:
    frames = [Image.fromarray(testing.photo(40, 30, seed)) for seed in range(3)]
    file = io.BytesIO()
    frames[0].save(file, format, save_all=True, append_images=frames[1:])
    header = read_header(file.getvalue())
    assert header.frames == 3
    assert header.warnings == ("animated",)


def test_pages_are_counted_and_flagged() -> None:
    pages = [Image.fromarray(testing.photo(40, 30, seed)) for seed in range(2)]
    file = io.BytesIO()
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:])
    assert read_header(file.getvalue()).warnings == ("more_images",)


def test_importing_the_door_is_light() -> None:
    code = "import sys, groundglass.kernel.image.frame; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"cv2", "PIL", "numba", "scipy", "simplejpeg"} & set(modules.split())


def test_orientation_swaps_the_size() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    header = read_header(testing.jpeg(PHOTO, exif=exif))
    assert (header.width, header.height, header.stored_width, header.stored_height) == (61, 90, 90, 61)


def test_a_header_survives_pickling_and_hides_its_profile() -> None:
    header = read_header(testing.jpeg(PHOTO, icc_profile=testing.wide_profile()))
    assert pickle.loads(pickle.dumps(header)) == header
    assert len(repr(header)) < 2500


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"hello world", "not_an_image"),
        (b"\0\0\0\x18ftypmp42" + bytes(40), "not_an_image"),
        (b"%PDF-1.7", "unsupported"),
        (b"\xff\xd8\xff", "truncated"),
        (b"\x89PNG\r\n\x1a\n", "truncated"),
        (b"\x89PNG\r\n\x1a\n" + bytes(60), "corrupt"),
    ],
)
def test_reasons(data: bytes, reason: str) -> None:
    with pytest.raises(ImageError) as caught:
        read_header(data)
    assert caught.value.reason == reason


class Watched(bytes):
    """Bytes that count how many of them are taken or searched, and how far into the file that goes.

    The last 16 do not count as far: a file's end is looked at, too.
    """

    def __init__(self, *_: object) -> None:
        self.taken = self.farthest = 0

    def _note(self, start: int, stop: int) -> None:
        self.taken += max(0, stop - start)
        if start < len(self) - 16:
            self.farthest = max(self.farthest, stop)

    def __getitem__(self, key: object) -> object:
        start, stop, _ = key.indices(len(self)) if isinstance(key, slice) else (key, key + 1, 1)
        self._note(start, stop)
        return super().__getitem__(key)

    def startswith(self, prefix: bytes, *at: int) -> bool:
        self._note(0, len(prefix))
        return super().startswith(prefix, *at)

    def endswith(self, suffix: bytes, *at: int) -> bool:
        self._note(len(self) - len(suffix), len(self))
        return super().endswith(suffix, *at)

    def find(self, wanted: bytes, start: int = 0, *stop: int) -> int:
        found = super().find(wanted, start, *stop)
        self._note(start, found + len(wanted) if found >= 0 else len(self))
        return found

    def rfind(self, wanted: bytes, start: int = 0, *stop: int) -> int:
        found = super().rfind(wanted, start, *stop)
        self._note(max(found, start), len(self))
        return found


def test_a_jpeg_is_read_up_to_its_first_scan_and_no_byte_more_than_twice() -> None:
    made = [testing.jpeg(testing.photo(600, 400)), testing.jpeg(PHOTO, icc_profile=testing.wide_profile())]
    for data in made + [path.read_bytes() for path in shared_photographs()]:
        watched = Watched(data)
        assert read_header(watched) == read_header(data)
        scan = read_markers(data).scan
        assert watched.farthest <= scan + 1, "the scan's first byte says how many components it has"
        assert watched.taken <= 2 * scan + 100


def shared_photographs() -> list[Path]:
    """Photographs of 24 megapixels with all that cameras write; none where the shared pictures are not there."""
    try:
        return sorted(shared("large_4k").rglob("*.jpg"))
    except pytest.skip.Exception:
        return []


def test_a_png_is_read_chunk_by_chunk_and_nothing_inside_the_pixels() -> None:
    data = testing.png(testing.photo(600, 400))
    watched = Watched(data)
    assert read_header(watched) == read_header(data)
    assert watched.taken < 200 < len(data) / 1000
