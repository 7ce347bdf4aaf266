"""The degradations of pairs do what their formulas say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.stats import poisson

from degradation_tools import with_their_extras
from groundglass import testing
from groundglass.degradations.catalog import distort
from groundglass.degradations.compression import Avif, WebP
from groundglass.degradations.kernels import SHAPES, KernelBlur, Shape, Sinc, kernel, low_pass
from groundglass.degradations.noise import GaussianNoise
from groundglass.degradations.old_photo import Fading, Scratches
from groundglass.degradations.poisson import PoissonNoise
from groundglass.degradations.resize import ResizeTo
from groundglass.degradations.screens import (
    ChromaSubsampling,
    Dither,
    Halo,
    Moire,
    Palette,
    Pixelate,
    Screentone,
)
from groundglass.degradations.sensor_noise import CorrelatedNoise, FilmGrain, IsoNoise, SignalNoise
from groundglass.degradations.sharpen import MaskedSharpen
from groundglass.degradations.strengths import STRENGTHS
from groundglass.degradations.weather import Haze, LensBlur, LowLight, Rain, Snow, aperture
from groundglass.errors import RecipeError
from groundglass.measures.pairs.psnr_ssim import psnr
from groundglass.random_streams import stream

PHOTO = testing.photo(200, 168, 7)
GREY = testing.flat(256, 256, 128)


def made(settings: Any, rgb: np.ndarray = PHOTO, seed: int = 0) -> np.ndarray:
    return distort(rgb, settings, stream(seed, "test"))


def noise_of(settings: Any, rgb: np.ndarray = GREY) -> np.ndarray:
    return made(settings, rgb).astype(float) - rgb


def together(noise: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(noise.ravel(), other.ravel())[0, 1])


NO_ORDER = ("scale", "crop", "resize_to", "mirror")


@pytest.mark.parametrize("name", with_their_extras(name for name in STRENGTHS if name not in NO_ORDER))
def test_every_degradation_errs_more_from_low_to_high(name: str):
    errors = [-psnr(PHOTO, made(settings)) for settings in STRENGTHS[name]]
    assert errors == sorted(errors)
    assert len(set(errors)) == 3


@pytest.mark.parametrize("shape", SHAPES)
def test_kernels_sum_to_one_are_symmetric_and_turn_with_their_angle(shape: Shape):
    flat = kernel(4, 1, 0, shape, 1.3, 21)
    assert flat.sum() == pytest.approx(1)
    assert np.allclose(flat, flat[::-1, ::-1])
    assert np.allclose(kernel(4, 1, 90, shape, 1.3, 21), flat.T)
    assert flat[10].sum() > 2 * flat[:, 10].sum()


def test_shapes_are_those_of_the_paper():
    assert np.allclose(kernel(2, 3, 30, "generalised", 1, 15), kernel(2, 3, 30, "gaussian", 1, 15))
    plateau = kernel(3, 3, 0, "plateau", 8, 21)[10]
    assert plateau[10] == pytest.approx(plateau[12], rel=0.01)
    assert plateau[10] > 50 * plateau[16]
    line = cv2.getGaussianKernel(9, 1.7)
    assert np.allclose(kernel(1.7, 1.7, 0, "gaussian", 1, 9), line @ line.T)


def test_the_fast_way_for_round_kernels_gives_the_same_pixels_to_a_level():
    fast = made(KernelBlur(1.7, side=9)).astype(int)
    slow = cv2.filter2D(
        PHOTO, -1, kernel(1.7, 1.7, 0, "gaussian", 1, 9), borderType=cv2.BORDER_REFLECT_101
    ).astype(int)
    assert np.abs(fast - slow).max() <= 1


def test_the_sinc_passes_low_frequencies_and_stops_high_ones():
    response = np.abs(np.fft.rfft2(low_pass(1.2, 41)))
    assert low_pass(1.2, 41).sum() == pytest.approx(1)
    assert response[0, int(0.7 / (2 * np.pi) * 41)] == pytest.approx(1, abs=0.15)
    assert response[0, int(1.9 / (2 * np.pi) * 41)] < 0.1
    step = np.zeros((32, 64, 3), np.uint8) + 60
    step[:, 32:] = 180
    ringing = made(Sinc(1.2), step)
    assert ringing.max() > 185
    assert ringing.min() < 55


def test_a_resize_is_that_of_the_trainers():
    import torch

    tensor = torch.from_numpy(PHOTO).permute(2, 0, 1)[None].float()
    for mode in ("bilinear", "bicubic"):
        theirs = torch.nn.functional.interpolate(tensor, size=(61, 77), mode=mode)[0].permute(1, 2, 0).numpy()
        ours = made(ResizeTo(77, 61, mode)).astype(float)
        assert np.abs(ours - theirs.clip(0, 255)).max() <= 1.01
    means = torch.nn.functional.interpolate(tensor, size=(42, 50), mode="area")[0].permute(1, 2, 0).numpy()
    assert np.abs(made(ResizeTo(50, 42)).astype(float) - means).max() <= 0.51
    assert made(ResizeTo(width=50)).shape == (168, 50, 3)


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("level", [7, 18, 21, 60, 200])
def test_poisson_noise_has_the_mean_and_variance_of_photons(grey: bool, level: int):
    noise = noise_of(PoissonNoise(0.9, 256, grey), np.full((256, 256, 3), level, np.uint8))
    photons = np.arange(600)
    share = poisson.pmf(photons, level * 256 / 255)
    values = np.clip(np.rint(level + 0.9 * (photons * 255 / 256 - level)), 0, 255) - level
    mean = (share * values).sum()
    assert noise.mean() == pytest.approx(mean, abs=0.15)
    assert noise.var() == pytest.approx((share * values**2).sum() - mean**2, rel=0.05)
    assert together(noise[..., 0], noise[..., 2]) == pytest.approx(float(grey), abs=0.02)


def test_poisson_noise_is_skewed_like_photons():
    noise = noise_of(PoissonNoise(1, 64), testing.flat(512, 512, 110))
    photons = 110 * 64 / 255
    assert ((noise / noise.std()) ** 3).mean() == pytest.approx(photons**-0.5, abs=0.03)


@pytest.mark.parametrize("grey", [False, True])
def test_gaussian_noise_of_all_channels_has_its_deviation(grey: bool):
    noise = noise_of(GaussianNoise(9, grey))
    assert noise.std(axis=(0, 1)) == pytest.approx([9, 9, 9], rel=0.02)
    assert together(noise[..., 0], noise[..., 1]) == pytest.approx(float(grey), abs=0.02)
    assert abs(together(noise[:, 1:], noise[:, :-1])) < 0.02


def test_correlated_noise_has_its_deviation_length_and_common_part():
    noise = noise_of(CorrelatedNoise(10, 1.5, 0.4))
    assert noise.std() == pytest.approx(10, rel=0.05)
    # Two places x apart share a Gaussian's autocorrelation: exp(-x² / 4 s²).
    assert together(noise[:, 2:], noise[:, :-2]) == pytest.approx(np.exp(-4 / (4 * 1.5**2)), abs=0.04)
    assert together(noise[..., 0], noise[..., 2]) == pytest.approx(0.4, abs=0.05)


def test_signal_noise_grows_with_the_signal():
    variance = [noise_of(SignalNoise(0.5, 3), testing.flat(256, 256, v)).var() for v in (40, 120, 200)]
    assert variance == pytest.approx([9 + 0.5 * v for v in (40, 120, 200)], rel=0.05)


def test_film_grain_is_strongest_in_the_mid_tones_and_mostly_grey():
    spread = [noise_of(FilmGrain(10), testing.flat(256, 256, v)).std() for v in (128, 230, 0)]
    assert spread[0] == pytest.approx(10, rel=0.05)
    assert spread[0] > 1.4 * spread[1] > spread[2]
    noise = noise_of(FilmGrain(10, colour=0.2))
    assert together(noise[..., 0], noise[..., 1]) == pytest.approx(0.8, abs=0.04)


def test_a_higher_iso_has_more_noise_with_blotches_of_colour():
    spread = [noise_of(IsoNoise(iso)).std() for iso in (100, 1600, 25_600)]
    assert spread[0] < 1.5
    assert spread == sorted(spread)
    blotchy, plain = (noise_of(IsoNoise(25_600, blotches=b)) for b in (1, 0))
    assert together(blotchy[:, 2:], blotchy[:, :-2]) > 0.2 > abs(together(plain[:, 2:], plain[:, :-2])) + 0.15


def test_files_of_the_web_lose_more_at_a_lower_quality():
    for codec in (WebP, Avif):
        errors = [psnr(PHOTO, made(codec(quality))) for quality in (95, 60, 10)]
        assert errors == sorted(errors, reverse=True)


def test_two_files_in_a_row_are_a_chain():
    assert np.array_equal(made((WebP(40), Avif(40))), made(Avif(40), made(WebP(40))))


def test_halos_follow_strong_edges_and_spare_weak_ones():
    step = np.full((40, 64, 3), 100, np.uint8)
    step[:, 32:] = 160
    rim = made(Halo(1.5), step)
    assert rim[20, 32, 0] > 180
    assert rim[20, 31, 0] < 80
    step[:, 32:] = 104
    assert np.array_equal(made(Halo(1.5), step), step)


def test_masked_sharpening_leaves_flat_areas_alone():
    step = np.full((128, 256, 3), 90, np.uint8)
    step[:, 128:] = 170
    sharp = made(MaskedSharpen(1), step)
    assert np.array_equal(sharp[:, :40], step[:, :40])
    assert sharp[64, 130, 0] > 175


def test_thin_colours_keep_the_luma():
    thin = made(ChromaSubsampling(8, 8))
    before, after = (cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb).astype(int) for rgb in (PHOTO, thin))
    inside = (thin > 0).all(axis=2) & (thin < 255).all(axis=2)
    assert np.abs(before - after)[inside][:, 0].max() <= 2
    assert not np.array_equal(PHOTO, thin)


@pytest.mark.parametrize("dither", [False, True])
def test_a_palette_has_no_more_colours_than_it_says(dither: bool):
    reduced = made(Palette(16, dither))
    assert len(np.unique(reduced.reshape(-1, 3), axis=0)) <= 16


@pytest.mark.parametrize("order", [1, 2, 3])
def test_dithering_keeps_the_mean_that_levels_lose(order: int):
    dithered = made(Dither(2, order), testing.flat(64, 64, 100))
    assert set(np.unique(dithered)) == {0, 255}
    assert dithered.mean() == pytest.approx(100, abs=255 / 4**order)


def test_screentone_keeps_the_tone():
    for tone in (60, 128, 200):
        printed = made(Screentone(1, 8), testing.flat(160, 160, tone))
        assert printed.mean() == pytest.approx(tone, abs=12)
        assert printed.std() > 60


def test_moire_has_coloured_bands_wider_than_the_grid():
    bands = made(Moire(0.8, 1.04, 0, 0), testing.flat(200, 60, 200)).astype(float)
    spectrum = np.abs(np.fft.rfft(bands[30, :, 0] - bands[30, :, 0].mean()))
    assert int(spectrum.argmax()) == 8  # 200 px times .04 stripes
    assert abs(together(bands[..., 0], bands[..., 1])) < 0.9


def test_a_mosaic_has_blocks_of_one_colour_each_with_their_mean():
    mosaic = made(Pixelate(8), PHOTO[:163, :197])
    assert mosaic.shape == (163, 197, 3)
    block = mosaic[8:16, 16:24]
    assert (block == block[0, 0]).all()
    assert np.abs(block[0, 0] - PHOTO[8:16, 16:24].mean(axis=(0, 1))).max() <= 0.51


def test_haze_moves_everything_towards_the_airlight():
    hazy = made(Haze(5, airlight=0.8, near=1))
    assert hazy.std() < 3
    assert hazy.mean() == pytest.approx(255 * (1.055 * 0.8 ** (1 / 2.4) - 0.055), abs=4)
    assert made(Haze(1))[:20].std() < made(Haze(1))[-20:].std()


def test_weather_adds_light_and_low_light_takes_it():
    for settings in (Rain(0.01), Snow(0.01)):
        wet = made(settings)
        assert (wet.astype(int) >= PHOTO.astype(int) - 1).all()
        assert wet.mean() > PHOTO.mean()
    assert made(LowLight(3)).mean() < 0.5 * PHOTO.mean()
    assert made(LowLight(3, 0.2, 1)).mean() == pytest.approx(PHOTO.mean(), rel=0.1)


def test_lens_blur_makes_a_light_a_polygon_that_stays_bright():
    night = np.full((61, 61, 3), 5, np.uint8)
    night[28:33, 28:33] = 255
    plain, bright = (made(LensBlur(8, 6, h), night) for h in (1, 12))
    assert bright.max() > plain.max() + 60
    assert aperture(8, 12, 0).sum() == pytest.approx(1)
    assert np.allclose(aperture(8, 4, 0.3), aperture(8, 4, 0.3 + np.pi / 2))


def test_scratches_and_fading_age_a_print():
    scratched = made(Scratches(4, 2))
    share = (scratched != PHOTO).any(axis=2).mean()
    assert 0.005 < share < 0.3
    faded = made(Fading(0.8, 0.8))
    assert faded.std() < 0.8 * PHOTO.std()
    assert faded[..., 0].mean() - faded[..., 2].mean() > PHOTO[..., 0].mean() - PHOTO[..., 2].mean() + 20


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (lambda: KernelBlur(1, shape="box"), "gaussian, generalised, plateau"),  # type: ignore[arg-type]
        (lambda: KernelBlur(1, 0), "sigma_y is 0"),
        (lambda: Sinc(1, 20), "must be odd"),
        (lambda: ResizeTo(3, 3, "cubic"), "bicubic"),  # type: ignore[arg-type]
    ],
)
def test_words_and_sides_that_do_not_exist_are_refused(settings: Callable[[], Any], said: str):
    with pytest.raises(RecipeError) as error:
        settings()
    assert said in error.value.message


def test_a_file_that_webp_cannot_hold_is_an_error_of_the_image():
    from groundglass.errors import ImageError

    with pytest.raises(ImageError, match="WEBP"):
        made(WebP(50), np.zeros((1, 17_000, 3), np.uint8))


def test_many_threads_draw_the_same_noise_as_one():
    """OpenCV's generator belongs to a thread; it is seeded for every image."""
    from concurrent.futures import ThreadPoolExecutor

    def one(seed: int) -> np.ndarray:
        return made(GaussianNoise(9), GREY, seed)

    alone: Sequence[np.ndarray] = [one(seed) for seed in range(12)]
    with ThreadPoolExecutor(4) as pool:
        assert all(np.array_equal(a, b) for a, b in zip(alone, pool.map(one, range(12)), strict=True))
