"""The result is exactly the cropped picture divided by the factor."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundglass.errors import RecipeError
from groundglass.transforms.downscale import downscale

sys.path.insert(0, str(Path(__file__).parent))
from sets import boxes, photographs, sets


def test_the_picture_is_cropped_to_a_multiple_first() -> None:
    made = downscale(photographs([(103, 50), (64, 32)]), 4).rows
    assert made["region"].to_pylist() == [
        "crop(0,0,100,48)/resize(25x12,matlab_bicubic)",
        "resize(16x8,matlab_bicubic)",
    ]
    assert made["scale"].to_pylist() == [0.25, 0.25]


@given(sets, st.integers(2, 8) | st.sampled_from([0.5, 0.75, 1 / 3, 0.7, 0.9]))
def test_box_and_result_have_exactly_the_factor(sizes: list[tuple[int, int]], factor: float) -> None:
    rows = photographs(sizes)
    made = downscale(rows, factor, "area")
    part = Fraction(1, factor) if isinstance(factor, int) else Fraction(factor).limit_denominator(64)
    results = zip(made.rows["width"].to_pylist(), made.rows["height"].to_pylist(), strict=True)
    for (x, y, width, height), (new_width, new_height) in zip(boxes(made.rows), results, strict=True):
        assert (x, y) == (0, 0)
        assert (new_width, new_height) == (width * part, height * part)
    fitting = [min(size) >= part.denominator for size in sizes]
    assert made.rows.num_rows == sum(fitting)
    for row, box in zip(made.rows.to_pylist(), boxes(made.rows), strict=True):
        width, height = sizes[int(row["uri"].removesuffix(".png"))]
        assert 0 <= width - box[2] < part.denominator
        assert 0 <= height - box[3] < part.denominator


@pytest.mark.parametrize("factor", [1, 0, -2, 2.5, 1.0, 0.001, 0.9999])
def test_other_factors_are_refused(factor: float) -> None:
    with pytest.raises(RecipeError) as caught:
        downscale(photographs([(9, 9)]), factor)
    assert caught.value.hint


def test_box_takes_whole_factors_only() -> None:
    rows = photographs([(12, 12)])
    assert downscale(rows, 0.25, "box").rows["width"].to_pylist() == [3]
    with pytest.raises(RecipeError):
        downscale(rows, 0.75, "box")
