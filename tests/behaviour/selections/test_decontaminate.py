"""`decontaminate`: what is dropped and what is said of it."""

from __future__ import annotations

import pyarrow as pa
import pytest

from groundglass.errors import RecipeError
from groundglass.selections.decontaminate import decontaminate


def leaks() -> dict[str, pa.Array]:
    return {
        "leak_of": pa.array(["Set5/woman", "Set14/face", "BSD100/img_099", None, "Set5/bird", None]),
        "leak_relation": pa.array(["contains", "same", "inside", None, "overlaps", None]),
        "leak_mirrored": pa.array([False, True, False, None, False, None]),
        "leak_overlap": pa.array([0.996, 1.0, 0.375, None, 0.5, None]),
        "leak_matches": pa.array([62, 0, 25, None, 9, None]),
    }


SAID = [
    "contains Set5/woman (62 matches, overlap 100 %)",
    "shows Set14/face mirrored (whole image, overlap 100 %)",
    "is part of BSD100/img_099 (25 matches, overlap 38 %)",
    None,
    "shares a part with Set5/bird (9 matches, overlap 50 %)",
    "no leak_of: truncated",
]
ERRORS = pa.array([None, None, None, None, None, "truncated"])


def test_each_leak_is_told_and_an_unreadable_picture_is_no_sound_one() -> None:
    pool = pa.table({"id": list("abcdef"), **leaks(), "error:leak_of": ERRORS})
    found = decontaminate(pool)
    assert found["reason"].to_pylist() == SAID
    assert found["kept"].to_pylist() == [False, False, False, True, False, False]
    assert found["failed"].to_pylist() == [False] * 5 + [True]
    assert found["margin"].null_count == 6


def test_tiles_are_judged_by_their_photograph() -> None:
    columns = leaks()
    root = pa.StructArray.from_arrays(list(columns.values()), list(columns))
    pool = pa.table({"id": list("abcdef"), "root": root, "error:root.leak_of": ERRORS})
    assert decontaminate(pool, ("root",))["reason"].to_pylist() == SAID


def test_without_the_measure_there_is_no_verdict() -> None:
    with pytest.raises(RecipeError, match="leak_of"):
        decontaminate(pa.table({"id": ["a"]}))


def test_an_empty_pool_is_no_trouble() -> None:
    pool = pa.table({"id": list("abcdef"), **leaks()}).slice(0, 0)
    assert decontaminate(pool).num_rows == 0
