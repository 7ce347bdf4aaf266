"""Agreement by stratum: it is that of the stratum's votes alone, and an interval is only given where it can be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundglass.ratings import agreement
from groundglass.ratings.strata import comparisons_by_stratum, votes_by_stratum
from groundglass.ratings.votes import Comparisons, votes_from_matrix


def study(seed: int, items: int = 40, raters: int = 8, spread: float = 0.5) -> np.ndarray:
    random = np.random.default_rng(seed)
    truth = random.uniform(1, 5, items)
    votes = np.clip((truth[:, None] + random.normal(0, spread, (items, raters))).round(), 1, 5)
    votes[random.random(votes.shape) < 0.2] = np.nan
    return votes


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_a_stratum_is_judged_as_if_it_were_the_whole_study(seed: int):
    matrix = study(seed)
    votes = votes_from_matrix(matrix)
    names = np.where(votes.item < 25, "easy", "hard")
    found = {row.stratum: row for row in votes_by_stratum(votes, names.tolist(), [False] * 8)}
    for name, part in {"easy": matrix[:25], "hard": matrix[25:]}.items():
        alone = votes_from_matrix(part)
        row = found[name]
        assert row.agreement == pytest.approx(agreement.krippendorff_alpha(alone))
        assert row.votes == len(alone.score)
        assert row.items == (~np.isnan(part)).any(axis=1).sum()
        assert row.ci95 is not None
        assert row.ci95[0] < row.agreement < row.ci95[1]


def test_rejected_raters_do_not_count():
    matrix = study(3)
    matrix[:, 0] = np.random.default_rng(0).integers(1, 6, len(matrix))
    votes = votes_from_matrix(matrix)
    strata = ["all"] * len(votes.score)
    (row,) = votes_by_stratum(votes, strata, [True] + [False] * 7)
    (without,) = votes_by_stratum(
        votes_from_matrix(matrix[:, 1:]), ["all"] * int((~np.isnan(matrix[:, 1:])).sum()), [False] * 7
    )
    assert row.agreement == pytest.approx(without.agreement)
    assert row.raters == 7


def test_raters_agree_less_where_they_are_noisier():
    matrix = np.vstack([study(1, spread=0.3), study(2, spread=2.0)])
    votes = votes_from_matrix(matrix)
    names = np.where(votes.item < 40, "clear", "noisy")
    clear, noisy = votes_by_stratum(votes, names.tolist(), [False] * 8)
    assert clear.agreement is not None
    assert noisy.agreement is not None
    assert clear.ci95[0] > noisy.ci95[1]


def test_too_few_items_and_equal_votes_have_no_interval():
    votes = votes_from_matrix([[1, 1], [5, 4], [3, 3]])
    (row,) = votes_by_stratum(votes, ["x"] * 6, [False, False])
    assert row.agreement is not None
    assert row.ci95 is None
    equal = votes_from_matrix(np.full((20, 3), 4.0))
    (row,) = votes_by_stratum(equal, ["x"] * 60, [False] * 3)
    assert (row.agreement, row.ci95) == (None, None)
    assert votes_by_stratum(equal, (), [False] * 3) == ()


def test_a_seed_repeats_the_intervals():
    votes = votes_from_matrix(study(5))
    strata = ["x"] * len(votes.score)
    first, again, other = (votes_by_stratum(votes, strata, [False] * 8, seed) for seed in (1, 1, 2))
    assert first == again
    assert first[0].ci95 != other[0].ci95


def test_comparisons_have_the_kappa_of_their_stratum():
    random = np.random.default_rng(4)
    items, raters = tuple("abcdef"), tuple("rstuv")
    left, right = np.array([(a, b) for a in range(6) for b in range(a + 1, 6)] * 5).T
    rater = np.repeat(np.arange(5), 15)
    sure = np.where(left < right, 1.0, 0.0)
    choice = np.where(random.random(75) < 0.1, 1 - sure, sure)
    swapped = random.random(75) < 0.5
    left, right = np.where(swapped, right, left), np.where(swapped, left, right)
    choice = np.where(swapped, 1 - choice, choice)
    all_of_them = Comparisons(items, raters, left, right, rater, choice, np.ones(75))
    (row,) = comparisons_by_stratum(all_of_them, ["x"] * 75)
    assert row.agreement == pytest.approx(agreement.choice_kappa(all_of_them))
    assert (row.items, row.raters, row.votes) == (6, 5, 75)
    assert row.ci95 is not None
    assert row.ci95[0] <= row.agreement <= row.ci95[1]
    names = np.where(rater == 0, "one rater", "others").tolist()
    alone, others = comparisons_by_stratum(all_of_them, names)
    assert (alone.agreement, alone.ci95, alone.votes) == (None, None, 15)
    assert others.votes == 60
