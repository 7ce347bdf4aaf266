"""Options of trainers: the chain is written as they read it, and read as they write it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from groundglass.degradations.otf import Otf, chain_of
from groundglass.degradations.otf_options import TRAINERS, from_options, to_options
from groundglass.degradations.presets import find_preset
from groundglass.errors import RecipeError

X4 = find_preset("realesrgan-x4plus").otf
assert X4 is not None
REDUX: dict[str, Any] = {
    "scale": 2,
    "high_order_degradation": True,
    "lq_usm": True,
    "lq_usm_radius_range": [1, 25],
    "thicklines_prob": 0.0,
    "blur_prob": 0.5,
    "resize_prob": [0.2, 0.7, 0.1],
    "resize_mode_list": ["bilinear", "nearest-exact", "lanczos", "area"],
    "resize_mode_prob": [0.4, 0.1, 0.25, 0.25],
    "resize_range": [0.4, 1.5],
    "jpeg_prob": 0.3,
    "jpeg_range": [75, 95],
    "blur_prob2": 0.2,
    "datasets": {
        "train": {"kernel_range": [5, 17], "kernel_range2": [3, 11], "sinc_prob": 0.2, "final_sinc_prob": 0.1}
    },
}


def as_read(otf: Otf, trainer: str) -> Otf:
    return from_options(to_options(otf, trainer)[0])[0]  # type: ignore[arg-type]


def test_real_esrgans_own_options_come_back_unchanged():
    assert X4 is not None
    options, notes = to_options(X4, "realesrgan")
    assert notes == []
    assert options["resize_prob"] == [0.2, 0.7, 0.1]
    assert options["second_blur_prob"] == 0.8
    assert options["datasets"]["train"]["blur_sigma2"] == [0.2, 1.5]
    assert from_options(options) == (X4, [])


def test_neosr_reads_a_table_of_degradations():
    assert X4 is not None
    options, notes = to_options(X4, "neosr")
    assert set(options) == {"scale", "degradations"}
    assert options["degradations"]["final_sinc_prob"] == 0.8
    assert len(notes) == 1
    assert "unsharp" in notes[0]
    assert as_read(X4, "neosr") == replace(X4, usm_radius=None)


def test_redux_keeps_what_only_it_has():
    otf, notes = from_options(REDUX)
    assert notes == []
    assert (otf.scale, otf.usm_radius, otf.keep_resizes) == (2, (1.0, 25.0), False)
    assert (otf.first.sides, otf.second.sides, otf.final_sides) == ((5, 17), (3, 11), (5, 17))
    assert otf.first.modes[1] == ("nearest-exact", 0.1)
    assert (otf.first.blur_prob, otf.second.blur_prob, otf.first.jpeg_prob) == (0.5, 0.2, 0.3)
    assert to_options(otf, "traiNNer-redux")[1] == []
    assert as_read(otf, "traiNNer-redux") == otf


def test_differences_of_a_trainer_are_named():
    otf, _ = from_options(REDUX)
    said = " ".join(to_options(otf, "realesrgan")[1])
    for word in ("area, bilinear and bicubic", "blurs", "JPEG", "7 to 21", "radius 50", "keeps the size"):
        assert word in said
    assert X4 is not None
    assert "second pass" in " ".join(to_options(X4, "traiNNer-redux")[1])
    assert "thicklines_prob" in from_options(REDUX | {"thicklines_prob": 0.1})[1][0]


@pytest.mark.parametrize("trainer", TRAINERS)
def test_whatever_is_written_is_a_chain(trainer: str):
    assert X4 is not None
    assert chain_of(as_read(X4, trainer)).parts


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "no degradations"),
        (REDUX | {"jpeg_range": "high"}, "cannot be read"),
        (REDUX | {"resize_mode_list": ["box"], "resize_mode_prob": [1]}, "'box'"),
        (REDUX | {"kernel_list": ["round"], "kernel_prob": [1]}, "'round'"),
        (REDUX | {"jpeg_range": [95, 30]}, "smaller to the larger"),
        (REDUX | {"noise_range": [1, 900]}, "sigma is 900"),
        (REDUX | {"blur_prob": 3}, "probability is 3"),
        (REDUX | {"scale": 0}, "scale is 0"),
        (REDUX | {"resize_range": [1.2, 1.5]}, "must contain 1"),
        (REDUX | {"thicklines_prob": 0, "resize_prob": [0, 0, 0]}, "weights"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], said: str):
    with pytest.raises(RecipeError) as error:
        from_options(options)
    assert said in error.value.message
