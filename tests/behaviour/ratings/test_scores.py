"""Properties of scores from votes, and what the methods refuse or say."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundglass.ratings import agreement, scale_methods, screens
from groundglass.ratings.counts import mos_of_counts
from groundglass.ratings.scale_methods import CannotScore
from groundglass.ratings.scores import (
    PAIR_METHODS,
    SCALE_METHODS,
    Scores,
    score_comparisons,
    score_votes,
)
from groundglass.ratings.votes import Votes, comparisons_from_wins, votes_from_matrix

SEEDS = st.integers(0, 10_000)
FEW = settings(max_examples=15, deadline=None)


def study(seed: int, items: int = 30, raters: int = 12, spread: float = 0.6) -> np.ndarray:
    """Votes 1 to 5 with a bias for each rater."""
    random = np.random.default_rng(seed)
    truth, bias = random.uniform(1, 5, items), random.normal(0, 0.4, raters)
    noisy = truth[:, None] + bias + random.normal(0, spread, (items, raters))
    return np.clip(noisy.round(), 1, 5)


def values(found: Scores) -> np.ndarray:
    return np.array([np.nan if row.score is None else row.score for row in found.items])


@FEW
@given(SEEDS, st.sampled_from(list(SCALE_METHODS)))
def test_the_order_of_items_and_raters_changes_nothing_but_the_order(seed: int, method: str):
    matrix = study(seed)
    random = np.random.default_rng(seed)
    items, raters = random.permutation(30), random.permutation(12)
    one = score_votes(votes_from_matrix(matrix), method)
    other = score_votes(votes_from_matrix(matrix[items][:, raters]), method)
    assert values(other) == pytest.approx(values(one)[items], abs=1e-6)
    for key in ("bias", "inconsistency", "rejected"):
        found = [getattr(row, key) for row in other.raters]
        assert found == pytest.approx([getattr(one.raters[at], key) for at in raters], abs=1e-6)


@FEW
@given(SEEDS, st.sampled_from(["map", "ap2", "p913"]), st.floats(-3, 3))
def test_a_rater_who_is_stricter_changes_no_order(seed: int, method: str, shift: float):
    matrix = study(seed)
    moved = matrix.copy()
    moved[:, 3] += shift
    one, other = (values(score_votes(votes_from_matrix(m), method, "none")) for m in (matrix, moved))
    # the prior of map keeps a thirtieth of the shift, which moves the weights a little
    apart = np.abs(one[:, None] - one) > (0.08 if method == "map" else 1e-6)
    assert (np.sign(one[:, None] - one)[apart] == np.sign(other[:, None] - other)[apart]).all()


@FEW
@given(SEEDS, st.sampled_from(["map", "mos", "p913", "ap2"]), st.floats(0.5, 20), st.floats(-50, 50))
def test_scores_follow_a_change_of_the_scale(seed: int, method: str, factor: float, shift: float):
    matrix = study(seed)
    one = score_votes(votes_from_matrix(matrix), method, "none")
    other = score_votes(votes_from_matrix(factor * matrix + shift), method, "none")
    assert values(other) == pytest.approx(factor * values(one) + shift, rel=1e-5, abs=1e-5)


@FEW
@given(SEEDS, st.floats(0.5, 20), st.floats(-50, 50))
def test_zscore_does_not_depend_on_a_raters_use_of_the_scale(seed: int, factor: float, shift: float):
    matrix = study(seed)
    moved = matrix.copy()
    moved[:, 5] = factor * moved[:, 5] + shift
    one, other = (values(score_votes(votes_from_matrix(m), "zscore", "none")) for m in (matrix, moved))
    assert other == pytest.approx(one, abs=1e-8)


@FEW
@given(SEEDS, st.sampled_from(list(PAIR_METHODS)))
def test_swapped_sides_and_names_change_no_score_of_pairs(seed: int, method: str):
    random = np.random.default_rng(seed)
    wins = random.integers(1, 6, (7, 7))
    np.fill_diagonal(wins, 0)
    comparisons = comparisons_from_wins(wins)
    swapped = replace(
        comparisons, left=comparisons.right, right=comparisons.left, choice=1 - comparisons.choice
    )
    order = random.permutation(7)
    one = score_comparisons(comparisons, method)
    assert values(score_comparisons(swapped, method)) == pytest.approx(values(one), abs=1e-8)
    renamed = score_comparisons(comparisons_from_wins(wins[np.ix_(order, order)]), method)
    assert values(renamed) == pytest.approx(values(one)[order], abs=1e-8)
    against = score_comparisons(comparisons_from_wins(wins.T), method)
    assert values(against) == pytest.approx(-values(one), abs=1e-8)


@FEW
@given(SEEDS)
def test_three_random_raters_of_21_are_found(seed: int):
    random = np.random.default_rng(seed)
    matrix = np.c_[study(seed, 60, 18), random.integers(1, 6, (60, 3))]
    order = random.permutation(21)
    found = score_votes(votes_from_matrix(matrix[:, order]))
    rejected = {int(row.rater) for row in found.raters if row.rejected}
    assert rejected == set(np.flatnonzero(order >= 18).tolist())
    assert any("rejects 3 raters" in note for note in found.notes)


def test_intervals_of_map_hold_the_truth_about_as_often_as_they_say():
    random = np.random.default_rng(5)
    truth = random.uniform(0, 100, 400)
    spread = random.uniform(5, 20, 15)
    votes = votes_from_matrix(truth[:, None] + spread * random.normal(size=(400, 15)))
    widths: list[float] = []
    for bootstrap in (0, 200):
        found = score_votes(votes, "map", bootstrap=bootstrap)
        held = [
            row.ci95[0] <= true <= row.ci95[1]
            for row, true in zip(found.items, truth, strict=True)
            if row.ci95
        ]
        assert np.mean(held) > 0.86
        widths.append(np.mean([row.ci95[1] - row.ci95[0] for row in found.items if row.ci95]))
    assert widths[1] == pytest.approx(widths[0], rel=0.6)


def test_bootstrap_intervals_of_comparisons_are_near_those_of_the_likelihood():
    random = np.random.default_rng(2)
    truth = np.array([1.0, 0.3, -0.3, -1.0])
    left, right = (random.integers(0, 4, 1200) for _ in range(2))
    here = left != right
    left, right = left[here], right[here]
    choice = (random.random(len(left)) < 1 / (1 + np.exp(truth[right] - truth[left]))).astype(float)
    from groundglass.ratings.votes import Comparisons

    comparisons = Comparisons(
        tuple("abcd"), tuple(map(str, range(30))), left, right, random.integers(0, 30, len(left)),
        choice, np.ones(len(left)),
    )  # fmt: skip
    plain, drawn = (score_comparisons(comparisons, bootstrap=n) for n in (0, 200))
    for one, other, true in zip(plain.items, drawn.items, truth, strict=True):
        assert one.ci95 is not None
        assert other.ci95 is not None
        assert np.diff(other.ci95) == pytest.approx(np.diff(one.ci95), rel=0.4)
        assert one.score == pytest.approx(true, abs=0.35)
    again = score_comparisons(comparisons, bootstrap=200)
    assert again == drawn


def test_one_jod_is_75_percent():
    wins = comparisons_from_wins([[0, 75], [25, 0]])
    for method in PAIR_METHODS:
        better, worse = score_comparisons(wins, method).items
        assert better.jod is not None
        assert worse.jod is not None
        assert better.jod - worse.jod == pytest.approx(1, abs=0.01)


def test_ap2_refuses_to_collapse_and_names_the_rater():
    votes = votes_from_matrix([[1, 2, 1], [3, 4, 5], [5, 4, 2], [2, 3, 2]])
    with pytest.raises(CannotScore, match="inconsistency of rater '1'"):
        score_votes(votes, "ap2")


def test_ap2_says_that_few_votes_make_it_unreliable():
    found = score_votes(votes_from_matrix(study(1, 20, 40, 0.9)), "ap2")
    assert any("the median rater has 20 votes" in note for note in found.notes)


def test_zscore_leaves_constant_raters_out_and_names_them():
    matrix = study(3)
    matrix[:, 4] = 3
    found = score_votes(votes_from_matrix(matrix), "zscore", "none")
    assert [row.rater for row in found.raters if row.rejected] == ["4"]
    assert any("'4'" in note and "all the same" in note for note in found.notes)
    assert values(found) == pytest.approx(
        values(score_votes(votes_from_matrix(np.delete(matrix, 4, axis=1)), "zscore", "none"))
    )
    with pytest.raises(CannotScore, match="zscore needs different votes"):
        score_votes(votes_from_matrix(np.full((5, 4), 3.0)), "zscore")


def test_constant_raters_are_rejected_by_correlation_and_named_without_a_screen():
    matrix = study(3)
    matrix[:, 4] = 3
    assert screens.correlation(votes_from_matrix(matrix)).nonzero()[0].tolist() == [4]
    kept = score_votes(votes_from_matrix(matrix), "mos", "none")
    assert any("'4'" in note and "count" in note for note in kept.notes)


def test_zscore_takes_sessions_apart():
    """A rater who changes the use of the scale between sessions loses nothing."""
    matrix = study(4, 40, 6)
    item, rater = np.indices(matrix.shape)
    session = (item >= 20).astype(np.int64)
    names = tuple(map(str, range(40))), tuple("abcdef")
    arrays = item.ravel(), rater.ravel()
    plain = Votes(*names, *arrays, matrix.ravel(), session.ravel())
    moved = Votes(
        *names, *arrays, np.where((session == 1) & (rater == 2), 2 * matrix + 7, matrix).ravel(), session.ravel()
    )  # fmt: skip
    assert values(score_votes(moved, "zscore", "none")) == pytest.approx(
        values(score_votes(plain, "zscore", "none"))
    )


@pytest.mark.parametrize("method", ["map", "mos", "p913"])
def test_one_rater_one_item_one_vote_and_equal_votes_have_scores_and_a_note(method: str):
    one_rater = score_votes(votes_from_matrix([[5], [3], [1]]), method)
    assert np.argsort(values(one_rater)).tolist() == [2, 1, 0]
    assert any("one rater" in note for note in one_rater.notes)
    one_item = score_votes(votes_from_matrix([[5, 4, 3]]), method)
    assert values(one_item) == pytest.approx([4])
    assert any("one item" in note for note in one_item.notes)
    one_vote = score_votes(votes_from_matrix([[5]]), method)
    assert values(one_vote) == pytest.approx([5])
    equal = score_votes(votes_from_matrix(np.full((6, 5), 3.0)), method)
    assert values(equal) == pytest.approx([3] * 6)
    assert any("all votes are equal" in note for note in equal.notes)
    assert equal.agreement["krippendorff_alpha"] is None
    for found in (one_rater, one_item, one_vote, equal):
        json.dumps(found.plain(), allow_nan=False)
    assert score_votes(votes_from_matrix([[5]]), "mos").items[0].ci95 is None


def test_items_that_nobody_saw_have_no_score():
    matrix = study(6)
    matrix[7] = np.nan
    for method in SCALE_METHODS:
        found = score_votes(votes_from_matrix(matrix), method)
        assert (found.items[7].score, found.items[7].ci95, found.items[7].votes) == (None, None, 0)
        assert any("nobody voted on 1 item ('7')" in note for note in found.notes)
        assert not np.isnan(np.delete(values(found), 7)).any()


def test_votes_in_pieces_are_said():
    matrix = np.full((40, 20), np.nan)
    matrix[:20, :10], matrix[20:, 10:] = study(1, 20, 10), study(2, 20, 10)
    found = score_votes(votes_from_matrix(matrix))
    assert any("2 pieces" in note for note in found.notes)
    assert not found.in_one_piece


def test_map_has_no_interval_if_nothing_shows_how_far_votes_err():
    found = score_votes(votes_from_matrix([[5, np.nan], [np.nan, 3]]))
    assert [row.ci95 for row in found.items] == [None, None]


def test_repeated_votes_count_once_and_show_how_far_a_rater_agrees_with_themselves():
    matrix = study(8, 20, 5)
    item, rater = (part.ravel() for part in np.indices(matrix.shape))
    double = rater == 1
    votes = Votes(
        tuple(map(str, range(20))),
        tuple("abcde"),
        np.r_[item, item[double]],
        np.r_[rater, rater[double]],
        np.r_[matrix.ravel(), matrix.ravel()[double]],
        np.zeros(120, np.int64),
    )
    found = score_votes(votes)
    assert values(found) == pytest.approx(values(score_votes(votes_from_matrix(matrix))))
    assert found.agreement["repeat_correlation"] == {"b": pytest.approx(1)}
    assert any("20 votes repeat" in note for note in found.notes)
    assert [row.votes for row in found.items] == [5] * 20


def test_an_item_that_always_won_has_no_score_and_the_others_do():
    found = score_comparisons(comparisons_from_wins([[0, 5, 5], [0, 0, 3], [0, 2, 0]]))
    assert [row.score is None for row in found.items] == [True, False, False]
    assert any("'0'" in note and "every" in note for note in found.notes)
    with pytest.raises(CannotScore, match="no score for any item"):
        score_comparisons(comparisons_from_wins([[0, 5], [0, 0]]))


def test_a_tie_is_half_a_win_for_each():
    wins = comparisons_from_wins([[0, 2, 1], [2, 0, 2], [1, 2, 0]])
    ties = replace(wins, choice=np.full(len(wins.choice), 0.5))
    found = score_comparisons(ties)
    assert values(found) == pytest.approx([0, 0, 0], abs=1e-9)
    assert any("every comparison is a tie" in note for note in found.notes)


def test_agreement_of_copies_and_of_chance():
    matrix = study(9, 50, 1)
    copies = votes_from_matrix(np.repeat(matrix, 6, axis=1))
    assert agreement.krippendorff_alpha(copies) == pytest.approx(1)
    assert agreement.icc(copies) == pytest.approx((1, 1))
    assert agreement.split_half(copies) == pytest.approx(1)
    random = votes_from_matrix(np.random.default_rng(0).integers(1, 6, (400, 6)).astype(float))
    assert agreement.krippendorff_alpha(random) == pytest.approx(0, abs=0.03)
    assert agreement.icc(votes_from_matrix([[1, 2], [np.nan, 3]])) is None


def test_kappas():
    # Fleiss 1971's method on two raters who agree on 3 of 4 items, with verdicts 5 : 3
    assert agreement.fleiss_kappa([[2, 0], [2, 0], [0, 2], [1, 1]]) == pytest.approx(
        (0.75 - (25 + 9) / 64) / (1 - (25 + 9) / 64)
    )
    assert agreement.cohen_kappa(["a", "b"], ["b", "a"]) == pytest.approx(-1)
    assert agreement.cohen_kappa(["a"], ["a"]) is None
    with pytest.raises(ValueError, match="same items"):
        agreement.cohen_kappa(["a"], [])


def test_counts_give_what_the_votes_give():
    random = np.random.default_rng(1)
    votes = random.integers(1, 6, (10, 30))
    counts = np.stack([(votes == level).sum(axis=1) for level in range(1, 6)], axis=1)
    mean, sd, se = mos_of_counts(counts, np.full(10, 30))
    assert mean == pytest.approx(votes.mean(axis=1))
    assert sd == pytest.approx(votes.std(axis=1, ddof=1))
    assert se == pytest.approx(sd / np.sqrt(30))
    with pytest.raises(ValueError, match="negative"):
        mos_of_counts([[-1, 2, 0, 0, 0]], [3])


@pytest.mark.parametrize("wrong", [[[1, np.inf]], [1, 2, 3]])
def test_infinite_votes_and_other_shapes_are_refused(wrong: list[float]):
    with pytest.raises(ValueError):
        votes_from_matrix(wrong)


@pytest.mark.parametrize(("each", "least"), [(3, 0.87), (5, 0.9), (12, 0.92)])
def test_the_intervals_of_map_hold_the_truth_with_few_votes_too(each: int, least: float):
    held: list[float] = []
    for seed in range(8):
        random = np.random.default_rng(seed)
        truth, bias = random.uniform(1.5, 4.5, 100), random.normal(0, 0.35, 15)
        votes = truth[:, None] + bias - bias.mean() + random.normal(0, 0.65, (100, 15))
        for row in votes:
            row[random.choice(15, 15 - each, replace=False)] = np.nan
        fit = scale_methods.map_scores(votes_from_matrix(votes))
        error = fit.score - truth
        held.append(float(np.mean(abs(error - error.mean()) <= fit.half)))
    assert least <= np.mean(held) <= 0.99
