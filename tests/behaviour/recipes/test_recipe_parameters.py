"""Settings typed for single pictures are those that a recipe may give."""

from __future__ import annotations

from pathlib import Path

import pytest

import tiny_onnx
from groundglass import testing
from groundglass.errors import RecipeError
from groundglass.measures.catalog import find
from groundglass.measures.parameters import typed_settings


def test_values_become_what_the_setting_wants():
    assert typed_settings([find("onnx")], ["size=512", "low=0", "mean=0.5", "index=2"]) == {
        "size": 512,
        "low": 0.0,
        "mean": "0.5",
        "index": 2,
    }


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("sise=512", "Did you mean 'size'"),
        ("size", "no such setting"),
        ("size=large", "must be a whole number"),
        ("size=-1", "must be at least 0"),
        ("least=2", "must be at most 1"),
        ("allow_pickle=perhaps", "must be true or false"),
    ],
)
def test_what_is_no_setting_or_does_not_fit(typed: str, said: str):
    with pytest.raises(RecipeError, match=said):
        typed_settings([find("onnx"), find("tags")], [typed])


def test_single_pictures_are_measured_with_them(tmp_path: Path):
    pytest.importorskip("onnx")
    pytest.importorskip("torch")
    from groundglass.engines.progress import choose_progress
    from groundglass.runs.single_images import measure_files

    picture = tmp_path / "a.png"
    picture.write_bytes(testing.png(testing.flat(32, 32, 102)))
    network = {"weights": str(tiny_onnx.mean_level(tmp_path / "level.onnx")), "device": "cpu"}
    quiet = choose_progress("measure", quiet=True)
    (row,) = measure_files([picture], ["onnx"], 1, quiet, network, ["size=16", "range=0-255"]).rows
    assert (row["onnx"], row["error"]) == (pytest.approx(102), None)
