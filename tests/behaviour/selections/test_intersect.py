"""`intersect`: every rule on the same pool."""

from __future__ import annotations

import pyarrow as pa
import pytest

from groundglass.errors import RecipeError
from groundglass.selections.intersect import Intersect, intersect
from groundglass.selections.quantile import Quantile, quantile
from groundglass.selections.rule import Given
from groundglass.selections.where import Where, where

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


def test_two_rules_may_rank_one_column_both_ways() -> None:
    pool = pa.table({"id": list("abcde"), "q": [1.0, 2.0, 3.0, 4.0, 5.0]})
    rule = Intersect(
        intersect=(
            Quantile(quantile=0.2, by="q", order="higher"),
            Quantile(quantile=0.2, by="q", order="lower"),
        )
    )
    assert rule.judge(pool, Given()).verdicts["kept"].to_pylist() == [False, True, True, True, False]


def test_an_intersection_inside_another_keeps_what_both_keep() -> None:
    pool = pa.table({"id": list("abc"), "q": [1.0, 2.0, 3.0]})
    rule = Intersect(intersect=(Intersect(intersect=(Where(where="q > 1"),)), Where(where="q < 3")))
    assert rule.judge(pool, Given()).verdicts["kept"].to_pylist() == [False, True, False]
