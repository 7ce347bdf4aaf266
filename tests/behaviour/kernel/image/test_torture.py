"""Every hard file comes out as somebody who looked at it expects: right pixels, or an error's right reason.

The table beside this file was judged by eye: upright, right colours, transparency on white, nothing grey.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from patience import STOPS_A_HANG
from shared_data import shared

HERE = Path(__file__).parent
with (HERE / "torture_expected.csv").open(newline="") as _file:
    EXPECTED = {row["path"]: row for row in csv.DictReader(_file)}
EXTRAS = {".heic": "pillow_heif", ".heif": "pillow_heif", ".jxl": "pillow_jxl"}
COLOUR_TOLERANCE = 3


@pytest.fixture(scope="module")
def observed() -> dict[str, dict[str, Any]]:
    command = [sys.executable, str(HERE / "look_at_torture.py"), str(shared("torture"))]
    child = subprocess.run(command, capture_output=True, text=True, timeout=STOPS_A_HANG, check=False)
    assert child.returncode == 0, f"the child died after {child.stdout[-200:]}: {child.stderr[-2000:]}"
    return {row["path"]: row for row in map(json.loads, child.stdout.splitlines())}


@pytest.mark.parametrize("path", EXPECTED)
def test_hard_file(path: str, observed: dict[str, dict[str, Any]]) -> None:
    expected, seen = EXPECTED[path], observed[path]
    extra = EXTRAS.get(Path(path).suffix)
    if extra and importlib.util.find_spec(extra) is None:
        assert seen["reason"] in ("unsupported", "empty", "truncated")
        return
    assert seen["reason"] == expected["reason"]
    if not expected["reason"]:
        assert (seen["size"], str(seen["orientation"])) == (expected["size"], expected["orientation"])
        assert seen["warnings"] == expected["warnings"]
        for now, then in zip(seen["colour"].split(), expected["colour"].split(), strict=True):
            assert abs(int(now) - int(then)) <= COLOUR_TOLERANCE


def test_every_hard_file_is_in_the_table(observed: dict[str, dict[str, Any]]) -> None:
    assert set(observed) == set(EXPECTED)
