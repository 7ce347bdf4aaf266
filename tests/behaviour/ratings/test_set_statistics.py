"""The statistics of a rating set, and the figures of published sets that a card shows beside them."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.published_sets import TOML, toml_of
from scipy import stats

from groundglass.ratings.set_statistics import published_sets, set_statistics
from groundglass.studies.set_statistics_lines import statistics_lines
from shared_data import shared


def test_a_distribution_is_that_of_scipy():
    values = np.random.default_rng(0).gamma(2, size=500)
    one = set_statistics({"quality": [*values, None]}).distributions["quality"]
    assert (one.n, one.missing, sum(one.counts)) == (500, 1, 500)
    assert one.skew == pytest.approx(stats.skew(values))
    assert (one.mean, one.sd) == pytest.approx((values.mean(), values.std(ddof=1)))


def test_groups_are_ranked_and_share_a_rank_if_no_difference_is_shown():
    random = np.random.default_rng(1)
    groups = ["a", "b", "c"] * 60
    scores = random.normal(size=180) + np.array([0.0, 0.05, 3.0] * 60)
    rows = set_statistics({"quality": scores}, groups).groups["quality"]
    assert next(row.group for row in rows) == "c"
    assert {row.group: row.rank_group for row in rows} == {"c": 1, "a": 2, "b": 2}


def test_equal_groups_are_called_different_in_few_tables():
    random, alarms = np.random.default_rng(2), 0
    for _ in range(40):
        rows = set_statistics({"q": random.normal(size=150)}, list("abcde") * 30, bootstrap=300).groups["q"]
        alarms += len({row.rank_group for row in rows}) > 1
    assert alarms <= 5


def test_odd_sets_have_what_can_be_known():
    assert set_statistics({"q": []}).distributions == {}
    equal = set_statistics({"q": [3.0, 3.0], "fit": [1.0, None]}, ["a", None])
    assert equal.distributions["q"].skew is None
    assert equal.distributions["q"].counts == (2,)
    assert equal.together[0].srcc is None
    assert equal.groups["q"][0].ci95 is None
    assert "1 of 2 images have no group" in equal.notes[0]
    assert "not ranked" in set_statistics({"q": range(200)}, [str(one) for one in range(200)]).notes[0]


def test_the_card_shows_published_figures_beside_and_escapes_names():
    found = set_statistics({"quality": range(40), "alignment": range(40)}, ["DALLE3", "a|b*"] * 20)
    text = "\n".join(statistics_lines(found, "meta.generator"))
    assert "| AIGIQA-20K, mos | 14,000 | 3.86 | 0.71 |" in text
    assert "AGIQA-3K: quality and alignment have SRCC 0.742" in text
    assert "## quality by generator" in text
    assert r"a\|b\*" in text
    assert "4.5 |" in next(line for line in text.splitlines() if line.startswith("| DALLE3 |"))


def test_published_figures_are_what_the_public_tables_give():
    shared("ratings", "agiqa3k_data.csv")
    folder = shared("ratings", "aigiqa20k_info_train.csv").parent
    assert toml_of(folder) == TOML.read_text(encoding="utf-8")


def test_the_correlation_of_quality_and_alignment_is_the_published_one():
    agiqa = next(one for one in published_sets() if one["name"] == "AGIQA-3K")
    assert round(agiqa["together"]["srcc"], 3) == 0.742
