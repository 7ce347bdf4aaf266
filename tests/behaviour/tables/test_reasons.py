"""Reasons counted: each row once, whatever the values and names in its reason."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundglass.tables.reasons import MOST, OTHERS, count_kinds, kinds_of
from groundglass.tables.verdicts import VERDICTS


def verdicts_with(*reasons: str | None) -> pa.Table:
    rows = [
        {"id": str(n), "kept": reason is None, "failed": False, "reason": reason, "margin": None}
        for n, reason in enumerate(reasons)
    ]
    return pa.Table.from_pylist(rows, VERDICTS)


def test_a_row_that_fails_two_conditions_counts_once_under_both():
    found = count_kinds(
        verdicts_with(
            "blockiness 41.2, limit 30",
            "blockiness 41.2, limit 30",
            "blockiness 35, limit 30; noise 7, limit 5",
            "blockiness 31, limit 30; noise 6.25, limit 5",
            "blockiness 99, limit 30; noise 9, limit 5",
            None,
            "near duplicate of a.jpg (distance 2)",
            "near duplicate of b; c.jpg (distance 4)",
        )
    )
    assert found == {
        "blockiness, limit 30; noise, limit 5": 3,
        "blockiness, limit 30": 2,
        "near duplicate": 2,
    }


CONDITIONS = (
    "a {}, limit 30",
    "b + c {}, must be below 3",
    "no d: flat",
    "near duplicate of {} (distance 3)",
)


@given(st.lists(st.tuples(st.sets(st.sampled_from(CONDITIONS)), st.floats(-1e6, 1e6)), max_size=60))
def test_the_counts_add_up_to_the_rows_that_left(rows: list[tuple[set[str], float]]):
    reasons = [
        "; ".join(part.format(f"{value:.3g}") for part in sorted(parts)) or None for parts, value in rows
    ]
    counted = count_kinds(verdicts_with(*reasons))
    assert sum(counted.values()) == sum(reason is not None for reason in reasons)
    assert len(counted) < 2 ** len(CONDITIONS)


def test_the_rarest_reasons_are_counted_together():
    reasons = [f"source s{n}: refused" for n in range(50) for _ in range(50 - n)]
    counted = count_kinds(verdicts_with(*reasons))
    assert len(counted) == MOST
    assert sum(counted.values()) == len(reasons)
    assert counted[OTHERS] == sum(50 - n for n in range(MOST - 1, 50))


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("laplacian_variance 12.5, limit 60", "laplacian_variance, limit 60"),
        ("least(width, height) 480, limit 512", "least(width, height), limit 512"),
        ("tenengrad 1,204, below rank 8 (2,330)", "tenengrad, below rank 8 (2,330)"),
        ("same bytes as a/1 (2).jpg", "same bytes"),
        ("not_an_image", "not_an_image"),
        ("contains Set5/woman (62 matches, overlap 100 %)", "contains Set5/woman"),
        (None, None),
    ],
)
def test_a_kind_has_no_value_of_its_image(reason: str | None, kind: str | None):
    assert kinds_of([reason]) == [kind]


def test_nothing_dropped_has_no_reasons():
    assert count_kinds(verdicts_with(None, None)) == {}
