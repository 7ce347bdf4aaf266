"""`bit_depth` is what the file states, not what its decoder hands over; and all of the bits count."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from groundglass import testing
from groundglass.errors import ImageError
from groundglass.image.codecs import bit_depth as depths
from groundglass.image.codecs.little_bits import Bits
from groundglass.image.frame import open_frame
from groundglass.image.header import read_header
from shared_data import shared

PHOTO = testing.photo(24, 16)
jxl_only = pytest.mark.skipif(importlib.util.find_spec("pillow_jxl") is None, reason="needs the extra jxl")


def pnm(kind: str, white: int, values: np.ndarray, note: bytes = b"") -> bytes:
    height, width = values.shape[:2]
    head = f"{kind}\n".encode() + note + f"{width} {height}\n{white}\n".encode()
    if kind in ("P2", "P3"):
        return head + b" ".join(str(value).encode() for value in values.ravel())
    return head + values.astype(">u2" if white > 255 else "u1").tobytes()


@given(st.integers(1, 65535), st.sampled_from(["P2", "P3", "P5", "P6"]), st.sampled_from([b"", b"# 1 2\n"]))
def test_pnm_tells_its_white(white: int, kind: str, note: bytes) -> None:
    picture = PHOTO[..., 0] if kind in ("P2", "P5") else PHOTO
    values = np.rint(picture.astype(float) * white / 255).astype(int)
    data = pnm(kind, white, values, note)
    assert read_header(data).bit_depth == white.bit_length()
    rgb = open_frame(data).rgb
    shown = rgb[..., 0] if picture.ndim == 2 else rgb
    assert np.abs(shown - values * (255 / white)).max() <= 1


def test_a_bitmap_has_one_bit() -> None:
    assert read_header(b"P4\n8 2\n\xaa\x55").bit_depth == 1
    assert read_header(b"P1\n2 2\n0 1 1 0\n").bit_depth == 1


@pytest.mark.parametrize("mode", ["1", "P", "RGB"])
def test_bmp(mode: str) -> None:
    stream = io.BytesIO()
    Image.fromarray(PHOTO).convert(mode).save(stream, "BMP")
    assert read_header(stream.getvalue()).bit_depth == {"1": 1}.get(mode, 8)


def jpeg_2000(values: np.ndarray, bits: int) -> bytes:
    """Lossless; OpenCV writes 16 bits, so that of fewer the middle is moved and their number is put in."""
    shift = 0 if bits == 16 else (1 << 15) - (1 << (bits - 1))
    ok, coded = cv2.imencode(
        ".jp2", (values + shift).astype(np.uint16)[..., ::-1], [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000]
    )
    assert ok
    data = bytearray(coded.tobytes())
    at = data.index(b"\xff\x4f\xff\x51")
    for component in range(3):
        assert data[at + 42 + 3 * component] == 15
        data[at + 42 + 3 * component] = bits - 1
    return bytes(data)


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_jpeg_2000_gives_all_its_bits(bits: int) -> None:
    """Pillow's own rounding turns the brightest values black."""
    white = (1 << bits) - 1
    values = np.random.default_rng(bits).integers(0, white + 1, (40, 50, 3))
    values[:8, :8] = white
    frame = open_frame(jpeg_2000(values, bits))
    assert frame.header.bit_depth == bits
    assert np.array_equal(frame.rgb, np.rint(values * (255 / white)).astype(np.uint8))


def jxl_header(bits: int, floating: bool, extra: bool) -> bytes:
    """The first bytes of a JPEG XL: a size, then what is known of the samples (ISO/IEC 18181-1, annex D)."""
    fields = [(1, 1), (3, 5), (1, 3), (0, 1)]  # small, 32 high, as wide; not all as by default
    fields.append((int(extra), 1))
    if extra:
        fields += [(0, 3), (1, 1), (0, 1), (0, 2), (99, 9), (0, 3), (1, 2), (77, 13)]  # shown at 78 x 100
        fields += [(1, 1), (0, 1), (1, 2), (35, 8), (1, 3)]  # a preview, square
        fields += [(1, 1), (0, 2), (1, 2), (2, 2), (9, 16), (1, 1)]  # an animation
    fields.append((int(floating), 1))
    usual = (32, 16, 24) if floating else (8, 10, 12)
    fields += [(usual.index(bits), 2)] if bits in usual else [(3, 2), (bits - 1, 6)]
    value = at = 0
    for number, width in fields:
        value |= number << at
        at += width
    return b"\xff\x0a" + value.to_bytes(64, "little")


@given(st.integers(1, 32), st.booleans(), st.booleans())
def test_jpeg_xl_states_its_depth(bits: int, floating: bool, extra: bool) -> None:
    data = jxl_header(bits, floating, extra)
    image = Image.new("RGB", (1, 1))
    assert depths.bit_depth(image, data, "JXL") == bits
    boxed = b"\0\0\0\x0cJXL \r\n\x87\n" + (len(data) + 8).to_bytes(4, "big") + b"jxlc" + data
    assert depths.bit_depth(image, boxed, "JXL") == bits


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(8, 20)), max_size=8))
def test_numbers_come_out_as_they_went_in(numbers: list[tuple[int, int]]) -> None:
    value = at = 0
    for number, width in numbers:
        value |= number << at
        at += width
    bits = Bits(value)
    assert [bits.take(width) for _, width in numbers] == [number for number, _ in numbers]


@jxl_only
def test_jpeg_xl_of_8_and_16_bits() -> None:
    import pillow_jxl  # noqa: F401

    for image, bits in (
        (Image.fromarray(PHOTO), 8),
        (Image.fromarray(PHOTO[..., 0].astype(np.uint16) * 257), 16),
    ):
        stream = io.BytesIO()
        image.save(stream, "JXL", lossless=True)
        assert read_header(stream.getvalue()).bit_depth == bits


@pytest.mark.parametrize(
    ("name", "bits"),
    [("jxl/sunset_logo.jxl", 10), ("jxl/blendmodes.jxl", 12), ("heif/RGB_10__29x100.heif", 10)],
)
def test_files_of_others(name: str, bits: int) -> None:
    path = shared("torture", *name.split("/"))
    try:
        assert read_header(path.read_bytes()).bit_depth == bits
    except ImageError as error:
        assert "pip install" in error.detail  # noqa: PT017


@pytest.mark.parametrize(("name", "bits"), [("jxl16.jxl", 16), ("pgm_max1023.pgm", 10)])
def test_shared_cases(name: str, bits: int) -> None:
    path = Path(shared("..", "cases", "pictures", "bit_depth", name))
    if path.suffix == ".jxl" and importlib.util.find_spec("pillow_jxl") is None:
        pytest.skip("needs the extra jxl")
    assert read_header(path.read_bytes()).bit_depth == bits
