"""Results as CSV files: one line for each row, in a form that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from groundglass.files.atomic import write_text

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_rows(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write rows as CSV, whole or not at all; see `flat_row`. Without rows nothing is written."""
    if rows:
        flat = [flat_row(row) for row in rows]
        made = io.StringIO()
        writer = csv.DictWriter(made, list(flat[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(flat)
        write_text(made.getvalue(), path)


def flat_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row for a table: an interval becomes two columns, a list one text; mappings and curves are left out.

    >>> flat_row({"score": "=a", "srcc_ci95": [0.1, 0.2], "notes": ["b", "c"], "failures": {}})
    {'score': "'=a", 'srcc_ci95_low': 0.1, 'srcc_ci95_high': 0.2, 'notes': 'b; c'}
    """
    line: dict[str, Any] = {}
    for key, value in row.items():
        if key.endswith("ci95"):
            line |= {f"{key}_low": value[0] if value else None, f"{key}_high": value[1] if value else None}
        elif isinstance(value, list):
            line[key] = "; ".join(map(str, value))
        elif not isinstance(value, dict) and not key.startswith("curve"):
            line[key] = value
    # Names of teams and columns come from other people.
    return {
        key: f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
        for key, value in line.items()
    }
