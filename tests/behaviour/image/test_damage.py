"""Damaged files are errors, never half a picture; nothing but ImageError ever comes out of the door."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from groundglass import testing
from groundglass.errors import ImageError
from groundglass.image.codecs import detect_format, pillow
from groundglass.image.frame import open_frame
from groundglass.image.header import ImageLimits, read_header
from shared_data import shared

PHOTO = testing.photo(200, 136, seed=3)


def _saved(format: str, **options: object) -> Callable[[], bytes]:
    return lambda: testing.encoded(PHOTO, format, **options)


def _palette() -> bytes:
    file = io.BytesIO()
    Image.fromarray(PHOTO).quantize(64).save(file, "GIF")
    return file.getvalue()


FILES: dict[str, Callable[[], bytes]] = {
    "jpeg": _saved("JPEG", quality=90),
    "jpeg-progressive": _saved("JPEG", quality=90, progressive=True),
    "jpeg-restart": _saved("JPEG", quality=90, restart_marker_rows=1),
    "png": _saved("PNG"),
    "webp": _saved("WEBP", quality=90),
    "webp-lossless": _saved("WEBP", lossless=True),
    "avif": _saved("AVIF", quality=80),
    "tiff": _saved("TIFF"),
    "tiff-deflate": _saved("TIFF", compression="tiff_adobe_deflate"),
    "tiff-lzw": _saved("TIFF", compression="tiff_lzw"),
    "tiff-jpeg": _saved("TIFF", compression="jpeg"),
    "bmp": _saved("BMP"),
    "gif": _palette,
    "ppm": _saved("PPM"),
    "jpeg2000": _saved("JPEG2000"),
    "qoi": _saved("QOI"),
}


@pytest.mark.parametrize("quarter", [1, 2, 3])
@pytest.mark.parametrize("kind", FILES)
def test_a_file_cut_at_any_quarter_is_an_error(kind: str, quarter: int) -> None:
    data = FILES[kind]()
    assert open_frame(data).rgb.shape == PHOTO.shape
    with pytest.raises(ImageError) as caught:
        _ = open_frame(data[: len(data) * quarter // 4]).rgb
    assert caught.value.reason == ("corrupt" if kind == "jpeg2000" else "truncated")


@pytest.mark.parametrize("kind", FILES)
def test_a_file_cut_anywhere_is_an_error_or_the_whole_picture(kind: str) -> None:
    data = FILES[kind]()
    whole = open_frame(data).rgb
    for end in [*range(12, len(data), len(data) // 30), *range(len(data) - 4, len(data))]:
        try:
            assert np.array_equal(open_frame(data[:end]).rgb, whole)
            assert end > len(data) - 30
        except ImageError:
            pass


@pytest.mark.parametrize("kind", [kind for kind in FILES if kind.startswith("jpeg") and kind != "jpeg2000"])
def test_a_jpeg_cut_anywhere_is_an_error(kind: str) -> None:
    data = FILES[kind]()
    for end in range(2, len(data) - 2, 97):
        with pytest.raises(ImageError):
            _ = open_frame(data[:end]).rgb


def test_a_jpeg_that_lacks_only_its_end_marker_is_sound() -> None:
    data = FILES["jpeg"]()
    frame = open_frame(data[:-2])
    assert np.array_equal(frame.rgb, open_frame(data).rgb)
    assert frame.warnings == ("no_end_marker",)


@pytest.mark.parametrize("kind", ["jpeg", "jpeg-progressive", "jpeg-restart", "png", "webp"])
def test_flipped_bits_never_leave_a_grey_part(kind: str) -> None:
    data = FILES[kind]()
    random = np.random.default_rng(11)
    raised = 0
    for _ in range(150):
        damaged = bytearray(data)
        damaged[int(random.integers(len(data) // 8, len(data)))] ^= 1 << int(random.integers(8))
        try:
            rgb = open_frame(bytes(damaged)).rgb
        except ImageError:
            raised += 1
            continue
        assert _grey_share(rgb) < 0.05
    assert raised > 20


def _grey_share(rgb: np.ndarray) -> float:
    """The share of pixels in rows that are one single colour: what decoders leave where data ended."""
    return float((rgb.reshape(len(rgb), -1, 3).std(axis=1).max(axis=1) < 0.5).mean())


def test_every_flipped_bit_in_png_pixels_is_noticed() -> None:
    data = bytearray(testing.png(PHOTO[:32, :32]))
    at = data.index(b"IDAT") + 4
    for place in range(at, len(data) - 16, 61):
        damaged = bytearray(data)
        damaged[place] ^= 4
        with pytest.raises(ImageError, match="checksum"):
            _ = open_frame(bytes(damaged)).rgb


def test_junk_in_a_header_is_only_a_warning() -> None:
    data = FILES["jpeg"]()
    at = 2 + 2 + int.from_bytes(data[4:6], "big")
    frame = open_frame(data[:at] + b"junk" + data[at:])
    assert frame.warnings == ("junk_in_header",)
    assert np.array_equal(frame.rgb, open_frame(data).rgb)


def test_junk_in_a_header_does_not_hide_damage() -> None:
    data = FILES["jpeg"]()
    at = 2 + 2 + int.from_bytes(data[4:6], "big")
    half = data[:at] + b"junk" + data[at : len(data) // 2]
    with pytest.raises(ImageError, match="truncated"):
        _ = open_frame(half).rgb


def test_filling_before_the_end_marker_is_only_a_warning() -> None:
    data = FILES["jpeg"]()
    frame = open_frame(data[:-2] + bytes(40) + data[-2:])
    assert np.array_equal(frame.rgb, open_frame(data).rgb)
    assert frame.warnings == ("padded_scan",)
    with pytest.raises(ImageError, match="extraneous"):
        _ = open_frame(data[:-2] + b"\x12\x34" * 20 + data[-2:]).rgb


def test_bytes_after_the_end_are_a_warning() -> None:
    assert open_frame(FILES["jpeg"]() + b"appended").header.warnings == ("trailing_bytes",)
    assert open_frame(FILES["png"]() + b"appended").header.warnings == ("trailing_bytes",)


def test_sampling_factors_without_a_name_are_decoded_too() -> None:
    """A flat picture is 112 equal blocks, each a DC difference of 0 and an end of block: the bits 00 1010."""
    data = bytearray(testing.encoded(testing.flat(64, 64), "JPEG", subsampling="4:4:4"))
    frame, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xda")
    data[frame + 11], data[frame + 14], data[frame + 17] = 0x22, 0x21, 0x11
    data[scan + 6] = data[scan + 8] = data[scan + 10] = 0  # the first Huffman tables for all components
    picture = open_frame(bytes(data[: scan + 14]) + b"\x28\xa2\x8a" * 28 + b"\xff\xd9")
    assert picture.header.jpeg is not None
    assert picture.header.jpeg.subsampling == "2x2,2x1,1x1"
    assert np.array_equal(picture.rgb, testing.flat(64, 64))


@pytest.mark.parametrize("kind", FILES)
def test_limits_are_judged_before_decoding(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = FILES[kind]()
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("decoded"))
    for limits in (ImageLimits(pixels=200 * 136 - 1), ImageLimits(side=199)):
        with pytest.raises(ImageError, match="too_large"):
            read_header(data, limits)
    assert read_header(data, ImageLimits(pixels=200 * 136, side=200)).width == 200


@pytest.mark.parametrize("kind", ["gif", "ico"])
def test_a_bomb_is_refused_in_our_own_words(kind: str) -> None:
    with pytest.raises(ImageError) as caught:
        _ = open_frame(shared("torture", "pillow", f"decompression_bomb.{kind}")).rgb
    assert caught.value.reason == "too_large"
    assert re.fullmatch(r"\d{10} pixels are more than the decoder takes", caught.value.detail)


def test_a_missing_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(pillow.DECODERS, "JXL", ("no_such_module", "X"))
    with pytest.raises(ImageError, match=r"unsupported: JPEG XL: pip install 'groundglass\[jxl\]'"):
        read_header(b"\xff\x0a" + bytes(40))


def test_paths_that_cannot_be_read(tmp_path: object) -> None:
    with pytest.raises(ImageError, match="vanished"):
        open_frame(f"{tmp_path}/none.jpg")
    with pytest.raises(ImageError, match="unreadable"):
        open_frame(str(tmp_path))


MAGIC = [magic for magic, _ in detect_format._MAGIC] + [
    b"RIFF\x10\0\0\0WEBPVP8 ",
    b"\0\0\0\x1cftypavif",
    b"\0\0\0\x1cftypheic",
    b"P6 ",
]
SMALL = [
    testing.encoded(testing.photo(24, 17), format, **options)
    for format, options in [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("WEBP", {}),
        ("GIF", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("BMP", {}),
        ("AVIF", {}),
        ("ICO", {"sizes": [(16, 16)]}),
        ("QOI", {}),
        ("PPM", {}),
        ("JPEG2000", {}),
    ]
]
TIGHT = ImageLimits(pixels=4e6)


def _nothing_but_image_errors(data: bytes) -> None:
    try:
        frame = open_frame(data, TIGHT)
        assert frame.rgb.shape == (frame.height, frame.width, 3)
        assert frame.grid_luma.flags.c_contiguous
    except ImageError:
        pass


@given(st.sampled_from([b"", *MAGIC]), st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_random_bytes_raise_nothing_but_image_errors(magic: bytes, rest: bytes) -> None:
    _nothing_but_image_errors(magic + rest)


@given(
    st.sampled_from(SMALL),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8),
    st.booleans(),
)
@settings(max_examples=500, deadline=None)
def test_mutated_files_raise_nothing_but_image_errors(
    data: bytes, changes: list[tuple[float, int]], near_start: bool
) -> None:
    mutated = bytearray(data)
    for place, value in changes:
        mutated[int(place * (min(len(data), 120) if near_start else len(data)))] = value
    _nothing_but_image_errors(bytes(mutated))
