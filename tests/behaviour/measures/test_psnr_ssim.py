"""PSNR and SSIM come out as the literature prints them, and only under the protocol it used."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from groundglass.errors import RecipeError
from groundglass.image.resize import crop_to_multiple, resize
from groundglass.measures.pairs.psnr_ssim import PROTOCOLS, bicubic_score, psnr, rgb_to_y, score, ssim
from shared_data import shared

# (set, protocol, scale): PSNR-Y in dB, SSIM-Y, as printed
PUBLISHED = {
    ("Set5", "classic", 2): (33.661, 0.9299),
    ("Set5", "classic", 3): (30.392, 0.8682),
    ("Set5", "classic", 4): (28.421, 0.8104),
    ("Set14", "classic", 2): (30.232, 0.8687),
    ("Set14", "classic", 3): (27.541, 0.7736),
    ("Set14", "classic", 4): (26.000, 0.7019),
    ("Set5", "network", 2): (33.682, 0.9305),
    ("Set5", "network", 4): (28.431, 0.8113),
}


@cache
def pictures(test_set: str) -> tuple[np.ndarray, ...]:
    return tuple(np.asarray(Image.open(path)) for path in hr_files(test_set))


def hr_files(test_set: str) -> list[Path]:
    return sorted(shared("benchmarks", test_set, "HR").glob("*.png"))


def mean(scores: list[float]) -> float:
    return sum(scores) / len(scores)


@pytest.mark.parametrize(("test_set", "protocol", "scale"), PUBLISHED)
def test_bicubic_scores_what_the_papers_print(test_set: str, protocol: str, scale: int) -> None:
    scores = [bicubic_score(picture, scale, protocol) for picture in pictures(test_set)]
    published_psnr, published_ssim = PUBLISHED[test_set, protocol, scale]
    assert mean([s.psnr for s in scores]) == pytest.approx(published_psnr, abs=0.00051)
    assert mean([s.ssim for s in scores]) == pytest.approx(published_ssim, abs=0.000051)
    assert {s.protocol for s in scores} == {protocol}


def test_trap_uncropped_borders_change_the_score() -> None:
    def uncropped(picture: np.ndarray) -> float:
        whole = crop_to_multiple(picture, 4)
        return score(whole, PROTOCOLS["network"].baseline(whole, 4), 0, "network").psnr

    assert mean([uncropped(picture) for picture in pictures("Set5")]) == pytest.approx(28.440, abs=0.001)


def test_trap_a_grey_picture_is_not_rgb() -> None:
    def treated(picture: np.ndarray) -> np.ndarray:
        return np.repeat(picture[:, :, None], 3, axis=2) if picture.ndim == 2 else picture

    right = [bicubic_score(picture, 2, "classic").psnr for picture in pictures("Set14")]
    wrong = [bicubic_score(treated(picture), 2, "classic").psnr for picture in pictures("Set14")]
    assert mean(wrong) - mean(right) == pytest.approx(0.094, abs=0.0015)


def test_trap_a_rounded_lr_costs_a_hundredth() -> None:
    def with_rounded_lr(picture: np.ndarray) -> float:
        plane = PROTOCOLS["classic"].luma(crop_to_multiple(picture, 2))
        height, width = plane.shape
        exact = resize(plane.astype(np.float64), width // 2, height // 2, "matlab_bicubic")
        lr = np.clip(np.floor(exact + 0.5), 0, 255)
        large = np.clip(np.floor(resize(lr, width, height, "matlab_bicubic") + 0.5), 0, 255)
        return psnr(plane[2:-2, 2:-2], large[2:-2, 2:-2])

    right = [bicubic_score(picture, 2, "classic").psnr for picture in pictures("Set5")]
    wrong = [with_rounded_lr(picture) for picture in pictures("Set5")]
    assert mean(wrong) - mean(right) == pytest.approx(-0.009, abs=0.001)


def test_ssim_is_scikit_images() -> None:
    metrics = pytest.importorskip("skimage.metrics", reason="scikit-image is the oracle here")
    random = np.random.default_rng(3)
    clean = random.integers(0, 256, (40, 50)).astype(np.float64)
    noisy = clean + random.normal(0, 20, clean.shape)
    options = {"data_range": 255, "gaussian_weights": True, "use_sample_covariance": False, "sigma": 1.5}
    theirs = metrics.structural_similarity(clean, noisy, full=True, **options)[1][5:-5, 5:-5].mean()
    assert ssim(clean, noisy) == pytest.approx(theirs, abs=1e-9)
    assert psnr(clean, noisy) == pytest.approx(metrics.peak_signal_noise_ratio(clean, noisy, data_range=255))


@given(st.integers(0, 10_000), st.floats(1, 60))
@settings(max_examples=30, deadline=None)
def test_more_noise_scores_lower_and_flips_change_nothing(seed: int, sigma: float) -> None:
    random = np.random.default_rng(seed)
    clean = random.integers(0, 256, (24, 20, 3)).astype(np.float64)
    noise = random.normal(0, sigma, clean.shape)
    little, much = clean + noise, clean + 2 * noise
    assert psnr(clean, much) < psnr(clean, little)
    assert -1 <= ssim(clean, much) < ssim(clean, little) < 1
    assert ssim(clean[::-1], little[::-1]) == pytest.approx(ssim(clean, little))


def test_equal_pictures_score_infinity_and_one() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    for protocol in PROTOCOLS:
        same = score(picture, picture, 2, protocol)
        assert same.psnr == float("inf")
        assert same.ssim == pytest.approx(1)


def test_luma_of_white_black_and_the_primaries() -> None:
    colours = np.array([[[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    np.testing.assert_allclose(rgb_to_y(colours)[0], [235, 16, 81.481, 144.553, 40.966])
    assert rgb_to_y(colours, rounded=True)[0].tolist() == [235, 16, 81, 145, 41]


def test_what_cannot_be_compared_is_refused() -> None:
    small, large = np.zeros((8, 8)), np.zeros((9, 8))
    with pytest.raises(ValueError, match="shape"):
        psnr(small, large)
    with pytest.raises(ValueError, match="11 x 11"):
        ssim(small, small)
    with pytest.raises(RecipeError):
        score(small, small, 2, "clasic")
