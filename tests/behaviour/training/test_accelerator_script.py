"""The prepared script for a GPU runs through, so that no minute of one is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from training_jobs import environment  # noqa: E402

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "accelerator.py"


@pytest.mark.long
def test_the_script_for_a_gpu_does_all_its_parts_on_a_cpu(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path), "--small"],
        env={**environment(), "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "accelerator.json").read_text())
    assert found["device"] == "CPU"
    assert found["against_the_cpu"]["largest_difference"] == 0
    assert {row["precision"] for row in found["speeds"]} == {"float32", "bfloat16"}
    assert found["precisions"][-1]["weights_differ_by"] == 0
    assert found["several"]["processes"] == 2
