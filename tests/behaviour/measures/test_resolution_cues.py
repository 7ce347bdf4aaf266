"""Each cue sees what it is for, and the tables of trees add up."""

from __future__ import annotations

import json

import numpy as np
import pytest

from groundglass import testing
from groundglass.degradations.jpeg import Jpeg, jpeg
from groundglass.degradations.noise import GaussianNoise, gaussian_noise
from groundglass.degradations.resize import FalseResolution, false_resolution
from groundglass.image.color_management import luma
from groundglass.measures.resolution.boosted import Trees
from groundglass.measures.resolution.edges import steepness
from groundglass.measures.resolution.features import cues_of
from groundglass.measures.resolution.judge import frozen, interval, simple
from groundglass.measures.resolution.patches import MOST, SIDE, textured_patches
from groundglass.measures.resolution.spectrum import band_spectrum
from groundglass.measures.resolution.witness import peak_at, periodograms, resampling_factor

RANDOM = np.random.default_rng(0)


def grey(rgb: np.ndarray) -> np.ndarray:
    return luma(np.ascontiguousarray(rgb))


def enlarged(rgb: np.ndarray, factor: float) -> np.ndarray:
    return false_resolution(rgb, FalseResolution(factor), RANDOM)


PHOTO = testing.photo(480, 360, 5)


def test_patches_cover_a_picture_or_are_its_most_textured():
    assert [patch.shape for patch in textured_patches(np.zeros((300, 200), np.uint8))] == [(256, 200)] * 2
    large = np.zeros((2048, 2048), np.uint8)
    large[:512, :512] = RANDOM.integers(0, 255, (512, 512))
    chosen = textured_patches(large)
    assert len(chosen) == MOST
    assert sum(bool(patch.any()) for patch in chosen) >= 4
    assert all(patch.shape == (SIDE, SIDE) for patch in chosen)


def test_the_spectrum_above_the_noise_is_the_same_with_and_without_grain():
    noisy = gaussian_noise(PHOTO, GaussianNoise(4, grey=True), RANDOM)
    clean, grainy = (band_spectrum(textured_patches(grey(rgb))) for rgb in (PHOTO, noisy))
    assert np.log10(grainy.signal[:8] / clean.signal[:8]) == pytest.approx(0, abs=0.15)
    assert grainy.flat[8:] == pytest.approx(clean.flat[8:] + 16, rel=0.3)


def test_an_enlarged_picture_has_nothing_above_its_cut():
    whole, half = (band_spectrum(textured_patches(grey(rgb))) for rgb in (PHOTO, enlarged(PHOTO, 2)))
    assert (half.signal[10:] < 0.2 * whole.signal[10:]).all()
    with pytest.raises(ValueError, match="flat"):
        band_spectrum([np.full((256, 256), 7, np.uint8)])


@pytest.mark.parametrize("factor", [1.5, 2, 3, 4])
def test_the_period_of_an_enlargement_is_witnessed(factor: float):
    periods = periodograms(textured_patches(grey(enlarged(PHOTO, factor))))
    assert resampling_factor(periods, factor * 1.1) == pytest.approx(factor, rel=0.01)


@pytest.mark.parametrize("guess", [1.4, 2.0, 2.7, 4.0])
def test_the_blocks_of_a_jpeg_are_no_period(guess: float):
    for shift in (0, 3):
        file = jpeg(PHOTO, Jpeg(60, shift_x=shift, shift_y=shift), RANDOM)
        periods = periodograms(textured_patches(grey(file)))
        assert peak_at(periods[0], 1 / 8) > 8
        assert resampling_factor(periods, guess) is None


def test_edges_of_an_enlarged_picture_are_less_steep():
    values = [
        steepness(textured_patches(grey(rgb))) for rgb in (PHOTO, enlarged(PHOTO, 2), enlarged(PHOTO, 4))
    ]
    assert (values[0] > values[1]).all()
    assert (values[1] > values[2]).all()
    assert steepness([np.full((99, 99), 3, np.uint8)]).tolist() == [0, 0, 0]


def test_the_frozen_table_asks_for_cues_that_there_are():
    numbers = frozen()
    row = cues_of(grey(PHOTO)).row
    for trees in (numbers.upscaled, numbers.factor):
        assert set(trees.names) == set(row)
        again = Trees.from_plain(json.loads(json.dumps(trees.to_plain())))
        values = np.array([[row[name] for name in trees.names]])
        assert again.sums(values) == pytest.approx(trees.sums(values))
    assert (np.diff(numbers.chance[0]) > 0).all()
    assert (np.diff(numbers.chance[1]) > 0).all()
    assert 0 < numbers.upscaled_at < 1


def test_intervals_hold_their_scale_and_are_scales():
    for octaves in np.linspace(0, 2.3, 20):
        low, high = interval(float(octaves), frozen())
        assert 0 < low <= 2**-octaves <= high + 1e-9 <= 1 + 1e-9
    assert [simple(value) for value in (1.497, 2.0078, 2.8)] == [1.5, 2.0, 2.8]
