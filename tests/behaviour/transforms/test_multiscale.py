"""The same sizes as Real-ESRGAN's script, without its enlarged and doubled ones."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundglass.errors import RecipeError
from groundglass.transforms.multiscale import multiscale

sys.path.insert(0, str(Path(__file__).parent))
from sets import photographs

Size = tuple[int, int]


def made_sizes(size: Size, *arguments, **settings) -> list[Size]:
    made = multiscale(photographs([size]), *arguments, **settings).rows
    return list(zip(made["width"].to_pylist(), made["height"].to_pylist(), strict=True))


def test_the_guides_three_sizes() -> None:
    made = multiscale(photographs([(1024, 1536)]), (1.0, 0.75), 512).rows
    assert made["region"].to_pylist() == ["", "resize(768x1152,lanczos)", "resize(512x768,lanczos)"]
    assert made["scale"].to_pylist() == [1.0, 0.75, 0.5]


def real_esrgan_sizes(width: int, height: int, scales: list[float], shortest_edge: int) -> list[Size]:
    """What scripts/generate_multiscale_DF2K.py makes of a picture."""
    made = [(int(width * scale), int(height * scale)) for scale in scales]
    if width < height:
        ratio = height / width
        width = shortest_edge
        height = int(width * ratio)
    else:
        ratio = width / height
        height = shortest_edge
        width = int(height * ratio)
    return [*made, (width, height)]


@given(
    st.integers(2, 5000),
    st.integers(2, 5000),
    st.lists(st.floats(0.01, 0.99), min_size=1, max_size=4),
    st.integers(1, 3000),
)
def test_sizes_are_real_esrgans_but_none_twice_and_none_enlarged(
    width: int, height: int, scales: list[float], edge: int
) -> None:
    theirs = real_esrgan_sizes(width, height, scales, edge)
    smaller = theirs[:-1] if edge >= min(width, height) else theirs
    expected = list(dict.fromkeys(size for size in smaller if min(size) >= 1))
    assert made_sizes((width, height), scales, edge) == expected


def test_scale_one_is_the_picture_itself() -> None:
    rows = photographs([(60, 40), (30, 30)])
    made = multiscale(rows, (1.0,)).rows
    assert made["id"].to_pylist() == rows["id"].to_pylist()
    assert made["parent"].to_pylist() == rows["id"].to_pylist()


@pytest.mark.parametrize("edge", [400, 512])
def test_a_shortest_edge_that_is_not_exceeded_adds_nothing(edge: int) -> None:
    assert made_sizes((600, 400), (1.0,), edge) == [(600, 400)]


def test_equal_scales_and_an_equal_shortest_edge_count_once() -> None:
    assert made_sizes((800, 400), (0.5, 0.5, 0.75), 200) == [(400, 200), (600, 300)]


def test_scales_of_scales_come_once() -> None:
    copies = multiscale(photographs([(64, 64)]), (1.0, 0.5)).rows
    again = multiscale(copies, (1.0, 0.5)).rows
    assert again["width"].to_pylist() == [64, 32, 16]
    assert again["parent"].to_pylist() == [
        copies["id"][0].as_py(),
        copies["id"][0].as_py(),
        copies["id"][1].as_py(),
    ]


def test_a_picture_that_nothing_is_left_of_is_refused() -> None:
    made = multiscale(photographs([(1, 50), (50, 50)]), (0.5,))
    assert made.rows["uri"].to_pylist() == ["1.png"]
    assert made.refused["reason"].to_pylist() == ["too_small"]


@pytest.mark.parametrize(
    "settings", [{"scales": (1.5,)}, {"scales": (0.0,)}, {"shortest_edge": 0}, {"kernel": "cubic"}]
)
def test_settings_that_mean_nothing_are_refused(settings: dict) -> None:
    with pytest.raises(RecipeError) as caught:
        multiscale(photographs([(9, 9)]), **settings)
    assert caught.value.hint
