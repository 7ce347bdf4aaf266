"""MS-SSIM, GMSD and the alignment, against the papers' formulas restated, and what must be true of each measure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, shift
from scipy.signal import convolve2d

from groundglass import testing
from groundglass.measures.pairs.align import align, band, luma, warped
from groundglass.measures.pairs.colour_fit import colour_cast, colour_map, mapped
from groundglass.measures.pairs.detail import already_clean, texture_gain
from groundglass.measures.pairs.gradient_similarity import gmsd, ms_gmsd_c
from groundglass.measures.pairs.local_shifts import dense_residual, local_shifts
from groundglass.measures.pairs.multiscale_ssim import ms_ssim

RANDOM = np.random.default_rng(3)


def scene(width: int = 256, height: int = 192) -> Any:
    return testing.photo(width, height)


def noisy(image: Any, sigma: float) -> Any:
    return np.clip(image + RANDOM.normal(0, sigma, image.shape), 0, 255)


def gmsd_of_the_paper(x: Any, y: Any) -> float:
    """Xue's GMSD.m, line by line."""
    dx = np.array([[1, 0, -1]] * 3) / 3
    x, y = (convolve2d(plane, np.ones((2, 2)) / 4, "full")[1:, 1:][::2, ::2] for plane in (x, y))
    gx, gy = (
        np.sqrt(convolve2d(plane, dx, "same") ** 2 + convolve2d(plane, dx.T, "same") ** 2) for plane in (x, y)
    )
    return float(((2 * gx * gy + 170) / (gx**2 + gy**2 + 170)).std(ddof=1))


def ms_ssim_of_the_paper(x: Any, y: Any) -> float:
    """Wang's msssim.m: a window by full two-dimensional convolution, product of mean terms."""
    taps = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(taps, taps) / taps.sum() ** 2

    def mean(plane: Any) -> Any:
        return convolve2d(plane, window, "valid")

    product = 1.0
    for scale, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        mx, my = mean(x), mean(y)
        cs = (2 * (mean(x * y) - mx * my) + 58.5225) / (mean(x * x) - mx**2 + mean(y * y) - my**2 + 58.5225)
        term = cs * (2 * mx * my + 6.5025) / (mx**2 + my**2 + 6.5025) if scale == 4 else cs
        product *= float(term.mean()) ** weight
        x, y = (p.reshape(p.shape[0] // 2, 2, p.shape[1] // 2, 2).mean((1, 3)) for p in (x, y))
    return product


@pytest.mark.parametrize("sigma", [2, 20])
def test_gmsd_and_ms_ssim_are_those_of_the_papers(sigma: float):
    x = luma(scene()).astype(np.float64)
    y = noisy(x, sigma)
    assert gmsd(x, y) == pytest.approx(gmsd_of_the_paper(x, y), rel=1e-9)
    assert ms_ssim(x, y) == pytest.approx(ms_ssim_of_the_paper(x, y), rel=1e-9)


def test_more_noise_is_less_alike():
    x = scene().astype(np.float64)
    for measure, of in ((gmsd, luma), (ms_gmsd_c, np.asarray), (lambda a, b: -ms_ssim(a, b), luma)):
        values = [measure(of(x), of(noisy(x, sigma))) for sigma in (1, 5, 25)]
        assert values == sorted(values)


def test_colour_gmsd_sees_a_tint_that_luma_does_not_have():
    x = scene().astype(np.float64)
    tint = x + np.array([20, -20 * 0.299 / 0.587, 0])
    assert gmsd(luma(x), luma(tint)) < 1e-4
    assert ms_gmsd_c(x, tint) > 0.01


def test_sizes_that_cannot_be_compared_are_refused():
    with pytest.raises(ValueError, match="176"):
        ms_ssim(np.zeros((175, 400)), np.zeros((175, 400)))
    with pytest.raises(ValueError, match="shape"):
        gmsd(np.zeros((64, 64)), np.zeros((64, 65)))
    with pytest.raises(ValueError, match="64"):
        ms_gmsd_c(np.zeros((63, 64, 3)), np.zeros((63, 64, 3)))


def textured() -> Any:
    """A plane with detail of all sizes."""
    random = np.random.default_rng(0)
    return sum(gaussian_filter(random.normal(0, 30 * s, (256, 256)), s) for s in (1, 2, 4, 8)) * 3 + 128


@pytest.mark.parametrize("moved", [(0.4, -1.3), (-6.2, 11.7)])
def test_a_known_shift_is_found_to_a_tenth_of_a_px(moved: tuple[float, float]):
    x = textured()
    found = align(x, shift(x, moved[::-1], order=3, mode="reflect"))
    assert found is not None
    assert (found.shift_x, found.shift_y) == pytest.approx(moved, abs=0.1)


def test_aligned_images_have_no_local_shift_and_a_bent_one_has():
    x = textured().astype(np.float32)
    whole = band(x, 4)
    still = dense_residual(local_shifts(whole, band(warped(x, np.eye(2, 3)), 4), 4))
    one_half = np.where(np.arange(256)[:, None] < 128, x, np.roll(x, 3, axis=1)).astype(np.float32)
    bent = dense_residual(local_shifts(whole, band(one_half, 4), 4))
    assert still is not None
    assert bent is not None
    assert still < 0.05
    assert bent > 2


def test_flat_images_have_no_alignment_and_no_local_shift():
    flat = np.full((128, 128), 90.0, np.float32)
    assert align(flat, flat) is None
    assert dense_residual(local_shifts(flat, flat, 4)) is None


def test_a_colour_map_takes_a_cast_away_though_a_tenth_of_the_image_is_false():
    lq = scene().astype(np.float32)
    tinted = lq * np.array([1.1, 1, 0.85], np.float32) + 4
    tinted[:20] = 255
    fit = mapped(tinted, colour_map(tinted.reshape(-1, 3), lq.reshape(-1, 3)))
    assert colour_cast(lq, tinted).delta_e > 3
    assert np.abs(fit[30:] - lq[30:]).max() < 2


def test_clean_and_texture_fall_with_blur_and_noise():
    x = textured().astype(np.float32)
    clean = [already_clean(gaussian_filter(x, sigma), x) for sigma in (0, 0.7, 1.5)]
    noise = [
        already_clean((x + RANDOM.normal(0, sigma, x.shape)).astype(np.float32), x) for sigma in (0, 5, 40)
    ]
    assert clean == sorted(clean, reverse=True)
    assert noise == sorted(noise, reverse=True)
    small = x[::4, ::4]
    assert texture_gain(small, gaussian_filter(x, 3)) < texture_gain(small, x)
