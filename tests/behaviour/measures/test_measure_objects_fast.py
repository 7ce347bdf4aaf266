from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from groundglass import testing
from groundglass.degradations.blur import GaussianBlur
from groundglass.degradations.catalog import distort
from groundglass.errors import NoValue
from groundglass.image.frame import open_frame
from groundglass.measures.objects.regions import objects_fast
from shared_data import shared


def count(rgb: np.ndarray, **settings: float) -> int:
    found = objects_fast(open_frame(testing.encoded(np.ascontiguousarray(rgb), "BMP")), **settings)[
        "objects_fast"
    ]
    assert isinstance(found, int)
    return found


def discs(number: int, size: int = 480) -> np.ndarray:
    """Discs of different colours that do not touch, on grey."""
    rgb = testing.flat(size, size)
    colours = np.random.default_rng(1).integers(0, 2, (number, 3)) * 200 + 20
    for place, colour in enumerate(colours.tolist()):
        centre = size * (1 + 2 * (place % 6)) // 12, size * (1 + 2 * (place // 6)) // 12
        cv2.circle(rgb, centre, size // 18, colour, -1, cv2.LINE_AA)
    return rgb


def grained(rgb: np.ndarray, sigma: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, sigma, rgb.shape)
    return (rgb + noise).round().clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("number", [0, 1, 2, 5, 11, 20, 36])
def test_discs_and_the_ground_are_counted(number: int):
    assert count(discs(number)) == number + 1


def test_each_disc_more_counts_under_grain_and_jpeg():
    for spoil in (lambda rgb: grained(rgb, 4), lambda rgb: open_frame(testing.jpeg(rgb, 50)).rgb):
        counts = [count(spoil(discs(number))) for number in (0, 3, 9, 18, 36)]
        assert counts == pytest.approx([1, 4, 10, 19, 37], abs=2)


def test_blur_takes_regions_away():
    rgb = testing.photo(480, 360)
    counts = [
        count(rgb),
        *(count(distort(rgb, GaussianBlur(sigma), np.random.default_rng(0))) for sigma in (4, 8, 16)),
    ]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] < 0.6 * counts[0]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_grain_jpeg_and_size_change_little(seed: int):
    rgb = cv2.resize(testing.photo(256, 192, seed), (768, 576), interpolation=cv2.INTER_CUBIC)
    plain = count(rgb)
    smaller = cv2.resize(rgb, (512, 384), interpolation=cv2.INTER_AREA)
    for other in (grained(rgb, 4), open_frame(testing.jpeg(rgb, 40)).rgb, smaller):
        assert count(other) == pytest.approx(plain, rel=0.5, abs=3)


@pytest.mark.parametrize("size", [(250, 200), (480, 240), (333, 271), (1111, 777)])
def test_mirror_and_turn(size: tuple[int, int]):
    rgb = testing.photo(*size)
    for other in (rgb[:, ::-1], rgb[::-1], np.rot90(rgb)):
        assert count(other) == pytest.approx(count(rgb), rel=0.03)


def test_more_contrast_asked_counts_fewer():
    rgb = testing.photo(400, 300)
    counts = [count(rgb, contrast=contrast) for contrast in (0.0, 0.5, 1.5, 3.0, 100.0)]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == 1


def test_too_small():
    with pytest.raises(NoValue) as caught:
        count(testing.photo(200, 31))
    assert caught.value.reason == "too_small"


def test_real_photographs_under_grain():
    ratios: list[float] = []
    for path in sorted(shared("train_photos", "bsds500").glob("*.jpg"))[5::20]:
        rgb = open_frame(path).rgb
        ratios.append(count(grained(rgb, 4)) / count(rgb))
    assert 0.85 < min(ratios) <= max(ratios) < 1.18


def test_indoor_frames_rank_by_their_annotated_objects():
    folder = shared("low_quality", "indoor_robot_map")
    counts: list[int] = []
    boxes: list[int] = []
    for path in sorted((folder / "images-optional").glob("*.jpg")):
        lines = (folder / "ground-truth" / f"{path.stem}.txt").read_text().splitlines()
        boxes.append(sum(bool(line.strip()) for line in lines))
        counts.append(count(open_frame(path).rgb))
    assert spearmanr(counts, boxes).statistic > 0.6
