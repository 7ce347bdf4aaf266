from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundglass import testing
from groundglass.image.color_statistics import BRIGHT, CHROMA, colour_beside_brightness, colour_sums
from groundglass.image.frame import Frame, open_frame
from groundglass.measures.colour import colour
from shared_data import shared

SEPIA = np.array([1.351, 1.203, 0.937])


def framed(rgb: np.ndarray) -> Frame:
    return open_frame(testing.encoded(np.ascontiguousarray(rgb), "BMP"))


def sepia(luma: np.ndarray) -> np.ndarray:
    return (luma[..., None] * SEPIA).clip(0, 255).round().astype(np.uint8)


def cyanotype(luma: np.ndarray) -> np.ndarray:
    light = luma / 255
    return (255 * np.stack([light**1.6, light**1.1, light**0.7], axis=2)).round().astype(np.uint8)


def m3(rgb: np.ndarray) -> float:
    """Hasler and Süsstrunk's equations, word for word."""
    red, green, blue = rgb.reshape(-1, 3).T.astype(np.float64)
    rg, yb = red - green, 0.5 * (red + green) - blue
    return np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())


def check_sums(rgb: np.ndarray) -> None:
    sums = colour_sums(rgb)
    red, green, blue = rgb.reshape(-1, 3).T.astype(np.float64)
    top, chroma = rgb.max(axis=2).astype(float), np.ptp(rgb, axis=2).astype(float)
    assert sums.rg_mean == pytest.approx((red - green).mean())
    assert sums.yb_mean == pytest.approx(((red + green) / 2 - blue).mean())
    assert sums.rg_variance == pytest.approx((red - green).var(), rel=1e-9, abs=1e-8)
    assert sums.yb_variance == pytest.approx(((red + green) / 2 - blue).var(), rel=1e-9, abs=1e-8)
    assert sums.saturation == pytest.approx((chroma / np.maximum(top, 1)).mean(), abs=1 / 65536)
    assert sums.coloured == (chroma > CHROMA).mean()
    assert sums.clipped == pytest.approx((rgb >= BRIGHT).mean(axis=(0, 1)))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 99))
def test_sums_of_small_pictures(height: int, width: int, seed: int):
    check_sums(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("fill", [(255, 255, 0), (0, 0, 255), (255, 0, 255), (0, 0, 0)], ids=str)
def test_extremes_do_not_overflow(fill: tuple[int, int, int]):
    check_sums(np.full((300, 411, 3), fill, np.uint8))


def test_colourfulness_is_the_papers():
    for path in sorted(shared("train_photos", "cid22").glob("*.png"))[:8]:
        frame = open_frame(path)
        assert colour(frame)["colourfulness"] == pytest.approx(m3(frame.rgb), rel=1e-9)


def test_less_colour_is_less_colourful_and_less_saturated():
    rgb = testing.photo(300, 200).astype(float)
    grey = rgb.mean(axis=2, keepdims=True)
    series = [
        colour(framed((grey + part * (rgb - grey)).round().astype(np.uint8))) for part in (0, 0.3, 0.6, 1)
    ]
    for name in ("colourfulness", "saturation"):
        assert [v[name] for v in series] == sorted(v[name] for v in series)
    assert series[0]["colourfulness"] == 0


@pytest.mark.parametrize("quality", [95, 75, 30])
def test_grey_photographs_are_grey_though_they_were_saved_as_jpeg(quality: int):
    grey = np.repeat(testing.photo(300, 200)[..., :1], 3, axis=2)
    values = colour(open_frame(testing.jpeg(grey, quality)))
    assert (values["is_grey"], values["is_toned"]) == (True, False)


def test_a_little_of_something_red_is_colour():
    grey = np.repeat(testing.photo(300, 200)[..., :1], 3, axis=2)
    grey[100:120, 100:120] = (200, 30, 30)
    values = colour(framed(grey))
    assert (values["is_grey"], values["is_toned"]) == (False, False)


def test_toned_photographs_and_those_that_are_not():
    """Real photographs, printed in two ways: at least nine of ten are found, hardly one by mistake."""
    paths = sorted(shared("train_photos", "cid22").glob("*.png"))[::2]
    frames = [open_frame(path) for path in paths]
    for tone in (sepia, cyanotype):
        for quality in (95, 60):
            found = [colour(open_frame(testing.jpeg(tone(frame.luma), quality))) for frame in frames]
            assert np.mean([values["is_toned"] for values in found]) >= 0.9
            assert not any(values["is_grey"] for values in found)
    assert np.mean([colour(frame)["is_toned"] for frame in frames]) <= 0.04


def test_photographs_in_colour_are_hardly_ever_toned():
    """Sand, sea, sunsets: 5 of 100 are of one tone."""
    paths = sorted(shared("train_photos", "bsds500").glob("*.jpg"))
    assert np.mean([colour(open_frame(path))["is_toned"] for path in paths]) <= 0.08


def test_stronger_tint_is_a_larger_number():
    luma = testing.photo(200, 200)[..., 0]
    grey = np.repeat(luma[..., None], 3, axis=2).astype(float)
    series = [
        colour(framed((grey + part * (sepia(luma) - grey)).round().astype(np.uint8)))["tint_strength"]
        for part in (0, 0.3, 0.6, 1)
    ]
    assert series[0] == 0
    assert series == sorted(set(series))


def test_colour_that_brightness_decides_and_colour_that_it_does_not():
    luma = testing.photo(256, 256)[..., 0]
    strength, beside = colour_beside_brightness(sepia(luma))
    assert beside < 0.1 * strength
    strength, beside = colour_beside_brightness(testing.photo(256, 256))
    assert beside > 0.5 * strength


def test_small_pictures_have_not_all_one_tone():
    noise = testing.noise(24, 24)
    assert colour(framed(noise))["is_toned"] is False
