from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundglass import testing
from groundglass.image.frame import Frame, open_frame
from groundglass.measures.complexity.complexity import complexity, compression_ratio, texture
from groundglass.measures.complexity.cooccurrence import LEVELS, cooccurrence

feature = pytest.importorskip("skimage.feature", reason="compares with scikit-image")


def framed(rgb: np.ndarray) -> Frame:
    return open_frame(testing.encoded(np.ascontiguousarray(rgb), "BMP"))


def scikit_image(luma: np.ndarray) -> np.ndarray:
    pairs = feature.graycomatrix(luma // 8, [1], [0, np.pi / 2], levels=LEVELS, symmetric=True)
    return pairs.astype(np.int64).sum(axis=(2, 3))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 50), st.integers(1, 50), st.integers(0, 99))
def test_pairs_are_those_of_scikit_image(height: int, width: int, seed: int):
    luma = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    assert (cooccurrence(luma) == scikit_image(luma)).all()


def test_properties_are_those_of_scikit_image():
    counts = cooccurrence(testing.photo(200, 150)[..., 1])
    p = (counts / counts.sum())[:, :, None, None]
    found = texture(counts)
    for name in ("contrast", "energy", "correlation"):
        assert found[f"glcm_{name}"] == pytest.approx(feature.graycoprops(p, name)[0, 0])
    assert found["glcm_entropy"] == pytest.approx(-np.sum(p[p > 0] * np.log2(p[p > 0])))


def test_rows_left_out_of_large_pictures_change_little():
    luma = testing.photo(1600, 1200)[..., 1]
    some, all_of_them = texture(cooccurrence(luma)), texture(scikit_image(luma))
    assert some == pytest.approx(all_of_them, rel=0.01)


def test_blur_lowers_and_noise_raises():
    rgb = testing.photo(400, 300)
    noisy = (rgb + np.random.default_rng(0).normal(0, 25, rgb.shape)).clip(0, 255).astype(np.uint8)
    soft, plain, rough = (complexity(framed(x)) for x in (cv2.GaussianBlur(rgb, (0, 0), 3), rgb, noisy))
    for name in ("glcm_contrast", "glcm_entropy", "compression_ratio"):
        assert soft[name] < plain[name] < rough[name], name
    for name in ("glcm_energy", "glcm_correlation"):
        assert soft[name] > plain[name] > rough[name], name


def test_where_there_is_no_value():
    assert complexity(framed(testing.flat(1, 1)))["glcm_energy"] is None
    flat = complexity(framed(testing.flat(20, 20)))
    assert (flat["glcm_contrast"], flat["glcm_correlation"]) == (0, None)


def test_compression_hardly_depends_on_size():
    luma = cv2.GaussianBlur(testing.photo(1536, 1024), (0, 0), 2)[..., 1]
    half = cv2.resize(luma, (768, 512), interpolation=cv2.INTER_AREA)
    assert compression_ratio(luma) == pytest.approx(compression_ratio(half), rel=0.05)
    assert compression_ratio(np.zeros((512, 512), np.uint8)) < 0.02
