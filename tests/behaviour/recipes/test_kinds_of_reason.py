"""The kinds of reason that a step's record counts."""

from __future__ import annotations

import pyarrow as pa

from groundglass.recipes.steps import kinds_of_reason
from groundglass.selections.pool import VERDICTS


def verdicts_with(*reasons: str | None) -> pa.Table:
    rows = [
        {"id": str(n), "kept": reason is None, "failed": False, "reason": reason, "margin": None}
        for n, reason in enumerate(reasons)
    ]
    return pa.Table.from_pylist(rows, VERDICTS)


def test_equal_reasons_and_equal_kinds_are_counted_together():
    found = kinds_of_reason(
        verdicts_with(
            "blockiness 41.2, limit 30",
            "blockiness 41.2, limit 30",
            "blockiness 35, limit 30; noise 7, limit 5",
            None,
            "near duplicate of a.jpg (distance 2)",
            "near duplicate of b.jpg (distance 2)",
        )
    )
    assert found == {"blockiness, limit 30": 3, "near duplicate": 2, "noise, limit 5": 1}


def test_nothing_dropped_has_no_reasons():
    assert kinds_of_reason(verdicts_with(None, None)) == {}
