"""The limit of a cascade: what a sample shows, and what it cannot show."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundglass.selections.cascade import (
    Calibration,
    Sample,
    calibrate,
    can_show,
    direction,
    dropped_unseen,
    fewest_keepers,
    held_out,
    lower_bound,
    upper_bound,
    weigh,
)

VALUES = st.one_of(
    st.just(math.nan), st.sampled_from([-1.0, 0.0, 0.5, 3.0, 3.0000001, 1e9, math.inf, -math.inf])
)


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    """Any sample: ties, missing values, none or all kept, related or not."""
    count = draw(st.integers(0, 400))
    stream = np.random.default_rng(draw(st.integers(0, 10_000)))
    keeps = stream.random(count) < draw(st.sampled_from([0.0, 0.05, 0.5, 1.0]))
    noise = stream.normal(0, draw(st.sampled_from([0.0, 0.5, 50.0])), count)
    values = draw(st.sampled_from([-1.0, 0.0, 2.0])) * keeps + noise
    if draw(st.booleans()):
        values = np.round(values)
    for value in draw(st.lists(VALUES, max_size=8)):
        if count:
            values[stream.integers(count)] = value
    return Sample(values, keeps, held_out(count))


@settings(max_examples=60)
@given(sample=samples(), wish=st.sampled_from([0.5, 0.9, 0.95, 1.0]))
def test_what_is_dropped_unseen_is_shown_by_the_held_out_rows(sample: Sample, wish: float) -> None:
    found = calibrate(sample, wish)
    dropped = found.drops(sample.values)
    assert not dropped[np.isnan(sample.values)].any(), "no value, no verdict"
    if found.low is None:
        assert not dropped.any()
        return
    tests = sample.held_out
    assert found.keepers == (sample.keeps & tests).sum()
    assert found.found == (sample.keeps & ~dropped & tests).sum()
    assert (found.beyond, found.beyond_keeps) == (
        (dropped & tests).sum(),
        (dropped & tests & sample.keeps).sum(),
    )
    assert lower_bound(found.found, found.keepers) >= wish
    share, low, high = found.recall
    assert low <= share <= high


@settings(max_examples=40)
@given(sample=samples(), wish=st.sampled_from([0.5, 0.9, 0.95]))
def test_a_smaller_wish_never_drops_less(sample: Sample, wish: float) -> None:
    strict, loose = calibrate(sample, wish), calibrate(sample, wish - 0.1)
    assert strict.drops(sample.values).sum() <= loose.drops(sample.values).sum()


@settings(max_examples=40)
@given(sample=samples())
def test_a_recall_of_one_is_never_shown(sample: Sample) -> None:
    assert calibrate(sample, 1.0).low is None


@settings(max_examples=40)
@given(sample=samples(), wish=st.sampled_from([0.5, 0.95]))
def test_a_column_turned_round_drops_the_same_rows(sample: Sample, wish: float) -> None:
    turned = Sample(-sample.values, sample.keeps, sample.held_out)
    one, other = calibrate(sample, wish), calibrate(turned, wish)
    if one.order != other.order:  # where neither way is better both are taken to be "higher"
        assert (one.drops(sample.values) == other.drops(turned.values)).all()


@settings(max_examples=40)
@given(sample=samples())
def test_the_bound_falls_as_the_limit_rises(sample: Sample) -> None:
    limits = np.unique(sample.values[np.isfinite(sample.values)])
    bounds = [weigh(sample, "higher", low).recall[1] for low in limits.tolist()]
    assert bounds == sorted(bounds, reverse=True)


def even_sample(values: list[float], keeps: list[bool]) -> Sample:
    return Sample(np.array(values), np.array(keeps, bool), held_out(len(values)))


def test_a_constant_column_leaves_everything_in_doubt() -> None:
    sample = even_sample([7.0] * 600, [place % 2 == 0 for place in range(600)])
    assert not calibrate(sample, 0.95).drops(sample.values).any()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_next_to_nothing_shows_nothing(count: int) -> None:
    assert calibrate(even_sample([1.0] * count, [True] * count), 0.5).low is None


@pytest.mark.parametrize("keeps", [True, False])
def test_nothing_is_dropped_where_the_rule_keeps_all_alike_or_none(keeps: bool) -> None:
    sample = even_sample([1.0] * 300, [keeps] * 300)
    assert not calibrate(sample, 0.95).drops(sample.values).any()


def test_no_keeper_shows_no_recall() -> None:
    assert calibrate(even_sample([float(n) for n in range(900)], [False] * 900), 0.5).low is None


def test_ties_at_the_limit_stay_in_doubt() -> None:
    values = [float(place // 100) for place in range(900)]
    sample = even_sample(values, [value >= 4 for value in values])
    found = calibrate(sample, 0.95)
    assert found.low == 4
    assert not found.drops(np.array([4.0])).any()


def test_a_relation_that_falls_is_found() -> None:
    values = np.arange(900.0)
    found = calibrate(Sample(values, values < 300, held_out(900)), 0.95)
    assert found.order == "lower"
    assert found.low is not None
    assert 280 < found.low < 310
    assert found.drops(np.array([500.0, 10.0, math.nan])).tolist() == [True, False, False]


def test_a_column_that_says_nothing_saves_next_to_nothing() -> None:
    stream = np.random.default_rng(5)
    sample = Sample(stream.normal(size=3000), stream.random(3000) < 0.3, held_out(3000))
    assert calibrate(sample, 0.95).drops(sample.values).mean() < 0.08


def test_direction_of_nothing_is_higher() -> None:
    nothing = np.array([], float)
    assert direction(nothing, nothing.astype(bool)) == "higher"
    assert direction(np.array([math.nan, 1.0]), np.array([True, False])) == "higher"


@pytest.mark.parametrize("recall", [0.5, 0.8, 0.9, 0.95, 0.99])
def test_the_fewest_are_the_fewest(recall: float) -> None:
    fewest = fewest_keepers(recall)
    assert lower_bound(fewest, fewest) >= recall
    assert lower_bound(fewest - 1, fewest - 1) < recall
    rows = next(rows for rows in range(10_000) if can_show(recall, rows))
    assert held_out(rows).sum() == fewest


def test_bounds_agree_with_published_ones() -> None:
    """Clopper and Pearson's: 90 % two-sided for 10 of 20 is .3020 to .6980 (e.g. R's binom.test)."""
    assert lower_bound(10, 20) == pytest.approx(0.3020, abs=1e-4)
    assert upper_bound(10, 20) == pytest.approx(0.6980, abs=1e-4)
    assert (upper_bound(5, 5), lower_bound(0, 5)) == (1.0, 0.0)


def made_pool(stream: np.random.Generator, likeness: float, rate: float, steps: float | None):
    """Cheap values and whether the costly rule keeps each, of 6,000 rows."""
    cheap = stream.normal(size=6000)
    costly = likeness * cheap + math.sqrt(1 - likeness**2) * stream.normal(size=6000)
    return (np.round(cheap * steps) if steps else cheap), costly > np.quantile(costly, 1 - rate)


@pytest.mark.parametrize(
    ("likeness", "rate", "steps"), [(0.8, 0.3, None), (0.4, 0.3, None), (0.9, 0.1, None), (0.8, 0.5, 3.0)]
)
def test_the_interval_covers_the_true_recall(likeness: float, rate: float, steps: float | None) -> None:
    """Over 300 pools: the true recall is below its wish, or outside either bound, about as seldom as promised."""
    stream = np.random.default_rng(11)
    missed = {"wish": 0, "low": 0, "high": 0, "beyond": 0}
    for _ in range(300):
        values, keeps = made_pool(stream, likeness, rate, steps)
        drawn = stream.permutation(6000)[: int(180 / rate)]
        found = calibrate(Sample(values[drawn], keeps[drawn], held_out(len(drawn))), 0.95)
        dropped = found.drops(values)
        true = 1 - keeps[dropped].sum() / keeps.sum()
        _, low, high = found.recall
        missed["wish"] += bool(true < 0.95)
        missed["low"] += bool(true < low)
        missed["high"] += bool(true > high)
        missed["beyond"] += bool(dropped.any() and keeps[dropped].mean() > found.beyond_at_most)
    most = 300 * 0.05 + 3 * math.sqrt(300 * 0.05 * 0.95)  # three standard errors above the promise
    assert all(count <= most for count in missed.values()), missed


def test_reasons_name_value_limit_and_chance() -> None:
    found = Calibration("lower", 0.25, 100, 100, 80, 0)
    verdicts = dropped_unseen(
        pa.array(["a", "b"]), np.array([0.5, 0.2501]), found, "root.noise", "x = 'it''s'"
    )
    assert verdicts["reason"].to_pylist() == [
        "root.noise 0.500, above 0.25: P(x = 'it''s') at most 3.7 %",
        "root.noise 0.2501, above 0.25: P(x = 'it''s') at most 3.7 %",
    ]
    assert verdicts["margin"].to_pylist() == pytest.approx([-0.25, -0.0001])
    assert verdicts["kept"].to_pylist() == verdicts["failed"].to_pylist() == [False, False]
