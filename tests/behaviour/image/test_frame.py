"""A frame is upright, its planes agree, and its regions know the photograph's 8×8 grid."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from groundglass import testing
from groundglass.errors import ImageError, RecipeError
from groundglass.image import decode as decoding
from groundglass.image.frame import Frame, open_frame
from groundglass.image.orientation import as_stored, box_as_stored, upright

WIDTH, HEIGHT = 93, 70
ORIENTATIONS = range(1, 9)


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def _turned(orientation: int, **settings: object) -> bytes:
    return testing.jpeg(testing.photo(WIDTH, HEIGHT, seed=5), exif=_exif(orientation), **settings)


FRAMES = {orientation: open_frame(_turned(orientation)) for orientation in ORIENTATIONS}


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_pictures_come_out_upright_as_pillow_turns_them(
    orientation: int, format: str, tmp_path: Path
) -> None:
    path = tmp_path / "photo"
    stored = Image.fromarray(testing.photo(WIDTH, HEIGHT))
    stored.save(path, format, exif=_exif(orientation), **({"lossless": True} if format == "WEBP" else {}))
    frame = open_frame(path)
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    assert (frame.height, frame.width) == expected.shape[:2]
    assert (frame.header.stored_width, frame.header.stored_height) == (WIDTH, HEIGHT)
    assert frame.header.orientation == orientation
    assert np.array_equal(frame.rgb, expected)


@given(st.integers(1, 8), st.integers(1, 30), st.integers(1, 30), st.data())
def test_boxes_turn_with_the_pixels(orientation: int, width: int, height: int, data: st.DataObject) -> None:
    stored = np.arange(width * height, dtype=np.uint16).astype(np.uint8).reshape(height, width)
    seen = upright(stored, orientation)
    assert np.array_equal(as_stored(seen, orientation), stored)
    x = data.draw(st.integers(0, seen.shape[1] - 1))
    y = data.draw(st.integers(0, seen.shape[0] - 1))
    box = x, y, data.draw(st.integers(1, seen.shape[1] - x)), data.draw(st.integers(1, seen.shape[0] - y))
    left, top, w, h = box_as_stored(box, orientation, width, height)
    cut = seen[y : y + box[3], x : x + box[2]]
    assert np.array_equal(upright(stored[top : top + h, left : left + w], orientation), cut)


@given(st.sampled_from(ORIENTATIONS), st.data())
def test_grid_luma_of_a_region_is_whole_blocks_of_the_stored_picture(
    orientation: int, data: st.DataObject
) -> None:
    frame = FRAMES[orientation]
    stored = cv2.cvtColor(np.asarray(Image.open(_file(frame))), cv2.COLOR_RGB2GRAY)
    x, y = data.draw(st.integers(0, frame.width - 1)), data.draw(st.integers(0, frame.height - 1))
    w, h = data.draw(st.integers(1, frame.width - x)), data.draw(st.integers(1, frame.height - y))
    region = frame.at(f"crop({x},{y},{w},{h})")
    left, top, stored_w, stored_h = box_as_stored((x, y, w, h), orientation, WIDTH, HEIGHT)
    left8, top8 = -(-left // 8) * 8, -(-top // 8) * 8
    assert np.array_equal(region.grid_luma, stored[top8 : top + stored_h, left8 : left + stored_w])
    assert region.grid_offset == (left8 - left, top8 - top)
    assert region.on_grid
    assert region.grid_luma.flags.c_contiguous


def _file(frame: Frame) -> object:
    return io.BytesIO(frame.data)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_grid_luma_of_the_whole_is_the_stored_luma(orientation: int) -> None:
    frame = FRAMES[orientation]
    stored = cv2.cvtColor(np.asarray(Image.open(_file(frame))), cv2.COLOR_RGB2GRAY)
    assert np.array_equal(frame.grid_luma, stored)
    assert frame.grid_offset == (0, 0)
    assert np.shares_memory(frame.grid_luma, frame.luma) == (orientation == 1)


def test_a_crop_of_a_crop_is_one_crop() -> None:
    frame = FRAMES[6]
    nested = frame.at("crop(5,11,40,60)/crop(3,7,20,30)")
    assert np.array_equal(nested.rgb, frame.rgb[18:48, 8:28])
    assert np.array_equal(nested.grid_luma, frame.at("crop(8,18,20,30)").grid_luma)


def test_planes_agree_with_opencv_and_are_contiguous() -> None:
    frame = FRAMES[3].at("crop(7,5,41,33)")
    assert np.array_equal(frame.luma, cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2GRAY))
    for plane in (frame.rgb, frame.luma, frame.grid_luma):
        assert plane.dtype == np.uint8
        assert plane.flags.c_contiguous
    assert frame.histogram.sum() == frame.luma.size
    assert frame.rgb.shape == (frame.height, frame.width, 3)


def test_a_resized_region_has_no_grid() -> None:
    frame = FRAMES[1].at("resize(46x35,area)/crop(3,5,16,16)")
    assert not frame.on_grid
    assert frame.grid_luma is frame.luma
    assert frame.grid_offset == (0, 0)
    assert (frame.width, frame.height) == (16, 16)
    whole = FRAMES[1].at("resize(46x35,area)").rgb
    assert np.array_equal(frame.rgb, whole[5:21, 3:19])


def test_many_regions_cost_one_decode_and_one_resize(monkeypatch: pytest.MonkeyPatch) -> None:
    from groundglass.image import resize as resizing

    calls: list[str] = []
    decode, resize = decoding.decode, resizing.resize
    monkeypatch.setattr(decoding, "decode", lambda *a: (calls.append("decode"), decode(*a))[1])
    monkeypatch.setattr(resizing, "resize", lambda *a: (calls.append("resize"), resize(*a))[1])
    frame = open_frame(_turned(1))
    for x in range(0, 24, 8):
        _ = frame.at(f"crop({x},0,16,16)").rgb
        _ = frame.at(f"resize(60x45,lanczos)/crop({x},0,16,16)").luma
    assert calls == ["decode", "resize"]


def test_a_header_alone_decodes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "decode", lambda *_: pytest.fail("decoded"))
    region = open_frame(_turned(6)).at("crop(1,2,30,40)")
    assert (region.width, region.height, region.grid_offset) == (30, 40, (6, 1))


@pytest.mark.parametrize("region", ["crop(90,0,10,10)", "crop(0,0,0,5)", "resize(20x20,box)/crop(0,0,21,5)"])
def test_regions_beyond_the_picture_are_errors(region: str) -> None:
    with pytest.raises(ImageError, match="too_small"):
        FRAMES[1].at(region)


def test_a_senseless_region_is_the_recipes_fault() -> None:
    with pytest.raises(RecipeError):
        FRAMES[1].at("rotate(90)")


def test_the_photograph_is_a_region_too() -> None:
    frame = FRAMES[5]
    assert frame.at("") is frame
    assert np.array_equal(frame.at("crop(0,0,9,9)").at("").rgb, frame.rgb)


def test_grid_luma_is_from_before_the_profile() -> None:
    plain = _turned(8)
    wide = testing.jpeg(
        testing.photo(WIDTH, HEIGHT, seed=5), icc_profile=testing.wide_profile(), exif=_exif(8)
    )
    frame = open_frame(wide)
    assert not np.array_equal(frame.rgb, open_frame(plain).rgb)
    assert np.array_equal(frame.grid_luma, open_frame(plain).grid_luma)
