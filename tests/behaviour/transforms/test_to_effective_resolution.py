"""What was enlarged becomes as small as it truly is; everything else stays what it is."""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
import pytest

from groundglass.errors import RecipeError
from groundglass.transforms.to_effective_resolution import to_effective_resolution

sys.path.insert(0, str(Path(__file__).parent))
from sets import photographs


def found(rows: pa.Table, results: list[dict]) -> pa.Table:
    schema = pa.schema(
        [("effective_scale", pa.float64()), ("resolution_state", pa.string()), ("error", pa.string())]
    )
    values = pa.Table.from_pylist(results, schema=schema)
    for name in ("sha256", "region"):
        values = values.append_column(name, rows[name].slice(0, len(results)))
    return values


UPSCALED = {"effective_scale": 0.5, "resolution_state": "upscaled"}
NATIVE = {"effective_scale": 0.8, "resolution_state": "native"}
UNKNOWN = {"effective_scale": None, "resolution_state": "unknown"}


def test_only_what_was_enlarged_becomes_smaller() -> None:
    rows = photographs([(101, 60), (100, 100), (64, 64), (80, 80), (40, 40)])
    results = [UPSCALED, NATIVE, UNKNOWN, {"error": "flat"}, {"error": "too_small"}]
    made = to_effective_resolution(rows, found(rows, results))
    assert made.rows["region"].to_pylist() == ["resize(50x30,lanczos)", "", "", "", ""]
    assert made.rows["width"].to_pylist() == [50, 100, 64, 80, 40]
    assert made.rows["id"].to_pylist()[1:] == rows["id"].to_pylist()[1:]
    assert made.rows["id"][0] != rows["id"][0]
    assert made.rows["scale"].to_pylist() == [0.5, 1, 1, 1, 1]
    assert made.refused.num_rows == 0


def test_a_picture_that_could_not_be_measured_says_why() -> None:
    rows = photographs([(100, 100)] * 4)
    made = to_effective_resolution(
        rows, found(rows, [{"error": "truncated"}, {"error": "measure_failed: IndexError"}, NATIVE])
    )
    assert made.rows["uri"].to_pylist() == ["2.png"]
    assert made.refused["reason"].to_pylist() == ["truncated", "measure_failed", "measure_failed"]


def test_a_side_never_vanishes() -> None:
    rows = photographs([(300, 1)])
    made = to_effective_resolution(
        rows, found(rows, [{"effective_scale": 0.1, "resolution_state": "upscaled"}])
    )
    assert (made.rows["width"][0].as_py(), made.rows["height"][0].as_py()) == (30, 1)


def test_the_kernel_can_be_chosen() -> None:
    rows = photographs([(100, 100)])
    results = found(rows, [UPSCALED])
    made = to_effective_resolution(rows, results, kernel="area").rows
    assert made["region"].to_pylist() == ["resize(50x50,area)"]
    with pytest.raises(RecipeError, match="is not a kernel"):
        to_effective_resolution(rows, results, kernel="lancsoz")
