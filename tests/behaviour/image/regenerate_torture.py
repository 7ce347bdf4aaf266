"""Writes torture_expected.csv from what is observed now. Look at every line that changes, then keep it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
FIELDS = ["path", "reason", "size", "orientation", "colour", "warnings"]

if __name__ == "__main__":
    command = [sys.executable, str(HERE / "look_at_torture.py"), sys.argv[1]]
    observed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    with (HERE / "torture_expected.csv").open("w", newline="") as file:
        rows = csv.DictWriter(file, FIELDS, lineterminator="\n")
        rows.writeheader()
        rows.writerows(json.loads(line) for line in observed.splitlines())
