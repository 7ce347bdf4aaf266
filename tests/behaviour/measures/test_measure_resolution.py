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
    return resolution(open_frame(testing.png(np.ascontiguousarray(rgb))))


def enlarged(rgb: Any, factor: float, kernel: str = "matlab_bicubic") -> Any:
    return false_resolution(rgb, FalseResolution(factor, kernel), RANDOM)  # type: ignore[arg-type]


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
    assert flagged([enlarged(rgb, factor, kernel) for rgb in photographs()]) >= 0.9


@pytest.mark.parametrize("factor", FACTORS)
def test_under_grain_and_in_a_jpeg_cut_they_still_score_higher(factor: float):
    def passed_on(rgb: Any) -> list[Any]:
        grain = gaussian_noise(rgb, GaussianNoise(4, grey=True), np.random.default_rng(1))
        return [grain, jpeg(rgb, Jpeg(90, shift_x=5, shift_y=3), RANDOM)]

    natives = [score(picture) for rgb in photographs() for picture in passed_on(rgb)]
    fakes = [score(picture) for rgb in photographs() for picture in passed_on(enlarged(rgb, factor))]
    assert np.mean(np.array(fakes)[:, None] > np.array(natives)) >= 0.95


def test_the_scale_falls_with_the_factor_and_lies_in_its_interval():
    means = []
    for factor in (1, *FACTORS):
        found = [measured(enlarged(rgb, factor) if factor > 1 else rgb) for rgb in photographs()]
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
        found = [measured(enlarged(rgb, factor))["resampling_factor"] for rgb in photographs()]
        exact = [value is not None and abs(value / factor - 1) < 0.01 for value in found]
        assert np.mean(exact) >= 0.75


def test_a_crop_and_a_mirror_image_are_judged_alike():
    for rgb in photographs():
        for picture in (rgb, enlarged(rgb, 2)):
            score = measured(picture)["upscaled_score"]
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
