"""The arithmetic of a scorecard."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundglass.audits.scorecard import (
    area,
    candidates,
    curve_of,
    kept_share,
    knee,
    points,
    stands_out,
    suggest,
)
from groundglass.ratings.shares import wilson
from groundglass.tables.step_record import Threshold

BELOW, ABOVE = Threshold("blockiness", "<", 30.0), Threshold("laplacian_variance", ">=", 60.0)
numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40).map(np.array)


@pytest.mark.parametrize(
    ("hits", "n", "interval"),
    [
        (8, 10, (0.490, 0.943)),
        (0, 9, (0.0, 0.299)),
        (50, 100, (0.404, 0.596)),
        (1, 1, (0.207, 1.0)),
        (0, 0, (0, 1)),
    ],
)
def test_wilsons_interval_has_its_published_values(hits: int, n: int, interval: tuple[float, float]):
    assert wilson(hits, n) == pytest.approx(interval, abs=6e-4)


@given(n=st.integers(1, 500), share=st.floats(0, 1))
def test_the_interval_holds_the_share_and_mirrors(n: int, share: float):
    hits = round(share * n)
    low, high = wilson(hits, n)
    assert 0 <= low <= hits / n + 1e-12
    assert hits / n - 1e-12 <= high <= 1
    assert wilson(n - hits, n) == pytest.approx((1 - high, 1 - low))


@given(values=numbers, limits=numbers, op=st.sampled_from(["<", "<=", ">", ">="]))
def test_shares_kept_are_those_that_counting_gives(values: np.ndarray, limits: np.ndarray, op: str):
    import operator

    compare = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}[op]
    counted = [compare(values, limit).mean() for limit in limits]
    assert kept_share(values, op, limits) == pytest.approx(counted)


@given(values=numbers, op=st.sampled_from(["<", "<=", ">", ">="]))
def test_candidates_go_from_loose_to_strict(values: np.ndarray, op: str):
    kept = kept_share(values, op, candidates(op, values))
    assert (np.diff(kept) <= 0).all()


@pytest.mark.parametrize("limit", [BELOW, ABOVE], ids=str)
def test_the_suggested_threshold_is_the_loosest_that_reaches_it(limit: Threshold):
    sign = 1 if limit.op == "<" else -1
    clean = sign * np.linspace(1, 5, 100)
    defective = sign * np.linspace(8, 20, 40)
    found, why = suggest(Threshold(limit.column, limit.op, sign * 1000.0), defective, clean)
    assert why == ""
    assert found is not None
    assert found.recall >= 0.95
    assert found.clean_lost == 0
    value = float(found.where.split()[-1])
    assert sign * value == pytest.approx(np.sort(sign * defective)[2], rel=0.02)
    assert found.where.startswith(f"{limit.column} {limit.op} ")


def test_no_threshold_is_suggested_that_is_not_needed_or_costs_more_than_it_gives():
    clean = np.linspace(1, 5, 100)
    assert suggest(BELOW, np.full(10, 99.0), clean) == (None, "reached already")
    none, why = suggest(BELOW, np.full(10, 1.5), clean)
    assert none is None
    assert "of the clean images" in why


def test_versions_without_a_value_count_as_caught():
    assert suggest(BELOW, np.full(10, np.nan), np.ones(5)) == (None, "reached already")


def test_a_column_stands_out_where_it_tells_defects_from_clean_in_the_gates_own_direction():
    clean, worse, better = np.arange(10.0), np.arange(20.0, 30), np.arange(-30.0, -20)
    assert area(BELOW, worse, clean) == 1
    assert area(BELOW, better, clean) == 0
    assert area(BELOW, clean, clean) == pytest.approx(0.5)
    assert stands_out(ABOVE, better, clean)
    assert not stands_out(ABOVE, worse, clean)


def test_the_knee_of_two_clouds_lies_between_them():
    random = np.random.default_rng(0)
    clean, defective = random.normal(10, 1, 200), random.normal(40, 1, 200)
    tried = points(
        BELOW, candidates("<", clean, defective), np.concatenate([clean, defective]), clean, defective
    )
    best = knee(tried)
    assert clean.max() < best.limit <= defective.min() + 1
    assert best.recall >= 0.99
    assert best.clean_lost == 0
    assert best.kept == pytest.approx(0.5, abs=0.01)


def test_a_curve_of_nothing_is_empty_and_of_equal_values_one_point():
    empty = np.empty(0)
    assert curve_of(BELOW, empty, empty, empty) == []
    assert len(curve_of(BELOW, np.full(9, 3.0), np.full(9, 3.0), empty)) == 1
