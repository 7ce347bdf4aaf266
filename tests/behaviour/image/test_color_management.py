"""Colour, depth and transparency: every kind of sample comes out as the sRGB it stands for."""

from __future__ import annotations

import io
import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from groundglass import testing
from groundglass.errors import ImageError
from groundglass.image import color_management, color_transforms
from groundglass.image.codecs import icc_matrix, samples_to_8bit
from groundglass.image.frame import open_frame
from shared_data import shared


def _file(image: Image.Image, format: str, **settings: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **settings)
    return file.getvalue()


def _deep_png(values: np.ndarray) -> bytes:
    return cv2.imencode(".png", values)[1].tobytes()


def test_jpeg_pixels_equal_libjpeg_turbos_best() -> None:
    for subsampling in ("4:4:4", "4:2:2", "4:2:0"):
        data = testing.jpeg(testing.photo(131, 77), quality=80, subsampling=subsampling)
        assert np.array_equal(open_frame(data).rgb, np.asarray(Image.open(io.BytesIO(data))))


@given(st.integers(1, 4), st.integers(1, 4))
def test_luma_is_opencvs(height: int, width: int) -> None:
    rgb = testing.noise(width, height, seed=height * 7 + width)
    assert np.array_equal(color_management.luma(rgb), cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))


def test_luma_formula() -> None:
    rgb = testing.noise(300, 300)
    r, g, b = (rgb[..., i].astype(np.int64) for i in range(3))
    assert np.array_equal(color_management.luma(rgb), (9798 * r + 19235 * g + 3735 * b + 16384) >> 15)


def test_sixteen_bits_are_rounded_not_cut() -> None:
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    expected = np.rint(ramp * (255 / 65535)).astype(np.uint8)
    assert np.array_equal(open_frame(_deep_png(ramp)).rgb[..., 1], expected)
    colours = np.stack([ramp, ramp[::-1], ramp.T], axis=2)
    frame = open_frame(_deep_png(colours))
    assert frame.header.bit_depth == 16
    assert np.array_equal(frame.rgb[..., 2], expected)
    assert np.array_equal(frame.rgb[..., 0], expected.T)


def test_sixteen_bit_tiff_is_rounded_too() -> None:
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    data = cv2.imencode(".tiff", np.stack([ramp, ramp, ramp], axis=2))[1].tobytes()
    assert np.array_equal(open_frame(data).rgb[..., 0], np.rint(ramp * (255 / 65535)).astype(np.uint8))


def test_one_bit_is_black_and_white() -> None:
    values = np.random.default_rng(1).integers(0, 2, (9, 13), dtype=np.uint8) * 255
    for format in ("PNG", "TIFF", "BMP"):
        frame = open_frame(_file(Image.fromarray(values).convert("1", dither=Image.Dither.NONE), format))
        assert np.array_equal(frame.rgb[..., 0], values)
        assert frame.header.bit_depth == 1


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
def test_transparency_is_laid_on_white(format: str) -> None:
    rgba = np.random.default_rng(2).integers(0, 256, (20, 30, 4), dtype=np.uint8)
    frame = open_frame(
        _file(
            Image.fromarray(rgba), format, **({"lossless": True, "exact": True} if format == "WEBP" else {})
        )
    )
    alpha = rgba[..., 3:] / 255
    expected = np.rint(rgba[..., :3] * alpha + 255 * (1 - alpha))
    assert np.abs(frame.rgb - expected).max() <= 1
    assert frame.header.alpha


def test_grey_with_transparency_and_palette_with_transparency() -> None:
    grey = np.dstack([np.full((4, 4), 100, np.uint8), np.repeat(np.uint8([[0, 51, 102, 255]]), 4, axis=0)])
    assert open_frame(_file(Image.fromarray(grey), "PNG")).rgb[0, :, 0].tolist() == [255, 224, 193, 100]
    palette = Image.fromarray(np.uint8([[0, 1]])).convert("P")
    palette.putpalette([255, 0, 0, 0, 0, 255])
    frame = open_frame(_file(palette, "PNG", transparency=0))
    assert frame.rgb.tolist() == [[[255, 255, 255], [0, 0, 255]]]


def test_floats_are_display_values_with_a_guessed_white() -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)
    for white in (1, 255, 65535):
        frame = open_frame(_file(Image.fromarray(ramp * np.float32(white)), "TIFF"))
        assert np.array_equal(frame.rgb[..., 0].ravel(), np.arange(256))
        assert frame.warnings == ("rounded_to_8_bits", "range_guessed")
    with pytest.raises(ImageError, match="white"):
        _ = open_frame(_file(Image.fromarray(ramp * np.float32(1e9)), "TIFF")).rgb
    with pytest.raises(ImageError, match="not numbers"):
        _ = open_frame(_file(Image.fromarray(ramp * np.float32(np.nan)), "TIFF")).rgb


def test_printing_colours_with_and_without_adobes_inversion() -> None:
    cmyk = np.random.default_rng(3).integers(0, 256, (16, 16, 4), dtype=np.uint8)
    ink = cmyk.astype(float) / 255
    expected = 255 * (1 - ink[..., :3]) * (1 - ink[..., 3:])
    frame = open_frame(_file(Image.fromarray(cmyk, "CMYK"), "TIFF"))
    assert np.abs(frame.rgb - expected).max() <= 1
    assert frame.warnings == ("cmyk_without_profile",)
    flat = np.broadcast_to(np.uint8([30, 200, 90, 20]), (16, 16, 4))
    data = _file(Image.fromarray(np.ascontiguousarray(flat), "CMYK"), "JPEG", quality=100)
    assert (
        np.abs(
            open_frame(data).rgb[8, 8] - 255 * (225 * np.array([1, 55 / 225, 165 / 225])) * 235 / 255 / 255
        ).max()
        <= 3
    )


