"""Enlarged photographs are told from native ones, and what cannot be told is called unknown."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from groundglass import testing
from groundglass.degradations.jpeg import Jpeg, jpeg
from groundglass.degradations.noise import GaussianNoise, gaussian_noise
from groundglass.degradations.resize import FalseResolution, false_resolution
from groundglass.errors import NoValue
from groundglass.image.frame import open_frame
from groundglass.measures.resolution.resolution import resolution
from shared_data import shared

RANDOM = np.random.default_rng(0)
FACTORS = (1.5, 2, 3, 4)


@cache
def photographs() -> list[Any]:
    """Twelve photographs of the half that calibration never saw, as their names' hashes say."""
    from hashlib import sha256

    def unseen(name: str) -> bool:
        return sha256(name.encode()).digest()[3] % 2 == 1

    files = [
        *sorted(shared("train_photos", "cid22").glob("*.png")),
        *sorted(shared("train_photos", "bsds500").glob("*.jpg")),
    ]
    chosen = [file for file in files if unseen(file.stem)]
    return [open_frame(file).rgb for file in (*chosen[:6], *chosen[-6:])]


def measured(rgb: Any) -> dict[str, Any]:
    return resolution(open_frame(testing.encoded(np.ascontiguousarray(rgb), "BMP")))  # which costs no packing


def enlarged(rgb: Any, factor: float, kernel: str = "matlab_bicubic") -> Any:
    return false_resolution(rgb, FalseResolution(factor, kernel), RANDOM)  # type: ignore[arg-type]


@cache
def of_enlarged(number: int, factor: float, kernel: str = "matlab_bicubic") -> dict[str, Any]:
    """What is measured of one of the photographs, enlarged; as it is by a factor of 1."""
    rgb = photographs()[number]
    return measured(enlarged(rgb, factor, kernel) if factor > 1 else rgb)


def of_all_enlarged(factor: float, kernel: str = "matlab_bicubic") -> list[dict[str, Any]]:
    return [of_enlarged(number, factor, kernel) for number in range(len(photographs()))]


def score(rgb: Any) -> float:
    return measured(rgb)["upscaled_score"]


def flagged(pictures: list[Any]) -> float:
    """The share that is called upscaled."""
    return float(np.mean([measured(picture)["resolution_state"] == "upscaled" for picture in pictures]))


def test_photographs_are_native_and_so_are_jpegs_and_cuts_of_them():
    assert flagged(photographs()) == 0
    assert flagged([jpeg(rgb, Jpeg(80, shift_x=3, shift_y=6), RANDOM) for rgb in photographs()]) == 0


@pytest.mark.parametrize("kernel", ["matlab_bicubic", "lanczos"])
@pytest.mark.parametrize("factor", FACTORS)
def test_enlarged_photographs_are_found(factor: float, kernel: str):
    states = [values["resolution_state"] for values in of_all_enlarged(factor, kernel)]
    assert states.count("upscaled") / len(states) >= 0.9


@cache
def scores_when_passed_on(factor: float) -> list[float]:
    """Scores of the photographs, enlarged or by a factor of 1 not, under grain and in a JPEG that is cut."""
    pictures = [enlarged(rgb, factor) if factor > 1 else rgb for rgb in photographs()]
    noise = GaussianNoise(4, grey=True)
    grain = [gaussian_noise(rgb, noise, np.random.default_rng(1)) for rgb in pictures]
    cut = [jpeg(rgb, Jpeg(90, shift_x=5, shift_y=3), RANDOM) for rgb in pictures]
    return [score(picture) for picture in (*grain, *cut)]


@pytest.mark.parametrize("factor", FACTORS)
def test_under_grain_and_in_a_jpeg_cut_they_still_score_higher(factor: float):
    natives, fakes = scores_when_passed_on(1), scores_when_passed_on(factor)
    assert np.mean(np.array(fakes)[:, None] > np.array(natives)) >= 0.95


def test_the_scale_falls_with_the_factor_and_lies_in_its_interval():
    means = []
    for factor in (1, *FACTORS):
        found = of_all_enlarged(factor)
        scales = [values["effective_scale"] for values in found]
        means.append(np.mean(scales))
        for values in found:
            assert (
                values["effective_scale_low"] <= values["effective_scale"] <= values["effective_scale_high"]
            )
        inside = [
            v["effective_scale_low"] - 0.01 <= 1 / factor <= v["effective_scale_high"] + 0.01 for v in found
        ]
        assert np.mean(inside) >= 0.75
    assert means == sorted(means, reverse=True)
    assert np.median(scales) == pytest.approx(1 / 4, rel=0.15)


def test_the_factor_is_read_from_the_period():
    for factor in FACTORS:
        found = [values["resampling_factor"] for values in of_all_enlarged(factor)]
        exact = [value is not None and abs(value / factor - 1) < 0.01 for value in found]
        assert np.mean(exact) >= 0.75


def test_a_crop_and_a_mirror_image_are_judged_alike():
    for number, rgb in enumerate(photographs()):
        for factor, picture in ((1, rgb), (2, enlarged(rgb, 2))):
            score = of_enlarged(number, factor)["upscaled_score"]
            assert measured(picture[:, ::-1])["upscaled_score"] == pytest.approx(score, abs=0.25)
            assert measured(picture[7:-6, 5:-4])["upscaled_score"] == pytest.approx(score, abs=0.25)


def test_a_photograph_made_smaller_is_sharper_or_as_sharp():
    for rgb in photographs()[:6]:
        enlarged_twice = enlarged(rgb, 2)
        from groundglass.image.resize import resize

        height, width = (side // 2 for side in rgb.shape[:2])
        back = resize(enlarged_twice, width, height, "area")
        assert measured(back)["effective_scale"] > measured(enlarged_twice)["effective_scale"]


def test_flat_and_tiny_pictures_have_no_value():
    with pytest.raises(NoValue, match="flat"):
        measured(testing.flat(300, 200))
    with pytest.raises(NoValue, match="too_small"):
        measured(testing.photo(63, 200))


@pytest.mark.parametrize("picture", [testing.noise(300, 200), testing.gradient(300, 200)])
def test_pictures_without_texture_are_unknown(picture: Any):
    values = measured(picture)
    assert values["resolution_state"] == "unknown"
    assert values["effective_scale"] is None
    assert values["resampling_factor"] is None


def test_it_is_always_the_same():
    rgb = photographs()[0]
    assert measured(rgb) == measured(rgb)
