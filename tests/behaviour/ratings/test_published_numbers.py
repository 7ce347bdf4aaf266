"""The numbers that other programs and papers give for real votes, to the digits given."""

from __future__ import annotations

import csv
from typing import Any

import numpy as np
import pytest

from groundglass.ratings import agreement, pair_methods, scale_methods, screens
from groundglass.ratings.counts import mos_of_counts
from groundglass.ratings.scale_methods import CannotScore
from groundglass.ratings.scores import PAIR_METHODS, SCALE_METHODS, score_comparisons, score_votes
from groundglass.ratings.votes import Comparisons, Votes, comparisons_from_wins, votes_from_matrix
from shared_data import shared


def real(name: str) -> Votes:
    return votes_from_matrix(np.genfromtxt(shared("ratings", f"{name}.csv"), delimiter=","))


def scores(name: str, method: str, screen: str = "none") -> np.ndarray:
    return np.array([row.score for row in score_votes(real(name), method, screen).items])


def close(value: float, digits: int) -> Any:
    return pytest.approx(value, abs=0.51 * 10**-digits, rel=0)


def test_mos_of_nflx():
    fit = scale_methods.mos(real("nflx_public_ratings"))
    assert fit.score.mean() == close(3.54479065238559, 13)
    assert fit.se.mean() == close(0.12986637295658304, 14)


def test_bt500_of_nflx_with_n_rejects_one_rater_and_with_n_minus_1_none():
    votes = real("nflx_public_ratings")
    found = score_votes(votes, "bt500", "bt500_n")
    assert [row.rater for row in found.raters if row.rejected] == ["2"]
    assert np.mean([row.score for row in found.items]) == close(3.535189873417721, 13)
    assert not screens.bt500(votes).any()


def test_zscore_of_nflx():
    z = scores("nflx_public_ratings", "zscore") * 6 / 100 - 3
    assert z.var() == close(0.7832158907771206, 13)
    assert z[0] == close(-1.6798208320361263, 13)


def test_ap2_of_nflx():
    fit = scale_methods.ap2(real("nflx_public_ratings"))
    assert fit.score.var() == close(1.4355485664344712, 12)
    assert fit.score[:2] == pytest.approx([1.3290798905826646, 2.0589709120509796], abs=1e-12)
    assert fit.iterations == 14
    assert fit.se.mean() == close(0.11655983612267982, 12)
    assert fit.bias.var() == close(0.08903258562151982, 12)
    assert fit.inconsistency.mean() == close(0.6031448530706605, 12)


def test_agreement_of_nflx():
    votes = real("nflx_public_ratings")
    both = agreement.icc(votes)
    assert both is not None
    assert both[0] == close(0.7445728953, 10)
    assert both[1] == close(0.9869775208, 10)
    assert agreement.krippendorff_alpha(votes) == close(0.7417758134, 10)


@pytest.mark.parametrize(
    ("name", "mean", "first", "iterations"),
    [
        ("p910_sample_data", 3.5442828255, [4.9262321956, 4.8718840309, 4.6600243178], 16),
        ("p910_small_sample_data", 3.7274223505, [4.8248877096, 4.7915596001], 24),
    ],
)
def test_ap2_of_the_demo_of_p910(name: str, mean: float, first: list[float], iterations: int):
    fit = scale_methods.ap2(real(name))
    assert fit.score.mean() == close(mean, 10)
    assert fit.score[: len(first)] == pytest.approx(first, abs=0.51e-10, rel=0)
    assert fit.iterations == iterations
    by_default = score_votes(real(name), "ap2")
    assert [row.score for row in by_default.items] == fit.score.tolist()


def test_deviations_of_a_bradley_terry_toy():
    wins = comparisons_from_wins([[0, 3, 2, 7], [1, 0, 6, 3], [4, 3, 0, 0], [1, 2, 5, 0]])
    fit = pair_methods.bradley_terry(wins, ridge=0)
    found = [fit.sd_of_difference(i, j) for i in range(4) for j in range(i)]
    assert np.mean(found) == close(0.60038, 5)


