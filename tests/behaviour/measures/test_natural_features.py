"""The features against another implementation: slow, in double precision, straight from the paper's equations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import convolve
from scipy.special import gamma

from groundglass import testing
from groundglass.errors import NoValue
from groundglass.measures.naturalness.features import FEATURES, MIRRORED, MOST, PATCH, patch_features

MIRROR = np.r_[MIRRORED, MIRRORED + FEATURES // 2]
SHAPES = np.arange(0.2, 10.0005, 0.001)
RATIOS = gamma(2 / SHAPES) ** 2 / (gamma(1 / SHAPES) * gamma(3 / SHAPES))


def gaussian() -> np.ndarray:
    """7×7, 7/6 px, as MATLAB's fspecial."""
    y, x = np.mgrid[-3:4, -3:4]
    window = np.exp(-(x**2 + y**2) / (2 * (7 / 6) ** 2))
    return window / window.sum()


def normalised(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eqs. 1 to 3."""
    mean = convolve(grey, gaussian(), mode="nearest")
    deviation = np.sqrt(np.abs(convolve(grey**2, gaussian(), mode="nearest") - mean**2))
    return (grey - mean) / (deviation + 1), deviation


def asymmetric(values: np.ndarray) -> tuple[float, float, float, float]:
    """γ, η, βl, βr by looking the ratio up, as the authors' code does."""
    left = np.sqrt((values[values < 0] ** 2).mean())
    right = np.sqrt((values[values > 0] ** 2).mean())
    skew = left / right
    ratio = np.abs(values).mean() ** 2 / (values**2).mean()
    ratio *= (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    shape = SHAPES[np.argmin((RATIOS - ratio) ** 2)]
    scale = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
    mean = (right - left) * scale * gamma(2 / shape) / gamma(1 / shape)
    return float(shape), float(mean), float(left * scale), float(right * scale)


def described(patch: np.ndarray) -> list[float]:
    """18 features of a normalised patch."""
    shape, _, left, right = asymmetric(patch)
    pairs = (
        patch[:, :-1] * patch[:, 1:],
        patch[:-1] * patch[1:],
        patch[:-1, :-1] * patch[1:, 1:],
        patch[:-1, 1:] * patch[1:, :-1],
    )
    return [shape, (left + right) / 2, *(number for pair in pairs for number in asymmetric(pair))]


def slow_features(luma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of a picture of whole patches."""
    rows, columns = luma.shape[0] // PATCH, luma.shape[1] // PATCH
    grey = luma.astype(float)
    half = np.rint(grey.reshape(grey.shape[0] // 2, 2, -1, 2).mean(axis=(1, 3)) + 1e-9)
    found: list[np.ndarray] = []
    for plane, side in ((grey, PATCH), (half, PATCH // 2)):
        coefficients, deviation = normalised(plane)
        cut = [
            np.s_[y * side : (y + 1) * side, x * side : (x + 1) * side]
            for y in range(rows)
            for x in range(columns)
        ]
        found += [
            np.array([described(coefficients[part]) for part in cut]),
            np.array([deviation[part].mean() for part in cut]),
        ]
    return np.hstack([found[0], found[2]]), found[1]


def grey_photo(width: int, height: int, seed: int = 0) -> np.ndarray:
    return np.ascontiguousarray(testing.photo(width, height, seed)[..., 1])


@pytest.mark.parametrize("seed", range(3))
def test_features_are_those_of_the_equations(seed: int):
    """But for weights in 256ths and single precision."""
    luma = grey_photo(3 * PATCH, 2 * PATCH, seed)
    expected, sharpness = slow_features(luma)
    found = patch_features(luma)
    assert found.sharpness == pytest.approx(sharpness, rel=0.005)
    shapes = [column % 18 in (0, 2, 6, 10, 14) for column in range(FEATURES)]
    assert found.features[:, shapes] == pytest.approx(expected[:, shapes], rel=0.02)
    others = np.logical_not(shapes)
    assert np.abs(found.features - expected)[:, others].max() < 0.005


def test_a_mirrored_picture_has_the_same_patches_with_its_diagonals_changed():
    luma = grey_photo(500, 310)
    found, mirrored = patch_features(luma), patch_features(np.ascontiguousarray(luma[:, ::-1]))
    rows, columns = 3, 5
    here = found.features.reshape(rows, columns, FEATURES)[:, ::-1, MIRROR]
    assert mirrored.features.reshape(rows, columns, FEATURES) == pytest.approx(here, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("level", [0, 1, 77, 255])
def test_what_is_flat_is_exactly_flat_and_left_out(level: int):
    luma = grey_photo(3 * PATCH, 2 * PATCH)
    whole = patch_features(luma)
    luma[:, : PATCH - 4] = level
    assert len(patch_features(luma).features) == 4
    luma[:, : 2 * PATCH - 4] = level
    rest = patch_features(luma)
    assert len(rest.features) == 2
    assert rest.features[:, :18] == pytest.approx(whole.features[[2, 5], :18]), (
        "the right ones are as they were"
    )
    assert len(patch_features(np.full((300, 300), level, np.uint8)).features) == 0


def test_brighter_and_darker_pictures_have_the_same_features():
    luma = grey_photo(3 * PATCH, 2 * PATCH)
    dim = (luma // 2).astype(np.uint8)
    assert patch_features(dim + 100).features == pytest.approx(patch_features(dim + 3).features, abs=1e-4)


def test_extremes_neither_overflow_nor_divide_by_nothing():
    checks = (np.indices((192, 192)).sum(axis=0) % 2 * 255).astype(np.uint8)
    bars = np.zeros((192, 192), np.uint8)
    bars[:, ::16] = 255
    for luma in (checks, bars, testing.noise(192, 192)[..., 0], testing.noise(192, 192)[..., 0] // 128 * 255):
        found = patch_features(np.ascontiguousarray(luma))
        assert np.isfinite(found.features).all()
        assert np.isfinite(found.sharpness).all()


def test_sharpness_of_known_texture():
    """White noise of 20: E σ² under the window is σ²(1 - Σw²)."""
    random = np.random.default_rng(0)
    luma = (128 + 20 * random.normal(size=(384, 384))).round().clip(0, 255).astype(np.uint8)
    expected = 20 * np.sqrt(1 - (gaussian() ** 2).sum())
    assert patch_features(luma).sharpness == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize(
    ("width", "height", "patches"), [(192, 192, 4), (193, 287, 4), (480, 96 * 3 + 95, 15), (3840, 192, 80)]
)
def test_as_many_patches_as_fit(width: int, height: int, patches: int):
    assert len(patch_features(grey_photo(width, height)).features) == patches


def test_of_large_pictures_not_all_patches_are_looked_at():
    luma = np.tile(grey_photo(480, 480), (5, 8))
    assert MOST / 2 < len(patch_features(luma).features) <= MOST


@pytest.mark.parametrize(("width", "height"), [(191, 500), (500, 191), (1, 1)])
def test_too_small(width: int, height: int):
    with pytest.raises(NoValue, match="192 are needed") as caught:
        patch_features(grey_photo(width, height))
    assert caught.value.reason == "too_small"
