"""A split takes any column that a selection takes, however it is called."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from flow_tools import groundglass, picture, run_json, steps

NAMES = ["plain", "x.y", "split", 'a"b', "it's", "ünï", "two words"]


@pytest.mark.parametrize("key", ["group", "stratify"])
def test_a_split_by_a_column_of_any_name(tmp_path: Path, key: str) -> None:
    for seed in range(6):
        (tmp_path / f"{seed}.png").write_bytes(picture(64, 48, seed))
    with (tmp_path / "t.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", *NAMES])
        table.writerows([f"{seed}.png", *[f"v{seed // 2}"] * len(NAMES)] for seed in range(6))
    for name in NAMES:
        column = 'meta."' + name.replace('"', '""') + '"'
        recipe = {
            "name": "odd",
            "steps": [
                {"source": {"table": "t.csv", "path": "file", "licence": "CC0-1.0"}},
                {"split": {"train": 0.5, "validation": 0.5, key: column}},
            ],
        }
        (tmp_path / "odd.yaml").write_text(json.dumps(recipe))
        assert groundglass(tmp_path, "plan", "odd.yaml").returncode == 0
        facts = steps(run_json(tmp_path, "odd.yaml"))["split-1"]["facts"]
        assert sum(facts["splits"].values()) == 6