def test_printing_colours_as_pillow_decodes_them() -> None:
    for name in ("pillow/pil_sample_cmyk.jpg", "twelvemonkeys_jpeg/jpeg/cmyk-sample.jpg"):
        path = shared("torture", *name.split("/"))
        ink = np.asarray(Image.open(path)).astype(float) / 255
        assert np.abs(open_frame(path).rgb - 255 * (1 - ink[..., :3]) * (1 - ink[..., 3:])).max() <= 1


def test_printing_colours_with_a_profile_go_through_it() -> None:
    path = shared(
        "torture", "twelvemonkeys_jpeg", "jpeg", "warning-embedded-color-profile-invalid-ignored-cmyk.jpg"
    )
    frame = open_frame(path)
    assert frame.header.icc == "SWOP (Coated), 20%"
    image = Image.open(path)
    expected = ImageCms.profileToProfile(
        image, io.BytesIO(image.info["icc_profile"]), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    assert np.abs(frame.rgb.astype(int) - np.asarray(expected)).max() <= 1


def test_matrix_profiles_agree_with_littlecms() -> None:
    profile = testing.wide_profile()
    rgb = testing.noise(200, 100)
    ours = icc_matrix.parse(profile)
    assert ours is not None
    theirs = color_transforms._LittleCms(profile, "RGB").apply(rgb)
    assert np.abs(ours.apply(rgb).astype(int) - theirs).max() <= 1
    frame = open_frame(testing.encoded(rgb, "PNG", icc_profile=profile))
    assert np.array_equal(frame.rgb, ours.apply(rgb))
    assert frame.header.icc == "wide"


@pytest.mark.parametrize(
    ("numbers", "formula"),
    [
        ((0, 2.2), lambda x: x**2.2),
        ((1, 2.0, 0.8, 0.2), lambda x: (0.8 * x + 0.2) ** 2),
        ((2, 2.0, 0.8, 0.1, 0.1), lambda x: (0.8 * x + 0.1) ** 2 + 0.1),
        ((3, 2.4, 0.9, 0.1, 0.5, 0.3), lambda x: np.where(x < 0.3, 0.5 * x, (0.9 * x + 0.1) ** 2.4)),
        (
            (4, 2.0, 0.9, 0.1, 0.5, 0.1, 0.0, 0.02),
            lambda x: np.where(x < 0.1, 0.5 * x + 0.02, (0.9 * x + 0.1) ** 2),
        ),
    ],
)
def test_parametric_curves(numbers: tuple[float, ...], formula: object) -> None:
    kind, *parameters = numbers
    tag = (
        b"para\0\0\0\0"
        + struct.pack(">H2x", int(kind))
        + struct.pack(f">{len(parameters)}i", *(round(65536 * p) for p in parameters))
    )
    x = np.linspace(0, 1, 65536)
    assert callable(formula)
    assert np.abs(icc_matrix._curve(tag) - formula(x)).max() < 1e-4


def test_sixteen_bit_linear_light_keeps_its_shadows() -> None:
    profile = testing.wide_profile(gamma=1.0)
    ramp = np.linspace(0, 600, 256).astype(np.uint16).reshape(16, 16)
    png = _deep_png(np.stack([ramp] * 3, axis=2))
    import zlib

    chunk = b"iCCPw\0\0" + zlib.compress(profile)
    chunk = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    frame = open_frame(png[:33] + chunk + png[33:])
    assert len(np.unique(frame.rgb[..., 1])) > 15  # rounded to 8 bits first, three would be left


def test_an_srgb_profile_changes_nothing_and_a_bad_one_is_a_warning() -> None:
    rgb = testing.photo(60, 40)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain = open_frame(testing.jpeg(rgb)).rgb
    frame = open_frame(testing.jpeg(rgb, icc_profile=srgb))
    assert np.array_equal(frame.rgb, plain)
    assert frame.header.icc
    assert frame.header.icc.startswith("sRGB")
    for bad in (b"nonsense" * 40, srgb[:200], srgb[:16] + b"CMYK" + srgb[20:]):
        frame = open_frame(testing.jpeg(rgb, icc_profile=bad))
        assert np.array_equal(frame.rgb, plain)
        assert frame.warnings == ("bad_icc",)
        assert frame.header.icc is None


def test_a_grey_picture_with_a_colour_profile() -> None:
    grey = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    frame = open_frame(_file(grey, "PNG", icc_profile=testing.wide_profile()))
    assert frame.warnings == ()
    assert np.ptp(frame.rgb, axis=2).max() <= 2


def test_lab_is_what_littlecms_says() -> None:
    lab = np.zeros((4, 4, 3), np.uint8)
    lab[..., 0], lab[..., 1:] = 128, 0
    frame = open_frame(_file(Image.fromarray(lab, "LAB"), "TIFF"))
    assert np.ptp(frame.rgb[0, 0]) <= 2
    assert abs(int(frame.rgb[0, 0, 0]) - 119) <= 2  # L* 50 is sRGB 119


@given(st.integers(0, 65535), st.sampled_from([10, 12, 14, 16]))
def test_narrowing_rounds_to_the_nearest(value: int, bits: int) -> None:
    white = 2**bits - 1
    value = min(value, white)
    assert abs(int(samples_to_8bit.narrowed(np.uint16([value]), bits)[0]) - value * 255 / white) <= 0.5
