"""`intersect`: every rule on the same pool."""

from __future__ import annotations

import pyarrow as pa
import pytest

from groundglass.errors import RecipeError
from groundglass.selections.intersect import intersect
from groundglass.selections.quantile import quantile
from groundglass.selections.where import where

POOL = pa.table(
    {
        "id": ["a", "b", "c", "d", "e"],
        "q": pa.array([1.0, 2.0, 3.0, None, 5.0]),
        "error:q": [None, None, None, "flat", None],
        "s": [5.0, 4.0, 3.0, 2.0, 1.0],
    }
)


def test_both_quantiles_are_of_the_whole_pool() -> None:
    both = intersect(POOL, [quantile(POOL, 0.25, "q", "higher"), quantile(POOL, 0.25, "s", "higher")])
    assert both["kept"].to_pylist() == [False, True, True, False, False]
    assert both["failed"].to_pylist() == [False, False, False, True, False]
    assert both["reason"][3].as_py() == "no q: flat"


def test_failed_only_where_nothing_else_dropped_it() -> None:
    both = intersect(POOL, [where(POOL, "q > 0"), where(POOL, "s > 1")])
    assert both["failed"].to_pylist() == [False, False, False, True, False]
    assert both["reason"].to_pylist() == [None, None, None, "no q: flat", "s 1, must be above 1"]
    assert both["margin"].to_pylist() == [None, None, None, None, 0.0]


def test_one_rule_is_itself_and_none_is_an_error() -> None:
    alone = where(POOL, "q > 2")
    assert intersect(POOL, [alone]).equals(alone)
    with pytest.raises(RecipeError):
        intersect(POOL, [])
    with pytest.raises(ValueError, match="this pool"):
        intersect(POOL, [where(POOL.slice(1), "q > 2")])
