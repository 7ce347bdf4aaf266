"""Charts: every value is counted once, lines stand where their number is, text is harmless."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundglass.reports.charts_svg import (
    Axis,
    bin_counts,
    choose_axis,
    distribution,
    funnel_bar,
    histogram,
)

NUMBERS = st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=60).map(np.array)
SVG = "{http://www.w3.org/2000/svg}"


def parts(text: str) -> dict[str, ET.Element]:
    return {node.get("data-part"): node for node in ET.fromstring(text).iter() if node.get("data-part")}


@given(NUMBERS, st.integers(1, 64))
def test_every_value_is_in_one_bar(values, bins):
    assert bin_counts(values, choose_axis(values), bins).sum() == len(values)


@given(NUMBERS, st.floats(-1e6, 1e6))
def test_limit_is_always_on_the_axis(values, limit):
    axis = choose_axis(values, (limit,))
    assert axis.low <= limit <= axis.high
    assert axis.low < axis.high


@given(NUMBERS)
def test_place_grows_with_the_value(values):
    axis = choose_axis(values)
    places = [axis.place(value) for value in np.sort(values)]
    assert places == sorted(places)
    assert 0 <= min(places) <= max(places) <= 1


@given(NUMBERS)
def test_ticks_lie_on_the_axis_in_order(values):
    axis = choose_axis(values)
    ticks = axis.ticks()
    assert ticks == sorted(set(ticks))
    slack = 1e-6 * (axis.high - axis.low)
    assert all(axis.low - slack <= tick <= axis.high + slack for tick in ticks)
    assert len(ticks) <= 10


def test_long_tail_is_logarithmic_and_a_few_zeros_do_not_hinder_it():
    tail = np.exp(np.random.default_rng(1).normal(2, 1.5, 5000))
    assert choose_axis(tail).log
    with_zeros = choose_axis(np.append(tail, [0.0, 0.0]))
    assert with_zeros.log
    assert with_zeros.cut_low
    assert not choose_axis(np.random.default_rng(1).normal(50, 5, 5000)).log


def test_outlier_does_not_squeeze_the_rest():
    axis = choose_axis(np.append(np.random.default_rng(1).normal(0, 1, 2000), 1e6))
    assert axis.high < 10
    assert axis.cut_high
    assert not axis.cut_low


@pytest.mark.parametrize("keep", ["below", "above"])
def test_kept_and_dropped_sides_meet_at_the_line(keep):
    axis = Axis(0, 100)
    found = parts(histogram(np.linspace(0, 100, 500), axis, "a", "title", limit=30.0, keep=keep))
    kept, dropped = (
        {key: float(found[part].get(key)) for key in ("x", "width")} for part in ("kept", "dropped")
    )
    low, high = (kept, dropped) if keep == "below" else (dropped, kept)
    assert (low["x"], low["width"]) == (0, pytest.approx(288))
    assert (high["x"], high["x"] + high["width"]) == (pytest.approx(288), pytest.approx(960))
    assert "translate(288.00 0)" in found["limit"].get("transform")


def test_bars_are_as_high_as_their_counts():
    text = histogram(np.repeat([1.0, 5.0, 9.0], [10, 20, 40]), Axis(0, 10), "a", "title")
    heights = [float(number) for number in re.findall(r"v-([\d.]+)h", text)]
    assert heights[2] == pytest.approx(160)
    assert heights[1] == pytest.approx(2 * heights[0])
    assert heights[2] == pytest.approx(4 * heights[0])


def test_empty_pool_is_still_a_chart():
    text = histogram(np.array([np.nan, np.inf]), choose_axis(np.array([])), "a", "nothing")
    assert ET.fromstring(text).tag == f"{SVG}svg"


def test_titles_are_escaped():
    nasty = "</title><script>alert(1)</script>\"'"
    text = histogram(np.arange(20.0), Axis(0, 20), "a", nasty)
    tree = ET.fromstring(text)
    assert tree.find(f"{SVG}title").text == nasty
    assert not list(tree.iter(f"{SVG}script"))


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_funnel_bar_never_leaves_its_room(whole, rows_in, rows_out):
    bars = list(ET.fromstring(funnel_bar(whole, rows_in, rows_out, "t")).iter(f"{SVG}rect"))
    assert all(0 <= float(bar.get("width")) <= 240.01 for bar in bars)


def test_distribution_spans_its_width():
    path = distribution(np.random.default_rng(1).normal(0, 1, 500), Axis(-3, 3))
    assert sum(float(step) for step in re.findall(r"h([\d.]+)", path)) == pytest.approx(120, abs=0.5)
