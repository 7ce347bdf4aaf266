"""Floating-point and 32-bit samples: white is told from their range, clipped with a warning, or the file is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundglass import testing
from groundglass.errors import ImageError
from groundglass.image.frame import open_frame
from shared_data import shared
from tiff_tools import BLACK_IS_ZERO, RGB, Layout, tiff

PHOTO = testing.photo(40, 30)
GREY = PHOTO[..., 0]


def read(values: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    frame = open_frame(tiff(values, Layout(RGB if values.ndim == 3 else BLACK_IS_ZERO)))
    rgb = frame.rgb
    return (rgb if values.ndim == 3 else rgb[..., 0]), frame.warnings[1:]  # rounded_to_8_bits comes first


@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
@pytest.mark.parametrize("picture", [GREY, PHOTO])
@pytest.mark.parametrize("white", [1.0, 255.0])
@given(speck=st.floats(1.001, 1.9), below=st.floats(-0.9, 0))
def test_a_few_samples_beyond_white_and_black_are_clipped(
    kind: str, picture: np.ndarray, white: float, speck: float, below: float
) -> None:
    values = (picture * (white / 255)).astype(kind)
    values[0, 0], values[1, 1] = speck * white, below * white
    wanted = picture.copy()
    wanted[0, 0], wanted[1, 1] = 255, 0
    rgb, words = read(values)
    assert np.array_equal(rgb, wanted)
    assert words == ("range_guessed", "clipped")


@pytest.mark.parametrize(
    "values",
    [
        PHOTO / 255 * 12,  # light of a scene, far above white
        PHOTO / 255 * 1.9,
        PHOTO / 255 * 2 - 1,  # a network's range
        PHOTO / 255 * 4095,  # 12 bits in floats
        np.where(np.indices(PHOTO.shape)[2] == 5, 200, PHOTO / 255),  # a dark scene with one bright light
        np.where(np.indices(PHOTO.shape)[0] < 3, 200, PHOTO / 400),
        PHOTO.astype(float) * 1e9,
        np.full(PHOTO.shape, -0.5),
    ],
)
def test_a_range_that_shows_no_white_is_refused(values: np.ndarray) -> None:
    try:
        rgb, _ = read(values.astype(np.float32))
    except ImageError as error:
        assert error.reason == "unsupported"  # noqa: PT017
        assert "white" in error.detail  # noqa: PT017
        return
    assert np.abs(rgb.astype(float) / 255 - values.clip(0, 1)).max() < 0.01, "taken as black or as white"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers_are_damage(bad: float) -> None:
    values = (PHOTO / 255).astype(np.float32)
    values[7, 8, 1] = bad
    with pytest.raises(ImageError, match="not numbers") as caught:
        read(values)
    assert caught.value.reason == "corrupt"


def test_integers_of_32_bits() -> None:
    for white in (255, 65535, 2**32 - 1):
        values = np.rint(GREY.astype(float) / GREY.max() * white).astype(np.uint32)
        rgb, words = read(values)
        assert np.array_equal(rgb, np.rint(values / white * 255).astype(np.uint8))
        assert words == ("range_guessed",)
    for values in (GREY.astype(np.int32) - 128, GREY.astype(np.uint32) * 1000):
        with pytest.raises(ImageError, match="the value of white is unknown"):
            read(values)


def test_the_shared_case_is_not_turned_black() -> None:
    frame = open_frame(shared("..", "cases", "pictures", "float_above_white", "over.tif"))
    assert 90 < frame.rgb.mean() < 110
    assert frame.rgb.max() == 255
    assert frame.warnings == ("rounded_to_8_bits", "range_guessed", "clipped")
