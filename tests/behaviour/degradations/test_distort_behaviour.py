"""Each distortion moves what it is known to move, the more the stronger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from groundglass import testing
from groundglass.degradations.banding import Banding
from groundglass.degradations.blur import Defocus, GaussianBlur, MotionBlur, disc, line
from groundglass.degradations.catalog import distort
from groundglass.degradations.clipping import Clipping
from groundglass.degradations.jpeg import Jpeg, jpeg_file
from groundglass.degradations.letterbox import Letterbox
from groundglass.degradations.mirror import Mirror
from groundglass.degradations.noise import GaussianNoise, ShotNoise
from groundglass.degradations.overlay import LogoOverlay, TextOverlay
from groundglass.degradations.resize import FalseResolution, Scale
from groundglass.degradations.sharpen import Sharpen
from groundglass.image.frame import open_frame
from groundglass.measures.blockiness.blockiness import blockiness
from groundglass.measures.pairs.psnr_ssim import psnr
from groundglass.measures.perceptual_hash import fingerprint
from groundglass.measures.sharpness import sharpness
from groundglass.random_streams import stream

PHOTO = testing.photo(200, 168, 7)


def made(settings: Any, rgb: np.ndarray = PHOTO, seed: int = 0) -> np.ndarray:
    return distort(rgb, settings, stream(seed, "test"))


def laplacian(rgb: np.ndarray) -> float:
    return sharpness(open_frame(testing.png(rgb)))["laplacian_variance"]  # type: ignore[return-value]


def blocky(rgb: np.ndarray) -> float:
    return blockiness(open_frame(testing.png(rgb)))["blockiness"]  # type: ignore[return-value]


def error(rgb: np.ndarray) -> float:
    return -psnr(PHOTO, rgb)


ORDERED: dict[str, tuple[Callable[[np.ndarray], float], Sequence[Any], int]] = {
    "gaussian blur softens": (laplacian, [GaussianBlur(s) for s in (0, 0.7, 1.5, 3, 6)], -1),
    "motion blur softens": (laplacian, [MotionBlur(n, 30) for n in (1, 3, 9, 25)], -1),
    "defocus softens": (laplacian, [Defocus(r) for r in (0, 1, 2, 5)], -1),
    "false resolution softens": (laplacian, [FalseResolution(f) for f in (1, 1.5, 2, 3, 4)], -1),
    "noise roughens": (laplacian, [GaussianNoise(s) for s in (0, 3, 10, 30)], 1),
    "shot noise roughens": (laplacian, [ShotNoise(g) for g in (0, 0.3, 1, 4)], 1),
    "sharpening roughens": (laplacian, [Sharpen(a) for a in (0, 0.5, 1.5, 4)], 1),
    "jpeg makes blocks": (blocky, [Jpeg(q) for q in (None, 95, 70, 50, 30)], 1),
    "fewer levels err more": (error, [Banding(n) for n in (64, 32, 16, 8, 4)], 1),
    "more clipping errs more": (error, [Clipping(highlights=s) for s in (0.01, 0.05, 0.2, 0.5)], 1),
    "larger bars err more": (error, [Letterbox(rows=s) for s in (0.05, 0.1, 0.2)], 1),
    "larger letters err more": (error, [TextOverlay(s, "A") for s in (0.03, 0.1, 0.4)], 1),
    "a denser logo errs more": (error, [LogoOverlay(0.3, opacity=o) for o in (0.2, 0.5, 1)], 1),
}


@pytest.mark.parametrize("what", ORDERED)
def test_stronger_settings_move_the_measure_further(what: str):
    measure, chain, sign = ORDERED[what]
    values = [sign * measure(made(settings)) for settings in chain]
    assert values == sorted(values)
    assert values[0] < values[-1]


def test_a_shifted_grid_hides_the_blocks_though_the_damage_is_as_great():
    on_grid, beside = made(Jpeg(30)), made(Jpeg(30, shift_x=2, shift_y=2))
    assert blocky(on_grid) > 60 > 5 > blocky(beside)
    assert abs(psnr(PHOTO, on_grid) - psnr(PHOTO, beside)) < 1
    frame = open_frame(testing.png(beside))
    found = blockiness(frame, search_phases=True)
    assert (found["phase_x"], found["phase_y"]) == (6, 6)
    assert found["blockiness"] > 60


def test_the_jpeg_file_holds_the_pixels_that_the_distortion_gives():
    for quality in (30, 90):
        frame = open_frame(jpeg_file(PHOTO, quality))
        assert frame.header.format == "JPEG"
        assert np.array_equal(frame.rgb, made(Jpeg(quality)))


@pytest.mark.parametrize("grain", [0.0, 1.5])
def test_noise_has_the_deviation_that_was_asked_for(grain: float):
    grey = testing.flat(256, 256, 128)
    noise = made(GaussianNoise(8, grain=grain), grey).astype(float) - 128
    assert noise.std() == pytest.approx(8, rel=0.03)
    assert noise.mean() == pytest.approx(0, abs=0.5)


def test_grain_is_correlated_and_grey_noise_equal_in_all_channels():
    grey = testing.flat(256, 256, 128)
    noise = made(GaussianNoise(8, grey=True, grain=1.5), grey).astype(float) - 128
    assert np.array_equal(noise[..., 0], noise[..., 2])
    assert np.corrcoef(noise[:, 1:, 0].ravel(), noise[:, :-1, 0].ravel())[0, 1] > 0.7
    white = made(GaussianNoise(8), grey).astype(float) - 128
    assert abs(np.corrcoef(white[:, 1:, 0].ravel(), white[:, :-1, 0].ravel())[0, 1]) < 0.05
    assert abs(np.corrcoef(white[..., 0].ravel(), white[..., 1].ravel())[0, 1]) < 0.05


def test_shot_noise_grows_with_the_light():
    spread = [made(ShotNoise(2), testing.flat(256, 256, v)).astype(float).var() for v in (20, 60, 120)]
    assert spread == pytest.approx([40, 120, 240], rel=0.1)


def test_blurs_keep_flat_areas_and_the_mean():
    grey = testing.flat(40, 30, 77)
    for settings in (GaussianBlur(3), MotionBlur(9, 33), Defocus(4), FalseResolution(3), Sharpen(4)):
        assert np.array_equal(made(settings, grey), grey)
    assert made(GaussianBlur(2)).mean() == pytest.approx(PHOTO.mean(), abs=1)


def test_the_gaussian_spreads_a_line_by_its_sigma():
    point = np.zeros((61, 61, 3), np.uint8)
    point[:, 30] = 255
    row = made(GaussianBlur(2), point)[..., 0].astype(float).sum(axis=0)
    place = np.arange(61) - 30
    assert np.sqrt((row * place**2).sum() / row.sum()) == pytest.approx(2, abs=0.1)


def test_motion_blurs_along_its_angle_only():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[::2] = 255
    assert np.array_equal(made(MotionBlur(9, 0), stripes), stripes)
    assert made(MotionBlur(9, 90), stripes)[16:48].std() < 20


@pytest.mark.parametrize("angle", [0, 30, 90, 137.5])
@pytest.mark.parametrize("length", [1, 2, 7.5, 31])
def test_weights_sum_to_one_about_their_middle(length: float, angle: float):
    weights = line(length, angle)
    rows, columns = np.mgrid[: weights.shape[0], : weights.shape[1]] - weights.shape[0] // 2
    assert weights.sum() == pytest.approx(1)
    assert weights.min() >= -1e-12
    assert (weights * rows).sum() == pytest.approx(0, abs=1e-6)
    assert (weights * columns).sum() == pytest.approx(0, abs=1e-6)
    assert disc(length).sum() == pytest.approx(1)


@pytest.mark.parametrize("levels", [2, 8, 200, 256])
def test_banding_leaves_no_more_levels_than_it_says(levels: int):
    ramp = testing.gradient(256, 16)
    assert len(np.unique(made(Banding(levels), ramp)[..., 0])) <= levels
    assert (
        made(Banding(levels), np.stack([np.full((4, 4), v, np.uint8) for v in (0, 0, 255)], 2)).max() == 255
    )


def test_clipping_loses_at_least_the_share_it_says():
    clipped = made(Clipping(highlights=0.2, shadows=0.1))
    assert 0.2 <= (clipped == 255).mean() < 0.25
    assert 0.1 <= (clipped == 0).mean() < 0.15
    assert (PHOTO == 255).mean() < 0.01


def test_bars_are_where_they_should_be_and_nothing_else_changes():
    boxed = made(Letterbox(rows=0.125, columns=0.1, grey=7))
    assert (boxed[:21] == 7).all()
    assert (boxed[-21:] == 7).all()
    assert (boxed[:, :20] == 7).all()
    assert np.array_equal(boxed[21:-21, 20:-20], PHOTO[21:-21, 20:-20])


@pytest.mark.parametrize("settings", [TextOverlay(0.1), LogoOverlay(0.2)], ids=["text", "logo"])
def test_overlays_draw_light_and_dark_and_leave_the_rest(settings: Any):
    marked = made(settings)
    changed = (marked != PHOTO).any(axis=2)
    assert 0.005 < changed.mean() < 0.4
    assert marked[changed].min() == 0
    assert marked[changed].max() == 255


def test_overlays_are_drawn_also_where_they_hardly_fit():
    for width, height in ((3, 3), (20, 4), (4, 20)):
        small = testing.photo(width, height)
        assert made(TextOverlay(0.5, "a long caption"), small).shape == small.shape
        assert made(LogoOverlay(1.0), small).shape == small.shape


def test_mirroring_twice_gives_the_picture_and_its_hash_is_the_mirror_hash():
    mirrored = made(Mirror(across=True))
    assert np.array_equal(made(Mirror(across=True), mirrored), PHOTO)
    here, there = (fingerprint(open_frame(testing.png(rgb))) for rgb in (PHOTO, mirrored))
    assert here["phash"] == there["phash_mirror"]


def test_scale_gives_the_rounded_size_and_stays_a_near_duplicate():
    small = made(Scale(0.7))
    assert small.shape == (118, 140, 3)
    here, there = (fingerprint(open_frame(testing.png(rgb))) for rgb in (PHOTO, small))
    assert int(here["phash"] ^ there["phash"]).bit_count() <= 6
