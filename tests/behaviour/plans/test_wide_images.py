"""A condition that drops every 16:9 image by its shape is told of; one that means something else is not."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from groundglass import testing
from groundglass.plans.wide_images import wide_note
from groundglass.recipes.load import load_recipe
from groundglass.runs.make_plan import make_plan
from groundglass.tables.expressions import parse

TYPES = {"width": "BIGINT", "height": "BIGINT", "aspect_ratio": "DOUBLE", "meta.W": "BIGINT", "meta.H": "BIGINT",
         "blockiness": "DOUBLE", "format": "VARCHAR", "WIDTH": "VARCHAR", "HEIGHT": "VARCHAR"}  # fmt: skip


@pytest.mark.parametrize(
    "condition",
    [
        "width / height between 0.6 and 1.5",
        "width * height >= 3840 * 2160 and greatest(width, height) >= 3840 and width / height between 0.6 and 1.5",
        "width >= 3840 and height >= 2400 and width <= 1.7 * height",
        "aspect_ratio < 1.7",
        "meta.W / meta.H <= 1.5 and blockiness < 30",
        "width / height <= 1.5 and format = 'JPEG'",
        "CAST(WIDTH AS INTEGER) / CAST(HEIGHT AS INTEGER) < 1.6",
    ],
)
def test_what_drops_16_9_and_keeps_3_2_is_told(condition: str):
    assert "every 16:9 image" in wide_note(parse(condition), TYPES)


@pytest.mark.parametrize(
    "condition",
    [
        "width / height between 0.5 and 2",
        "width * height >= 3840 * 2160 and greatest(width, height) >= 3840",
        "width = height",
        "width > 2 * height",
        "width < 3000",
        "blockiness < 30",
        "width / height < 1.5 or blockiness < 30",
        "format = 'JPEG' and width > 500",
        "WIDTH = 'wide' and HEIGHT = 'high'",
    ],
)
def test_what_means_something_else_is_not(condition: str):
    assert wide_note(parse(condition), TYPES) == ""


@given(st.floats(0.1, 1.4), st.floats(1.51, 4))
def test_a_range_is_told_of_just_where_it_ends_below_16_9(low: float, high: float):
    told = wide_note(parse(f"width / height between {low:.6f} and {high:.6f}"), TYPES)
    assume(abs(high - 16 / 9) > 1e-3)
    assert (told != "") == (high < 16 / 9)


def test_a_plan_tells_it_of_a_source_and_of_a_selection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(testing.png(testing.photo(96, 80)))
    pq.write_table(pa.table({"file": ["a.png"], "WIDTH": [96], "HEIGHT": [80]}), tmp_path / "list.parquet")
    (tmp_path / "recipe.yaml").write_text(
        "name: wide\nsteps:\n"
        "  - source: {table: list.parquet, path: file, where: 'WIDTH / HEIGHT < 1.6'}\n    name: photos\n"
        "  - select: {where: 'width / height < 1.6'}\n    name: shape\n"
        "  - select: {where: 'width / height < 2'}\n    name: any\n"
    )
    notes = make_plan(load_recipe(tmp_path / "recipe.yaml")).notes
    assert [note.split(":")[0] for note in notes if "16:9" in note] == ["photos", "shape"]
