"""The best tile is where the detail is, and every picture without one says why."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from groundglass.errors import NoValue
from groundglass.transforms.best_tile import BEST_TILE, best_tile

sys.path.insert(0, str(Path(__file__).parent))
from sets import boxes, photographs


@dataclass(frozen=True)
class Luma:
    """The part of a frame that the measure reads."""

    luma: np.ndarray


def found(rows: pa.Table, results: list[dict]) -> pa.Table:
    schema = pa.schema(
        [
            (n, t)
            for n, t in [
                ("x", pa.int64()),
                ("y", pa.int64()),
                ("score", pa.float64()),
                ("error", pa.string()),
            ]
        ]
    )
    values = pa.Table.from_pylist(results, schema=schema)
    for name in ("sha256", "region"):
        values = values.append_column(name, rows[name])
    return values


def test_the_measure_finds_the_textured_corner() -> None:
    picture = np.full((96, 160), 90, np.uint8)
    picture[40:72, 100:140] = np.random.default_rng(0).integers(0, 256, (32, 40))
    values = BEST_TILE.compute(Luma(picture), size=48)
    assert set(values) == set(BEST_TILE.columns)
    assert 92 <= values["x"] <= 100
    assert 24 <= values["y"] <= 40


def test_the_measure_has_no_value_on_a_small_picture() -> None:
    with pytest.raises(NoValue) as caught:
        BEST_TILE.compute(Luma(np.zeros((47, 99), np.uint8)), size=48)
    assert caught.value.reason == "too_small"


def test_results_become_rows_and_missing_ones_reasons() -> None:
    rows = photographs([(100, 100), (20, 20), (64, 64), (80, 80)])
    results = found(
        rows, [{"x": 8, "y": 16, "score": 2.0}, {"error": "too_small"}, {"x": 0, "y": 0, "score": 1.0}, {}]
    )
    made = best_tile(rows, results.slice(0, 3), 64)
    assert boxes(made.rows) == [(8, 16, 64, 64), (0, 0, 64, 64)]
    assert made.rows["region"].to_pylist() == ["crop(8,16,64,64)", ""]
    assert made.rows["uri"].to_pylist() == ["0.png", "2.png"]
    assert made.refused["id"].to_pylist() == [rows["id"][1].as_py(), rows["id"][3].as_py()]
    assert made.refused["reason"].to_pylist() == ["too_small", "measure_failed"]


def test_two_files_of_one_content_get_a_tile_each() -> None:
    rows = photographs([(100, 100), (100, 100)])
    same = rows.set_column(5, "sha256", pa.array(["ab" * 32] * 2))
    results = found(same.slice(0, 1), [{"x": 8, "y": 0, "score": 2.0}])
    made = best_tile(same, results, 64)
    assert made.rows["uri"].to_pylist() == ["0.png", "1.png"]
    assert made.refused.num_rows == 0
