"""What a header foresees of memory holds for each decoder, so that what the limits accept stays under 2 GB."""

from __future__ import annotations

import io
import json
import re
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from groundglass import testing
from groundglass.errors import ImageError
from groundglass.image.header import ImageLimits, read_header
from patience import STOPS_A_HANG

PIXELS = 12_000_000
WIDTH = 4000
SPARE = 70e6
"""Bytes that a decode takes whatever the size: a few rows at work, a library loaded."""
LIMIT = 2_000_000_000


def picture(channels: int, pixels: int = PIXELS) -> np.ndarray:
    tile = np.concatenate([testing.photo(500, 500, 1), testing.photo(500, 500, 2)[..., :1]], axis=2)
    height = pixels // WIDTH
    return np.ascontiguousarray(np.tile(tile, (height // 500 + 1, WIDTH // 500, 1))[:height, :, :channels])


def by_pillow(format: str, channels: int, mode: str | None = None, **settings: Any) -> Callable[[int], bytes]:
    def made(pixels: int) -> bytes:
        file = io.BytesIO()
        values = picture(channels, pixels)
        Image.fromarray(values[..., 0] if channels == 1 else values, mode).save(file, format, **settings)
        return file.getvalue()

    return made


def deep_png(pixels: int) -> bytes:
    values = picture(4, pixels).astype(np.uint16) * 257
    return cv2.imencode(".png", values, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def tiff(kind: str, **settings: Any) -> Callable[[int], bytes]:
    def made(pixels: int) -> bytes:
        file = io.BytesIO()
        values = picture(3 if kind == "f" else 4, pixels)
        values = values / np.float32(255) if kind == "f" else values.astype(np.uint16) * 257
        values = np.moveaxis(values, 2, 0) if settings.get("planarconfig") == "separate" else values
        extra = {} if kind == "f" else {"extrasamples": [2]}
        tifffile.imwrite(file, values, photometric="rgb", compression="zlib", **extra, **settings)
        return file.getvalue()

    return made


def psd(pixels: int) -> bytes:
    values = picture(3, pixels)
    head = b"8BPS\0\1" + bytes(6) + (3).to_bytes(2, "big")
    head += len(values).to_bytes(4, "big") + WIDTH.to_bytes(4, "big") + b"\0\x08\0\3" + bytes(14)
    return head + np.moveaxis(values, 2, 0).tobytes()


WIDE = testing.wide_profile()
KINDS: dict[str, Callable[[int], bytes]] = {
    "alpha.png": by_pillow("PNG", 4, compress_level=1, icc_profile=WIDE),
    "deep.png": deep_png,
    "plain.jpg": by_pillow("JPEG", 3, quality=90, subsampling=0, icc_profile=WIDE),
    "progressive.jpg": by_pillow("JPEG", 3, quality=90, subsampling=0, progressive=True, icc_profile=WIDE),
    "ink.jpg": by_pillow("JPEG", 4, "CMYK", quality=80),
    "progressive-ink.jpg": by_pillow("JPEG", 4, "CMYK", quality=80, progressive=True),
    "planar.tif": tiff("u", planarconfig="separate", iccprofile=WIDE),
    "one-strip.tif": tiff("u", rowsperstrip=PIXELS // WIDTH, iccprofile=WIDE),
    "float-strip.tif": tiff("f", rowsperstrip=PIXELS // WIDTH),
    "alpha.bmp": by_pillow("BMP", 4),
    "plain.gif": by_pillow("GIF", 1),
    "plain.ppm": by_pillow("PPM", 3),
    "plain.psd": psd,
}
SLOW: dict[str, Callable[[int], bytes]] = {
    "alpha.webp": by_pillow("WEBP", 4, lossless=True, method=0, quality=0),
    "alpha.avif": by_pillow("AVIF", 4, quality=60, speed=10, subsampling="4:4:4"),
    "alpha.jp2": by_pillow("JPEG2000", 4, irreversible=False),
    "deep.jp2": lambda pixels: cv2.imencode(".jp2", picture(4, pixels).astype(np.uint16) * 257)[1].tobytes(),
}


def heic(pixels: int) -> bytes:
    import pillow_heif

    values, file = picture(4, pixels).astype(np.uint16) * 257, io.BytesIO()
    size = (values.shape[1], values.shape[0])
    pillow_heif.from_bytes("RGBA;16", size, values.tobytes()).save(file, quality=60, chroma=444)
    return file.getvalue()


def jxl(pixels: int) -> bytes:
    import pillow_jxl  # noqa: F401

    return by_pillow("JXL", 4, lossless=True, effort=1)(pixels)


if find_spec("pillow_heif"):
    SLOW["deep.heic"] = heic
if find_spec("pillow_jxl"):
    SLOW["alpha.jxl"] = jxl


def peaks(
    folder: Path, files: dict[str, Callable[[int], bytes]], pixels: int, how: str
) -> list[dict[str, Any]]:
    paths = [folder / name for name in files]
    for path in paths:
        path.write_bytes(files[path.name](pixels))
    command = [sys.executable, str(Path(__file__).with_name("peaks_of_memory.py")), how, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=STOPS_A_HANG, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="peaks are read from /proc"
)


@needs_proc
def test_no_decoder_takes_more_than_its_header_foresees(tmp_path: Path) -> None:
    for peak in peaks(tmp_path, KINDS, PIXELS, "decoded"):
        assert peak["took"] <= peak["foreseen"] + SPARE, peak


@needs_proc
@pytest.mark.long
def test_no_slow_decoder_takes_more_either(tmp_path: Path) -> None:
    for peak in peaks(tmp_path, SLOW, PIXELS, "decoded"):
        assert peak["took"] <= peak["foreseen"] + SPARE, peak


LARGEST = {
    "alpha.png": 149e6,
    "progressive.jpg": 149e6,
    "ink.jpg": 149e6,
    "planar.tif": 110e6,
    "deep.png": 88e6,
}


@needs_proc
@pytest.mark.long
@pytest.mark.parametrize("how", ["measured", "released"])
@pytest.mark.parametrize("name", LARGEST)
def test_large_files_that_are_accepted_are_used_in_2_gb(name: str, how: str, tmp_path: Path) -> None:
    pixels = int(LARGEST[name])
    (peak,) = peaks(tmp_path, {name: KINDS[name]}, pixels, how)
    read_header((tmp_path / name).read_bytes())
    assert peak["whole"] < LIMIT


def head_of_png(width: int, height: int, depth: int, kind: int) -> bytes:
    head = struct.pack(">2I5B", width, height, depth, kind, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + b"IHDR"
        + head
        + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    )


def test_the_default_refuses_by_pixels_and_by_memory() -> None:
    assert read_header(head_of_png(15_000, 9_990, 8, 6)).width == 15_000
    with pytest.raises(ImageError, match="more than 150000000 pixels"):
        read_header(head_of_png(15_000, 10_010, 8, 6))
    with pytest.raises(ImageError, match=r"take 2\.7 GB of memory, limit 2\.0 GB.*pixels: 2\d\de6"):
        read_header(head_of_png(14_000, 9_990, 16, 6))


@pytest.mark.parametrize(("depth", "kind"), [(8, 6), (16, 2), (16, 6)])
def test_the_limit_that_the_text_names_lets_the_picture_pass(depth: int, kind: int) -> None:
    data = head_of_png(20_000, 19_900, depth, kind)
    with pytest.raises(ImageError):
        read_header(data)
    with pytest.raises(ImageError) as caught:
        read_header(data, ImageLimits(pixels=399e6)) if depth == 16 else read_header(data, ImageLimits(3e8))
    if named := re.search(r"pixels: (\d+)e6", str(caught.value)):
        assert read_header(data, ImageLimits(pixels=float(named[1]) * 1e6)).width == 20_000
    assert bool(named) == (depth == 16)


def test_small_limits_of_pixels_do_not_shrink_the_memory() -> None:
    data = testing.png(testing.photo(64, 48))
    assert read_header(data, ImageLimits(pixels=64 * 48)).width == 64
