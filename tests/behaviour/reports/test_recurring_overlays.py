from __future__ import annotations

import cv2
import numpy as np
import pytest

from groundglass import testing
from groundglass.reports.recurring_overlays import FEWEST, repeated_overlay

WIDTH, HEIGHT = 240, 160


def pictures(count: int) -> list[np.ndarray]:
    return [testing.photo(WIDTH, HEIGHT, seed)[..., 1].copy() for seed in range(count)]


def mark() -> np.ndarray:
    """1 where the watermark is."""
    plane = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.putText(plane, "sample", (60, 120), cv2.FONT_HERSHEY_SIMPLEX, 1.1, 1, 4)
    return plane


def marked(lumas: list[np.ndarray], opacity: float) -> list[np.ndarray]:
    cover = opacity * mark()
    return [(luma * (1 - cover) + 255 * cover).round().astype(np.uint8) for luma in lumas]


def edges() -> np.ndarray:
    return cv2.morphologyEx(mark(), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0


@pytest.mark.parametrize(("opacity", "count", "recall"), [(1.0, FEWEST, 0.8), (0.4, 24, 0.7), (0.2, 48, 0.5)])
def test_the_edges_of_a_watermark_are_marked(opacity: float, count: int, recall: float):
    found = repeated_overlay(marked(pictures(count), opacity))
    assert found.images == count
    assert found.mask[edges()].mean() > recall
    beyond = cv2.dilate(edges().astype(np.uint8), np.ones((5, 5), np.uint8)) == 0
    assert found.mask[beyond].mean() < 1e-3


@pytest.mark.parametrize("count", [FEWEST, 30])
def test_nothing_is_marked_where_nothing_recurs(count: int):
    found = repeated_overlay(pictures(count))
    assert found.box is None
    assert found.share == 0
    assert 0 <= found.consistency.min() <= found.consistency.max() <= 1 + 1e-6


def test_a_dark_and_a_light_mark_by_turns_are_none():
    lumas = [255 - luma if n % 2 else luma for n, luma in enumerate(marked(pictures(24), 1.0))]
    assert repeated_overlay(lumas).mask[edges()].mean() < 0.05


def test_the_box_holds_the_mark_and_a_generator_will_do():
    found = repeated_overlay(luma for luma in marked(pictures(20), 1.0))
    assert found.box is not None
    x, y, width, height = found.box
    rows, columns = np.nonzero(mark())
    assert (x, y) == pytest.approx((columns.min(), rows.min()), abs=2)
    assert (width, height) == pytest.approx((np.ptp(columns), np.ptp(rows)), abs=5)
    assert found.share == pytest.approx(found.mask.mean())


def test_flat_pictures_have_nothing():
    assert repeated_overlay([np.full((20, 30), 90, np.uint8)] * FEWEST).box is None


def test_too_few_and_unequal():
    with pytest.raises(ValueError, match="15 images are too few"):
        repeated_overlay(pictures(FEWEST - 1))
    with pytest.raises(ValueError, match=r"\(160, 240\)|\(240, 160\)"):
        repeated_overlay([*pictures(2), testing.photo(50, 40)[..., 0]])
