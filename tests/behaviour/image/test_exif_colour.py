"""A camera set to Adobe RGB says so in Exif only; its pictures are not taken for sRGB in silence."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from groundglass import testing
from groundglass.errors import ImageError
from groundglass.image.codecs import exif
from groundglass.image.frame import open_frame
from groundglass.image.header import ImageLimits, read_header

PHOTO = testing.photo(64, 48, 3)
ADOBE_LIGHT = 563 / 256


def block(colour_space: int | None, index: str | None = None) -> bytes:
    """An Exif block with the colour space and the index of interoperability."""
    made = Image.Exif()
    details = made.get_ifd(0x8769)
    if colour_space is not None:
        details[0xA001] = colour_space
    if index is not None:
        details[0xA005] = {1: index}
    return made.tobytes()


def jpeg(*said: object, icc: bytes | None = None) -> bytes:
    file = io.BytesIO()
    Image.fromarray(PHOTO).save(
        file, "JPEG", quality=95, subsampling=0, exif=block(*said), **({"icc_profile": icc} if icc else {})
    )
    return file.getvalue()


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ((1, None), ""),
        ((1, "R98"), ""),
        ((0xFFFF, "R03"), "Adobe RGB (Exif)"),
        ((2, None), "Adobe RGB (Exif)"),
        ((0xFFFF, None), "uncalibrated (Exif)"),
    ],
)
def test_the_header_names_it(said: tuple[int, str | None], name: str) -> None:
    header = read_header(jpeg(*said))
    assert (header.icc or "") == name
    assert ("unknown_colour" in header.warnings) == name.startswith("uncalibrated")


def test_adobe_rgb_is_converted_to_srgb() -> None:
    """Against the published matrices of both spaces; both are seen under D65."""
    plain = open_frame(jpeg(1, "R98")).rgb.astype(float) / 255
    adobe = np.array([[0.57667, 0.18556, 0.18823], [0.29734, 0.62736, 0.07529], [0.02703, 0.07069, 0.99134]])
    srgb = np.array([[0.41239, 0.35758, 0.18048], [0.21264, 0.71517, 0.07219], [0.01933, 0.11919, 0.95053]])
    light = (plain**ADOBE_LIGHT @ adobe.T @ np.linalg.inv(srgb).T).clip(0, 1)
    wanted = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) * 255
    found = open_frame(jpeg(0xFFFF, "R03")).rgb
    assert np.abs(found - wanted).max() <= 2
    assert np.abs(found - plain * 255).max() > 10, "the two spaces do differ"


def test_a_profile_comes_before_exif() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.array_equal(open_frame(jpeg(0xFFFF, "R03", icc=profile)).rgb, open_frame(jpeg(1, "R98")).rgb)
    assert "unknown_colour" not in read_header(jpeg(0xFFFF, icc=profile)).warnings


def test_an_uncalibrated_picture_can_be_refused() -> None:
    with pytest.raises(ImageError, match="uncalibrated"):
        read_header(jpeg(0xFFFF), ImageLimits(unknown_colour="refuse"))


@given(st.integers(0, 400), st.binary(max_size=8))
def test_damaged_blocks_say_nothing_or_something_known(at: int, junk: bytes) -> None:
    whole = block(0xFFFF, "R03").removeprefix(b"Exif\0\0")
    spoilt = whole[:at] + junk + whole[at + len(junk) :]
    assert exif.colour_space(spoilt) in ("", "sRGB", "Adobe RGB", "uncalibrated")
