from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from groundglass import testing
from groundglass.errors import NoValue
from groundglass.image.color_management import luma
from groundglass.image.frame import open_frame
from groundglass.measures.noise.flat_block_noise import block_facts, noise_sigma
from groundglass.measures.noise.noise import noise
from shared_data import shared

SIGMAS = (0, 1, 2, 5, 10, 20)


def noisy(grey: np.ndarray, sigma: float, seed: int = 0) -> np.ndarray:
    scattered = grey + sigma * np.random.default_rng(seed).normal(size=grey.shape)
    return scattered.round().clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("sigma", [1, 3, 8, 20, 40])
def test_known_noise_on_a_flat_picture(sigma: float):
    rounding = np.sqrt(sigma**2 + 1 / 12)
    assert noise_sigma(noisy(np.full((700, 600), 128.0), sigma)) == pytest.approx(rounding, rel=0.03)


@pytest.mark.parametrize("level", [6, 250])
def test_clipped_places_are_left_out_where_others_remain(level: int):
    grey = np.full((512, 512), float(level))
    grey[:, 256:] = 128
    assert noise_sigma(noisy(grey, 12)) == pytest.approx(12, rel=0.06)


def test_shading_and_edges_are_no_noise():
    across = np.linspace(20, 230, 400)
    shaded = np.broadcast_to(across, (300, 400)).round().astype(np.uint8)
    assert noise_sigma(shaded) < 0.6
    assert noise_sigma(noisy(shaded, 4)) == pytest.approx(4, rel=0.06)
    checks = (np.indices((320, 320)) // 40).sum(axis=0) % 2 * 100 + 60
    assert noise_sigma(checks.astype(np.uint8)) == 0


def test_more_noise_is_more_on_every_photograph_and_near_what_was_added():
    """Medians of 30 photographs: .35 without, else within 8 % and .12 of the noise that was added."""
    paths = sorted(shared("train_photos", "cid22").glob("*.png"))[::2]
    greys = [luma(open_frame(path).rgb).astype(float) for path in paths]
    found = np.array(
        [[noise_sigma(noisy(grey, sigma, n)) for sigma in SIGMAS] for n, grey in enumerate(greys)]
    )
    assert (np.diff(found, axis=1) > 0).all()
    middle = np.median(found, axis=0)
    assert middle[0] < 0.5
    assert middle[1:] == pytest.approx(SIGMAS[1:], rel=0.08, abs=0.12)
    assert spearmanr(found.ravel(), np.tile(SIGMAS, len(paths))).statistic > 0.97


def test_real_noise_is_more_than_that_of_the_mean_of_many_exposures():
    folder = shared("pairs", "polyu_noise")
    pairs = [
        (path, path.with_name(path.name.replace("real", "mean"))) for path in sorted(folder.glob("*real*"))
    ]
    assert pairs
    more = [
        noise(open_frame(real))["noise_sigma"] > noise(open_frame(mean))["noise_sigma"]
        for real, mean in pairs
    ]
    assert np.mean(more) >= 0.9


def test_blocks_are_those_of_the_definition():
    grey = testing.photo(60, 52)[..., 0]
    variance, slope, mean = (facts.reshape(6, 7) for facts in block_facts(grey))
    plain = grey.astype(int)
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
    y, x = 2 + 8 * 2, 2 + 8 * 3  # block (2, 3) of a grid that begins at (2, 2)
    around = [[plain[r - 1 : r + 2, c - 1 : c + 2] for c in range(x - 1, x + 9)] for r in range(y - 1, y + 9)]
    response = np.array([[(part * mask).sum() for part in row] for row in around])[1:-1, 1:-1]
    means = np.array([[part.sum() for part in row] for row in around])
    across, down = means[1:-1, 2:] - means[1:-1, :-2], means[2:, 1:-1] - means[:-2, 1:-1]
    assert variance[2, 3] == pytest.approx((response**2).mean() / 36)
    assert slope[2, 3] == pytest.approx((across**2 + down**2).mean())
    assert mean[2, 3] == plain[y : y + 8, x : x + 8].mean()


def test_without_value():
    with pytest.raises(NoValue, match="36 are needed"):
        noise(open_frame(testing.png(testing.photo(200, 35))))
    for value in (0, 255):
        with pytest.raises(NoValue) as caught:
            noise(open_frame(testing.png(testing.flat(64, 64, value))))
        assert caught.value.reason == "flat"
