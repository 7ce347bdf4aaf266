from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from groundglass import testing
from groundglass.image.downscale_to_analysis_size import reduced
from groundglass.measures.objects.watershed_basins import STEPS, colour_gradient, count_basins

LEVELS = arrays(np.uint16, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 9))
EIGHT = np.ones((3, 3))


def filled(levels: np.ndarray, depth: int) -> np.ndarray:
    """Every minimum raised by ``depth``, but to no more than where it runs over: the h-minima transform."""
    raised = levels.astype(int) + depth
    while True:
        lower = np.maximum(ndimage.minimum_filter(raised, footprint=EIGHT, mode="nearest"), levels)
        if np.array_equal(lower, raised):
            return raised
        raised = lower


def regional_minima(levels: np.ndarray) -> int:
    """Connected flats that no lower pixel touches."""
    count = 0
    for value in np.unique(levels):
        flats, number = ndimage.label(levels == value, EIGHT)
        for flat in range(1, number + 1):
            around = ndimage.binary_dilation(flats == flat, EIGHT)
            count += bool((levels[around] >= value).all())
    return count


@settings(max_examples=60, deadline=None)
@given(LEVELS, st.integers(1, 6))
def test_deep_minima_are_those_that_filling_leaves(levels: np.ndarray, dynamics: int):
    assert count_basins(levels, dynamics) == regional_minima(filled(levels, dynamics - 1))


@settings(max_examples=60, deadline=None)
@given(LEVELS, st.integers(1, 6))
def test_the_order_of_equal_levels_counts_for_nothing(levels: np.ndarray, dynamics: int):
    counts = {
        count_basins(np.ascontiguousarray(turned), dynamics)
        for turned in (levels, levels[:, ::-1], levels[::-1], levels.T, np.rot90(levels))
    }
    assert len(counts) == 1


def test_gradient_of_a_mirrored_picture_is_the_mirrored_gradient_but_for_rounding():
    rgb = testing.photo(200, 140)
    there, back = colour_gradient(rgb, 2.0), colour_gradient(np.ascontiguousarray(rgb[:, ::-1]), 2.0)
    assert np.abs(there.astype(int) - back[:, ::-1]).max() <= 1
    assert there.max() > 0


def test_gradient_of_a_ramp_is_its_slope():
    grey = np.broadcast_to(np.linspace(40, 200, 161).round().astype(np.uint8)[None, :, None], (40, 161, 3))
    # L* from sRGB grey 40 to 200 rises from 16.0 to 80.3 in 160 px
    assert colour_gradient(np.ascontiguousarray(grey), 1.0).mean() / STEPS == pytest.approx(
        64.4 / 160, rel=0.03
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(40, 400), st.integers(40, 400), st.sampled_from([1, 7, 30, 64]), st.booleans())
def test_reduced_keeps_shape_mean_and_orientation(width: int, height: int, side: int, grey: bool):
    picture = testing.gradient(width, height)
    picture = np.ascontiguousarray(picture[..., 0]) if grey else picture
    small = reduced(picture, side)
    assert max(small.shape[:2]) == min(side, max(width, height))
    assert small.ndim == picture.ndim
    assert np.abs(small.mean((0, 1)) - picture.mean((0, 1))).max() < 2
    mirrored = reduced(np.ascontiguousarray(picture[:, ::-1]), side)[:, ::-1]
    assert np.abs(mirrored.astype(int) - small).max() <= (255 / width if small.shape[1] % 2 == 0 else 1) + 1


def test_reduced_by_whole_cells_is_their_mean():
    picture = testing.noise(64, 48)
    means = picture.reshape(12, 4, 16, 4, 3).mean((1, 3))
    assert np.array_equal(reduced(picture, 16), np.floor(means + 0.5))
