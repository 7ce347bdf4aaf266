"""The fast search finds the same square as trying every candidate."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundglass.errors import NoValue
from groundglass.transforms.most_detailed_square import most_detailed_square


def exhaustive(luma: np.ndarray, size: int, cell: int) -> tuple[int, int, float]:
    """Every candidate summed by itself, on OpenCV's Laplacian; the first of equal ones."""
    detail = np.abs(cv2.Laplacian(luma, cv2.CV_64F, ksize=1))
    best = (0, 0, -1.0)
    for y in range(0, luma.shape[0] - size + 1, cell):
        for x in range(0, luma.shape[1] - size + 1, cell):
            score = detail[y : y + size, x : x + size].sum() / size**2
            if score > best[2]:
                best = (x, y, score)
    return best


@given(
    st.integers(1, 90),
    st.integers(1, 90),
    st.integers(1, 70),
    st.sampled_from([1, 3, 8, 8, 8, 16, 64]),
    st.sampled_from([2, 9, 256]),
    st.integers(0, 10_000),
)
@settings(max_examples=150, deadline=None)
def test_the_same_square_as_exhaustive_search(
    height: int, width: int, size: int, cell: int, levels: int, seed: int
) -> None:
    size = min(size, height, width)
    luma = (np.random.default_rng(seed).integers(0, levels, (height, width)) * (255 // (levels - 1))).astype(
        np.uint8
    )
    assert most_detailed_square(luma, size, cell) == exhaustive(luma, size, cell)


def test_the_strongest_pattern_does_not_overflow() -> None:
    chessboard = (np.indices((80, 80)).sum(axis=0) % 2 * 255).astype(np.uint8)
    for cell in (8, 32, 64):
        assert most_detailed_square(chessboard, 64, cell).score == 1020


def test_a_flat_picture_gives_its_corner() -> None:
    assert most_detailed_square(np.full((50, 60), 7, np.uint8), 16) == (0, 0, 0.0)


def test_views_with_strides_are_read_right() -> None:
    luma = np.random.default_rng(1).integers(0, 256, (120, 160), np.uint8)
    assert most_detailed_square(luma[::2, ::2], 32) == most_detailed_square(luma[::2, ::2].copy(), 32)


def test_a_picture_that_is_smaller_has_no_best_box() -> None:
    with pytest.raises(NoValue, match="too_small"):
        most_detailed_square(np.zeros((31, 99), np.uint8), 32)
