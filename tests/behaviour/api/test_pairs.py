"""Pixels made smaller and compared: the command's pixels, scikit-image's scores, the protocols of the literature."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from flow_tools import groundglass as command
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import groundglass
from groundglass import testing
from groundglass.errors import RecipeError
from groundglass.image.resize import KERNELS
from groundglass.measures.pairs.psnr_ssim import score

PHOTO = testing.photo(97, 70)


@pytest.mark.parametrize("kernel", KERNELS)
def test_downscale_gives_the_pixels_of_the_command(tmp_path: Path, kernel: str):
    (tmp_path / "a.png").write_bytes(testing.png(PHOTO))
    done = command(tmp_path, "downscale", "a.png", "--out", "small", "--scale", "3", "--kernel", kernel)
    assert done.returncode == 0, done.stderr
    small = groundglass.downscale(PHOTO, 3, kernel)
    assert small.dtype == np.uint8
    assert small.shape == (23, 32, 3)
    assert np.array_equal(small, groundglass.open_image(tmp_path / "small" / "a.png").rgb)
    assert np.array_equal(groundglass.downscale(PHOTO[:, :, 0], 3, kernel), small[:, :, 0])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((PHOTO, 0), "the scale is 0"),
        ((PHOTO, 2.0), "the scale is 2.0"),
        ((PHOTO, True), "the scale is True"),
        ((PHOTO, 71), "cannot be reduced by 71"),
        ((PHOTO, 2, "bicubic"), "'bicubic'"),
        ((PHOTO / 255, 2), "this array is float64"),
    ],
)
def test_downscale_refuses_what_it_cannot_do(arguments: tuple, said: str):
    with pytest.raises(RecipeError, match=said):
        groundglass.downscale(*arguments)


@settings(max_examples=25)
@given(st.integers(11, 50), st.integers(11, 50), st.integers(0, 2**32 - 1), st.integers(1, 60), st.booleans())
def test_scores_are_those_of_scikit_image(width: int, height: int, seed: int, strength: int, grey: bool):
    chance = np.random.default_rng(seed)
    one = testing.photo(width, height, seed % 100)
    noise = chance.normal(0, strength, one.shape)
    other = np.clip(one + noise, 0, 255).astype(np.uint8)
    if grey:
        one, other = one[:, :, 0], other[:, :, 0]
    expected = structural_similarity(
        one,
        other,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=255,
        channel_axis=None if grey else 2,
    )
    assert groundglass.ssim(one, other) == pytest.approx(expected, abs=1e-9)
    if not np.array_equal(one, other):
        assert groundglass.psnr(one, other) == pytest.approx(
            peak_signal_noise_ratio(one, other, data_range=255), abs=1e-9
        )


@pytest.mark.parametrize("protocol", ["network", "classic"])
@pytest.mark.parametrize("grey", [False, True])
def test_a_protocol_and_a_border_give_the_scores_of_the_literature(protocol: str, grey: bool):
    other = np.clip(PHOTO.astype(int) + 7, 0, 255).astype(np.uint8)
    pair = (PHOTO[:, :, 0], other[:, :, 0]) if grey else (PHOTO, other)
    expected = score(*pair, 4, protocol)
    assert groundglass.psnr(*pair, protocol, border=4) == expected.psnr
    assert groundglass.ssim(*pair, protocol, border=4) == expected.ssim


@given(st.integers(11, 40), st.integers(11, 40), st.sampled_from(["rgb", "network", "classic"]))
def test_equal_images_score_best_and_order_does_not_matter(width: int, height: int, protocol: str):
    one, other = testing.photo(width, height, 1), testing.photo(width, height, 2)
    assert groundglass.psnr(one, one, protocol) == float("inf")
    assert groundglass.ssim(one, one, protocol) == pytest.approx(1)
    assert groundglass.psnr(one, other, protocol) == groundglass.psnr(other, one, protocol)
    assert groundglass.ssim(one, other, protocol) == pytest.approx(groundglass.ssim(other, one, protocol))


@pytest.mark.parametrize("score_of", ["psnr", "ssim"])
@pytest.mark.parametrize(
    ("other", "more", "said"),
    [
        (PHOTO[:-1], {}, "differ in shape"),
        (PHOTO[:, :, 0], {}, "differ in shape"),
        (PHOTO, {"protocol": "clasic"}, "there is no protocol 'clasic'. Did you mean 'classic'?"),
        (PHOTO, {"border": 35}, "a border of 35 px leaves too little of 97 × 70 px"),
        (PHOTO, {"border": -1}, "the border is -1 px"),
        (PHOTO / 255, {}, "this array is float64"),
        (None, {}, "pixels are a numpy array"),
    ],
)
def test_a_comparison_that_means_nothing_is_refused(score_of: str, other: object, more: dict, said: str):
    with pytest.raises(RecipeError) as error:
        getattr(groundglass, score_of)(PHOTO, other, **more)
    assert said in error.value.message


def test_ssim_needs_a_window():
    with pytest.raises(RecipeError, match="each side needs 11 px"):
        groundglass.ssim(PHOTO[:10], PHOTO[:10])
