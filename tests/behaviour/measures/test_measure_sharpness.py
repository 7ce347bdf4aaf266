from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from groundglass import testing
from groundglass.image.frame import Frame, open_frame
from groundglass.measures.complexity.complexity import complexity, entropy
from groundglass.measures.sharpness import sharpness
from shared_data import shared


def framed(rgb: np.ndarray) -> Frame:
    return open_frame(testing.encoded(np.ascontiguousarray(rgb), "BMP"))


def test_blur_lowers_sharpness():
    rgb = testing.photo(480, 480)
    blurred = [rgb, *(cv2.GaussianBlur(rgb, (0, 0), sigma) for sigma in (0.6, 1.2, 2.5, 5))]
    values = [sharpness(framed(picture)) for picture in blurred]
    for name in ("laplacian_variance", "tenengrad"):
        series = [value[name] for value in values]
        assert series == sorted(series, reverse=True), name
    shares = [value["flat_share"] for value in values]
    assert shares == sorted(shares)


def test_blur_lowers_complexity():
    rgb = testing.photo(300, 300)
    sharp, soft = (complexity(framed(picture)) for picture in (rgb, cv2.GaussianBlur(rgb, (0, 0), 3)))
    assert sharp["gradient_energy"] > 3 * soft["gradient_energy"]


def test_flat_share_counts_patches_and_the_smaller_ones_at_the_edges():
    rgb = testing.flat(500, 300)
    rgb[:240, :240] = testing.noise(240, 240)
    values = sharpness(framed(rgb))
    # 2 rows of 3 patches; the noisy one's neighbours feel its edge only in a line
    assert values["flat_share"] == pytest.approx(5 / 6)


def test_threshold_of_flat_patches():
    frame = framed(testing.photo(480, 480))
    shares = [sharpness(frame, flat_below=limit)["flat_share"] for limit in (0, 100, 800, 1e9)]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)


def test_illustrations_are_flat_and_photographs_are_not():
    drawn = sharpness(open_frame(shared("large_4k", "budgie", "valley-midnight.jpg")))
    taken = sharpness(open_frame(shared("large_4k", "budgie", "oakland-zoo-otters.jpg")))
    assert drawn["flat_share"] > 0.6 > taken["flat_share"]


def test_laplacian_variance_is_opencvs_on_a_real_photograph():
    path = sorted(shared("train_photos", "cid22").glob("*.png"))[0]
    grey = cv2.cvtColor(np.asarray(Image.open(path).convert("RGB")), cv2.COLOR_RGB2GRAY)
    wanted = cv2.Laplacian(grey, cv2.CV_64F).var()
    assert sharpness(open_frame(path))["laplacian_variance"] == pytest.approx(wanted, rel=1e-9)


def test_entropy():
    assert entropy(np.full(256, 7)) == pytest.approx(8)
    assert entropy(np.eye(1, 256, 3)[0]) == 0
    assert complexity(framed(np.tile(np.uint8([0, 255]), (8, 8, 3, 1)).swapaxes(2, 3).reshape(8, 16, 3)))[
        "entropy"
    ] == pytest.approx(1)