def test_deviations_of_koniq_from_counts():
    with shared("ratings", "koniq10k_distributions_sets.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    shares = [[float(row[f"c{k}"]) for k in range(1, 6)] for row in rows]
    _, sd, _ = mos_of_counts(shares, [float(row["c_total"]) for row in rows])
    assert len(rows) == 10_073
    assert np.abs(sd - [float(row["SD"]) for row in rows]).max() < 1e-11


def test_the_default_screen_finds_exactly_the_planted_raters_and_bt500_does_not():
    votes = real("nflx_public_4outliers_ratings")
    found = score_votes(votes)
    assert [row.rater for row in found.raters if row.rejected] == ["26", "27", "28", "29"]
    assert np.flatnonzero(screens.bt500(votes)).tolist() == [26, 29]
    without = score_votes(real("nflx_public_ratings"))
    assert [row.score for row in found.items] == pytest.approx([row.score for row in without.items])


def test_few_votes_and_random_raters_harm_map_least():
    """5 votes an image of AGH's raters, and 15 random raters with as many votes: Pearson with held-out raters."""
    matrix = np.genfromtxt(shared("ratings", "agh_tv_2017_ratings.csv"), delimiter=",")
    found: dict[str, list[float]] = {"mos": [], "p913": [], "map": []}
    collapsed = 0
    for seed in range(3):
        truth, votes = sparse_with_random_raters(matrix, seed)
        for method in found:
            score = SCALE_METHODS[method](votes).score
            seen = ~np.isnan(score) & ~np.isnan(truth)
            found[method].append(float(np.corrcoef(score[seen], truth[seen])[0, 1]))
        try:
            scale_methods.ap2(votes)
        except CannotScore as error:
            collapsed += "collapses" in str(error)
    mos, p913, best = (float(np.median(found[method])) for method in ("mos", "p913", "map"))
    assert mos == pytest.approx(0.863, abs=0.03)
    assert best == pytest.approx(0.936, abs=0.02)
    assert mos < p913 < best - 0.03
    assert collapsed == 3


def sparse_with_random_raters(matrix: np.ndarray, seed: int) -> tuple[np.ndarray, Votes]:
    random = np.random.default_rng(seed)
    order = random.permutation(matrix.shape[1])
    truth, honest = np.nanmean(matrix[:, order[:49]], axis=1), matrix[:, order[49:]]
    few = np.full(honest.shape, np.nan)
    for item, row in enumerate(honest):
        voters = random.choice(np.flatnonzero(~np.isnan(row)), 5, replace=False)
        few[item, voters] = row[voters]
    planted = random.integers(1, 6, (len(matrix), 15)).astype(float)
    each = round((~np.isnan(few)).sum(axis=0).mean())
    for rater in range(15):
        planted[random.permutation(len(matrix))[each:], rater] = np.nan
    return truth, votes_from_matrix(np.c_[few, planted])


def test_a_matrix_of_wins_in_five_pieces_is_scored_within_pieces():
    wins = np.loadtxt(shared("ratings", "lukas_pc_winmatrix.csv"), delimiter=",")
    found = score_comparisons(comparisons_from_wins(wins))
    assert {row.part for row in found.items} == {1, 2, 3, 4, 5}
    for part in range(1, 6):
        assert sum(row.score or 0 for row in found.items if row.part == part) == pytest.approx(0, abs=1e-9)
    assert any("do not compare scores across parts" in note for note in found.notes)
    assert sum(row.votes for row in found.items) == 2 * 2128


def trials_of_lf() -> Comparisons:
    with shared("ratings", "pwcmp_lf.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["scene"] == "Car"]
    left = [f"{row['dist_type1']}{row['dist_level1']}" for row in rows]
    right = [f"{row['dist_type2']}{row['dist_level2']}" for row in rows]
    items = tuple(dict.fromkeys(left + right))
    numbers = {name: at for at, name in enumerate(items)}
    return Comparisons(
        items,
        ("all",),
        np.array([numbers[name] for name in left]),
        np.array([numbers[name] for name in right]),
        np.zeros(len(rows), np.int64),
        np.array([float(row["selected"] == "1") for row in rows]),
        np.ones(len(rows)),
    )


def in_one_part(trials: Comparisons) -> Comparisons:
    part = pair_methods.parts_of(trials.wins())
    largest = np.bincount(part).argmax()
    at = (part[trials.left] == largest) & (part[trials.right] == largest)
    names = np.flatnonzero(part == largest)
    return Comparisons(
        tuple(trials.items[name] for name in names),
        trials.raters,
        np.searchsorted(names, trials.left[at]),
        np.searchsorted(names, trials.right[at]),
        trials.rater[at],
        trials.choice[at],
        trials.count[at],
    )


def test_bradley_terry_agrees_with_choix_on_real_trials():
    choix = pytest.importorskip("choix", reason="choix, an oracle of the tests, is not installed")
    trials = in_one_part(trials_of_lf())
    won = trials.choice == 1
    winner, loser = np.where(won, trials.left, trials.right), np.where(won, trials.right, trials.left)
    size = len(trials.items)
    # choix minimises alpha ‖v‖² where we have α/2 ‖v‖²
    theirs = choix.opt_pairwise(size, list(zip(winner, loser, strict=True)), alpha=0.005, tol=1e-12)
    ours = pair_methods.bradley_terry(trials, ridge=0.01)
    assert size > 10
    assert ours.score == pytest.approx(theirs - theirs.mean(), abs=2e-5)


@pytest.mark.parametrize("ties", [False, True])
def test_bradley_terry_agrees_with_evalica(ties: bool):
    evalica = pytest.importorskip("evalica", reason="evalica, an oracle of the tests, is not installed")
    trials = in_one_part(trials_of_lf())
    choice = np.where(np.arange(len(trials.choice)) % 5 == 0, 0.5, trials.choice) if ties else trials.choice
    trials = Comparisons(
        trials.items, trials.raters, trials.left, trials.right, trials.rater, choice, trials.count
    )
    words = {1.0: evalica.Winner.X, 0.0: evalica.Winner.Y, 0.5: evalica.Winner.Draw}
    found = evalica.bradley_terry(
        [trials.items[at] for at in trials.left],
        [trials.items[at] for at in trials.right],
        [words[value] for value in choice.tolist()],
        tolerance=1e-12,
        limit=100_000,
    )
    theirs = np.log([found.scores[name] for name in trials.items])
    ours = PAIR_METHODS["bradley_terry"](trials).score if ties else None
    exact = pair_methods.bradley_terry(trials, ridge=0).score
    assert exact == pytest.approx(theirs - theirs.mean(), abs=1e-4)
    assert ours is None or np.abs(ours - exact).max() < 0.05
