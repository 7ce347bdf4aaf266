from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundglass import testing
from groundglass.image.gradient_statistics import PATCH, gradient_sums, histogram

Luma = npt.NDArray[np.uint8]
SIZES = [(1, 1), (1, 9), (9, 1), (2, 2), (3, 5), (240, 240), (241, 481), (500, 239), (37, 1000)]


def kinds() -> dict[str, Luma]:
    checks = np.indices((250, 500)).sum(axis=0) % 2 * 255
    return {
        "noise": testing.noise(500, 250)[..., 0],
        "photo": testing.photo(500, 250)[..., 1],
        "checks": checks.astype(np.uint8),
        "white": np.full((250, 500), 255, np.uint8),
        "stripes": np.repeat(np.arange(250) % 2 * 255, 500).reshape(250, 500).astype(np.uint8),
    }


def check(luma: Luma) -> None:
    """Against OpenCV in double precision."""
    sums = gradient_sums(luma)
    gx, gy = cv2.Sobel(luma, cv2.CV_64F, 1, 0, ksize=3), cv2.Sobel(luma, cv2.CV_64F, 0, 1, ksize=3)
    grey = luma.astype(np.float64)
    energy = (np.diff(grey, axis=0) ** 2).sum() + (np.diff(grey, axis=1) ** 2).sum()
    magnitude = np.hypot(gx, gy)
    patches = [
        [magnitude[y : y + PATCH, x : x + PATCH].var() for x in range(0, luma.shape[1], PATCH)]
        for y in range(0, luma.shape[0], PATCH)
    ]
    assert sums.laplacian_variance == pytest.approx(
        cv2.Laplacian(luma, cv2.CV_64F, ksize=1).var(), rel=1e-9, abs=1e-9
    )
    assert sums.tenengrad == pytest.approx((gx**2 + gy**2).mean(), rel=1e-12)
    assert sums.gradient_energy == pytest.approx(energy / luma.size, rel=1e-12)
    assert sums.patch_variances == pytest.approx(np.array(patches), rel=1e-5, abs=0.02)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_gradients_of_every_size(size: tuple[int, int]):
    check(np.random.default_rng(1).integers(0, 256, size).astype(np.uint8))


@pytest.mark.parametrize("kind", kinds())
def test_gradients_of_every_kind(kind: str):
    check(kinds()[kind])


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 99))
def test_gradients_of_small_pictures(height: int, width: int, seed: int):
    check(np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8))


@pytest.mark.parametrize("size", [*SIZES, (0, 5)], ids=str)
def test_histogram(size: tuple[int, int]):
    luma = np.random.default_rng(2).integers(0, 256, size).astype(np.uint8)
    assert histogram(luma).tolist() == np.bincount(luma.ravel(), minlength=256).tolist()


def test_a_view_is_as_good_as_its_copy():
    luma = testing.photo(301, 203)[..., 0]
    view = luma[3:200, 5:290:2]
    assert histogram(view).tolist() == histogram(view.copy()).tolist()
    assert gradient_sums(view).tenengrad == gradient_sums(view.copy()).tenengrad
