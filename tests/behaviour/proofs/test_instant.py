"""The closed form: its moments add up, its filters are least squares, its scores are those of upscaled images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from groundglass import testing
from groundglass.image.frame import open_frame
from groundglass.image.resize import resize
from groundglass.measures.pairs.psnr_ssim import rgb_to_y
from groundglass.proofs.instant.measure import MOST_PIXELS, windows
from groundglass.proofs.instant.moments import (
    ANGLES,
    BUCKETS,
    COHERENCES,
    FEATURES,
    LENGTH,
    MARGIN,
    PATCH,
    SCORING,
    STRENGTHS,
    Sample,
    kinds_of_edges,
    moments,
)
from groundglass.proofs.instant.regressor import errors_of, psnr_of, solve
from shared_data import shared

Plane = NDArray[Any]


def luma(width: int, height: int, seed: int) -> Plane:
    return rgb_to_y(testing.photo(width, height, seed))


def upscaled_by_hand(truth: Plane, filters: Plane) -> tuple[Plane, Plane]:
    """What the filters make of an image, pixel by pixel, and bicubic upscaling of it; 0..1."""
    height, width = (side // 2 * 2 for side in truth.shape)
    small = resize(truth[:height, :width], width // 2, height // 2, "matlab_bicubic")
    lr = np.clip(np.floor(small + 0.5), 0, 255)
    bicubic = resize(lr, width, height, "matlab_bicubic") / 255
    made = bicubic.copy()
    kinds = kinds_of_edges((lr / 255).astype(np.float32))
    keep = np.arange(PATCH * PATCH) != PATCH * PATCH // 2
    for y in range(MARGIN, height // 2 - MARGIN):
        for x in range(MARGIN, width // 2 - MARGIN):
            patch = lr[y - MARGIN : y + MARGIN + 1, x - MARGIN : x + MARGIN + 1] / 255
            detail = (patch.ravel() - lr[y, x] / 255)[keep] @ filters[kinds[y, x]]
            made[2 * y : 2 * y + 2, 2 * x : 2 * x + 2] += detail.reshape(2, 2)
    return made, bicubic


def test_a_score_from_moments_is_the_error_of_the_upscaled_image():
    filters = solve(sum(moments(luma(96, 80, seed)) for seed in range(6)))
    truth = luma(64, 48, 99)
    made, _ = upscaled_by_hand(truth, filters)
    inner = np.s_[2 * MARGIN : 48 - 2 * MARGIN, 2 * MARGIN : 64 - 2 * MARGIN]
    expected = np.mean(np.square(made[inner] - truth[inner] / 255))
    found = errors_of(filters, moments(truth, SCORING)[None])[0]
    assert found == pytest.approx(expected, rel=1e-3)


def test_training_beats_bicubic_on_photos_that_it_has_not_seen():
    files = sorted(shared("train_photos", "bsds500").iterdir())[:24]
    photos = [rgb_to_y(open_frame(file).rgb) for file in files]
    trained = np.stack([moments(photo) for photo in photos[:18]])
    scored = np.stack([moments(photo, SCORING) for photo in photos[18:]])
    bicubic = -10 * np.log10(scored[:, -2] / scored[:, -1])
    assert psnr_of(trained, np.ones((1, 18)), scored).mean() > bicubic.mean() + 0.3


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=4, max_size=4).filter(any))
def test_how_often_an_image_is_in_a_set_is_all_that_counts(often: list[int]):
    photos = np.stack([moments(luma(48, 48, seed)) for seed in range(4)])
    scored = moments(luma(48, 48, 9), SCORING)[None]
    repeated = np.concatenate([photos[[place] * count] for place, count in enumerate(often) if count])
    whole = psnr_of(repeated, np.ones((1, len(repeated))), scored)
    assert psnr_of(photos, np.array([often]), scored) == pytest.approx(whole, abs=0.02)


def test_a_set_without_any_pixel_of_a_kind_upscales_it_as_bicubic_does():
    flat = moments(np.full((64, 64), 90, np.uint8))
    scored = moments(luma(64, 64, 1), SCORING)[None]
    bicubic = -10 * np.log10(scored[:, -2] / scored[:, -1])
    assert psnr_of(flat[None], np.ones((1, 1)), scored)[0] == pytest.approx(bicubic, abs=1e-4)


def test_an_image_turned_by_a_quarter_has_its_edges_turned_by_a_quarter():
    plane = (luma(64, 64, 3) / 255).astype(np.float32)
    angle = kinds_of_edges(plane) // (STRENGTHS * COHERENCES)
    turned = np.rot90(kinds_of_edges(np.ascontiguousarray(np.rot90(plane))) // (STRENGTHS * COHERENCES), -1)
    same = (angle + ANGLES // 2) % ANGLES == turned
    assert same.mean() > 0.98  # but for angles on the border of two kinds


@settings(max_examples=40, deadline=None)
@given(st.integers(16, 70), st.integers(16, 70), st.sampled_from([1, 2, 3]))
def test_moments_of_any_size_count_every_pixel_that_they_should(width: int, height: int, step: int):
    found = moments(luma(width, height, 0), Sample(step))
    across, down = (len(range(MARGIN, side // 2 - MARGIN, step)) for side in (width, height))
    assert found.shape == (LENGTH,)
    assert found[-1] == 4 * across * down
    assert np.isfinite(found).all()


def test_too_small_an_image_has_no_moments():
    with pytest.raises(ValueError, match="15 x 40 px are too few"):
        moments(np.zeros((40, 15), np.uint8))


def test_of_a_large_image_the_middle_of_each_quarter_counts():
    plane = np.arange(1200 * 1000, dtype=np.float64).reshape(1000, 1200)
    parts = list(windows(plane))
    assert len(parts) == 4
    assert sum(part.size for part in parts) <= MOST_PIXELS
    corners = [np.unravel_index(int(part[0, 0]), plane.shape) for part in parts]
    assert all(top % 2 == 0 and left % 2 == 0 for top, left in corners)
    assert len({(top < 500, left < 600) for top, left in corners}) == 4


def test_there_are_as_many_kinds_as_the_papers_product():
    assert BUCKETS == 72
    assert FEATURES == 48
