"""Tiles stand on a regular grid and cover what they say."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundglass.kernel.errors import RecipeError
from groundglass.kernel.region import Crop
from groundglass.kernel.table import derived_id
from groundglass.transforms import tile as tile_module
from groundglass.transforms.tile import tile

sys.path.insert(0, str(Path(__file__).parent))
from sets import boxes, photographs


def test_tiles_come_row_by_row_and_the_rest_is_dropped() -> None:
    made = tile(photographs([(100, 70)]), 32).rows
    assert boxes(made) == [(x, y, 32, 32) for y in (0, 32) for x in (0, 32, 64)]
    assert made["region"][4].as_py() == "crop(32,32,32,32)"
    root = made["root"][4].as_py()
    assert made["parent"][4].as_py() == root
    assert made["id"][4].as_py() == derived_id(root, "crop(32,32,32,32)")


def test_shifted_tiles_end_at_the_edge() -> None:
    made = tile(photographs([(100, 64)]), 32, edges="shift").rows
    assert boxes(made) == [(x, y, 32, 32) for y in (0, 32) for x in (0, 32, 64, 68)]


@given(st.integers(1, 200), st.integers(1, 200), st.integers(1, 60), st.integers(1, 60))
def test_shifted_tiles_cover_every_pixel(width: int, height: int, size: int, stride: int) -> None:
    made = tile(photographs([(width, height)]), size, min(stride, size), "shift")
    if min(width, height) < size:
        assert made.rows.num_rows == 0
        assert made.refused["reason"].to_pylist() == ["too_small"]
        return
    covered = np.zeros((height, width), bool)
    for x, y, box_width, box_height in boxes(made.rows):
        covered[y : y + box_height, x : x + box_width] = True
    assert covered.all()


@given(st.integers(1, 200), st.integers(1, 200), st.integers(1, 60), st.integers(1, 90))
def test_dropped_edges_leave_all_whole_tiles_of_the_grid(
    width: int, height: int, size: int, stride: int
) -> None:
    made = tile(photographs([(width, height)]), size, stride).rows
    expected = [
        (x, y, size, size)
        for y in range(0, height - size + 1, stride)
        for x in range(0, width - size + 1, stride)
    ]
    assert boxes(made) == expected


def test_a_picture_of_one_tile_is_that_tile() -> None:
    rows = photographs([(64, 64)])
    made = tile(rows, 64).rows
    assert made["id"].to_pylist() == rows["id"].to_pylist()
    assert made["region"].to_pylist() == [""]


def test_tiles_of_tiles_are_named_from_the_photograph() -> None:
    first = tile(photographs([(128, 64)]), 64).rows
    second = tile(first, 32).rows
    assert second["region"][7].as_py() == "crop(64,0,64,64)/crop(32,32,32,32)"
    assert second["parent"][7].as_py() == first["id"][1].as_py()


@pytest.mark.parametrize("settings", [{"size": 0}, {"size": 8, "stride": 0}, {"size": 8, "edges": "pad"}])
def test_settings_that_mean_nothing_are_refused(settings: dict) -> None:
    with pytest.raises(RecipeError) as caught:
        tile(photographs([(9, 9)]), **settings)
    assert caught.value.hint


def test_a_million_tiles_are_made_from_the_few_places_that_they_share(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crops: list[tuple[int, ...]] = []

    def counted(*box: int) -> Crop:
        crops.append(box)
        return Crop(*box)

    monkeypatch.setattr(tile_module, "Crop", counted)
    tile_module._crop_step.cache_clear()
    made = tile(photographs([(4000, 3000)] * 2500), 256, 160).rows
    assert made.num_rows == 2500 * 24 * 18
    assert len(crops) == 24 * 18
