"""What is written reads back: exactly where it says lossless, and small where it says thumbnail."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundglass import testing
from groundglass.errors import ImageError
from groundglass.files.hashes import pixel_hash, sha256_of
from groundglass.image import encode as encoding
from groundglass.image.encode import encode_jpeg, encode_png, encode_webp_lossless, thumbnail
from groundglass.image.frame import open_frame
from shared_data import shared


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_lossless_formats_give_the_same_pixels(width: int, height: int, seed: int) -> None:
    rgb = testing.noise(width, height, seed)
    for encode in (encode_png, encode_webp_lossless):
        assert np.array_equal(open_frame(encode(rgb)).rgb, rgb)


@pytest.mark.parametrize("level", [0, 3, 9])
def test_png_levels(level: int) -> None:
    rgb = testing.photo(200, 150)
    assert np.array_equal(open_frame(encode_png(rgb, level)).rgb, rgb)


def test_pixels_need_not_be_contiguous() -> None:
    rgb = testing.photo(64, 64)[::2, ::2]
    assert np.array_equal(open_frame(encode_png(rgb)).rgb, rgb)
    assert np.array_equal(open_frame(encode_jpeg(rgb, 90)).rgb, open_frame(encode_jpeg(rgb.copy(), 90)).rgb)


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_jpeg_quality_and_subsampling(subsampling: str) -> None:
    rgb = testing.photo(120, 80)
    errors = []
    for quality in (50, 75, 95):
        frame = open_frame(encode_jpeg(rgb, quality, subsampling))
        assert frame.header.jpeg is not None
        assert frame.header.jpeg.subsampling == subsampling
        errors.append(float(np.square(frame.rgb.astype(float) - rgb).mean()))
    assert errors[0] > errors[1] > errors[2]


@pytest.mark.parametrize(
    ("size", "expected"),
    [((320, 200), (256, 160)), ((50, 40), (50, 40)), ((3840, 2160), (256, 144)), ((2000, 3), (256, 1))],
)
def test_thumbnails_keep_the_shape_and_never_grow(size: tuple[int, int], expected: tuple[int, int]) -> None:
    frame = open_frame(thumbnail(testing.gradient(*size)))
    assert (frame.width, frame.height) == expected


def test_a_thumbnail_shows_the_picture() -> None:
    rgb = testing.gradient(3000, 2000)
    small = open_frame(thumbnail(rgb)).rgb.astype(int)
    assert np.abs(small - testing.gradient(256, 171)).mean() < 3


def test_what_a_format_cannot_hold_is_an_error() -> None:
    with pytest.raises(ImageError, match="write_failed"):
        encode_webp_lossless(testing.flat(16384, 1))


def test_png_is_no_larger_than_opencvs_level_three() -> None:
    photograph = open_frame(shared("large_4k", "budgie", "casa-mila.jpg"))
    rgb = photograph.at("crop(1200,900,512,512)").rgb
    plain = cv2.imencode(".png", rgb[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 3])[1].tobytes()
    assert len(encode_png(rgb)) <= len(plain)


def test_hashes_tell_content() -> None:
    rgb = testing.photo(30, 20)
    assert pixel_hash(rgb) == pixel_hash(open_frame(encode_webp_lossless(rgb)).rgb)
    assert pixel_hash(rgb) != pixel_hash(rgb[::-1])
    assert len(sha256_of(b"x")) == 64


@pytest.mark.parametrize("large", [False, True], ids=["OpenCV reads", "Pillow reads"])
@pytest.mark.parametrize("image", ["png", "webp"])
def test_a_file_shows_its_own_pixels_and_no_others(
    monkeypatch: pytest.MonkeyPatch, image: str, large: bool
) -> None:
    monkeypatch.setattr(encoding, "_LARGE", 0 if large else 1 << 40)
    photo = testing.photo(700, 600, 4)
    file = encoding.encode_lossless(photo, image)
    assert encoding.shows(file, photo)
    other = photo.copy()
    other[599, 699, 2] ^= 1
    assert not encoding.shows(file, other)
    assert not encoding.shows(file, photo[:-1])
    with pytest.raises(ImageError, match="write_failed"):
        encoding.shows(file[:40], photo)
