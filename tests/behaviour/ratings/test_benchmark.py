"""A benchmark of measures: scipy as the oracle, published numbers, and properties that hold on any data."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.io import loadmat
from scipy.optimize import curve_fit

from groundglass.ratings import resampling
from groundglass.ratings.benchmark import Benchmark, benchmark
from groundglass.ratings.benchmark_details import QUARTILES, ceiling_of
from groundglass.ratings.logistic_curve import fit_logistic
from groundglass.ratings.pair_decisions import decisions, seen_pairs, within_content
from groundglass.ratings.rank_groups import holm, p_of_difference, rank_groups
from groundglass.ratings.rated_images import RatedImages, rated_images
from groundglass.ratings.resampling import Wanted, resample
from groundglass.ratings.scale_methods import CannotScore
from groundglass.ratings.votes import votes_from_matrix
from shared_data import shared

SEEDS = st.integers(0, 10_000)
FEW = settings(max_examples=5, deadline=None)


def made(seed: int, n: int = 120, noise: tuple[float, ...] = (0.3, 0.9)) -> RatedImages:
    """Images with scores a, b, … that follow the MOS with more and more noise."""
    random = np.random.default_rng(seed)
    mos = random.normal(3, 1, n).round(1)
    return rated_images(
        mos, {chr(97 + place): mos + random.normal(0, sd, n) for place, sd in enumerate(noise)}
    )


def by_name(found: Benchmark) -> dict[str, object]:
    return {row.score: row for row in found.scores}


def test_the_published_numbers_of_nflx():
    votes = np.genfromtxt(shared("ratings", "nflx_public_ratings.csv"), delimiter=",")
    images = rated_images(votes[:, 5:].mean(axis=1), {"five": votes[:, :5].mean(axis=1)})
    row = benchmark(images, bootstrap=20).scores[0]
    assert row.srcc == pytest.approx(0.9343262551, abs=0.51e-10)
    assert row.krcc == pytest.approx(0.8191270604, abs=0.51e-10)
    assert row.plcc == pytest.approx(0.9699580644, abs=0.51e-10)
    assert row.plcc_4 == pytest.approx(0.97058413, abs=0.51e-8)
    assert row.plcc_5 == pytest.approx(0.97187574, abs=0.51e-8)


def test_the_published_numbers_of_krasula():
    file = loadmat(shared("ratings", "krasula_data_Toyama.mat"))
    found = [decisions(row, file["signif"][0]) for row in file["objScoDif"]]
    means = np.mean([[one.auc_ds, one.auc_bw, one.cc_0, one.threshold] for one in found], axis=0)
    expected = [0.6976700396090205, 0.9445470030189453, 0.8810538620627641, 3.899105581509778]
    assert means == pytest.approx(expected, abs=1e-13)


@FEW
@given(SEEDS)
def test_correlations_are_scipys(seed: int):
    images = made(seed)
    for row in benchmark(images, bootstrap=0).scores:
        x, y = images.scores[row.score], images.mos
        assert row.srcc == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
        assert row.krcc == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)
        assert row.plcc == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-12)
        assert row.rmse == pytest.approx(float(np.sqrt(np.mean((x - y) ** 2))))


@FEW
@given(SEEDS, st.booleans())
def test_resamples_are_correlations_of_repeated_images(seed: int, tied: bool):
    images = made(seed, 40)
    mos, score = images.mos, images.scores["a"].round(0 if tied else 6)
    kept = np.arange(40) % 5 > 0
    content = np.arange(40) // 3
    found = resample(mos, content, {"a": Wanted(score, kept, (score**3,))}, 4, seed)["a"]
    counts = np.concatenate(list(resampling.draws(content, 4, seed))).astype(int)
    # images of one content are drawn together
    assert (np.ptp(counts[:, :39].reshape(4, 13, 3), axis=2) == 0).all()
    for at in range(4):
        x, y = (np.repeat(values, counts[at] * kept) for values in (score, mos))
        assert found.srcc[at] == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-9)
        assert found.plcc[:, at] == pytest.approx(
            [stats.pearsonr(x, y).statistic, stats.pearsonr(x**3, y).statistic], abs=1e-9
        )


@FEW
@given(SEEDS, st.sampled_from([1.0, -1.0]))
def test_the_four_parameter_curve_is_as_good_as_scipys_best(seed: int, sign: float):
    random = np.random.default_rng(seed)
    x = random.normal(size=150)
    y = 1 + 4 / (1 + np.exp(-sign * 2.5 * (x - 0.3))) + random.normal(0, 0.3, 150)
    fit = fit_logistic(50 * x + 7, y, 4)

    def curve(x, b1, b2, b3, b4):
        return (b1 - b2) / (1 + np.exp(-(x - b3) / b4)) + b2

    best, _ = curve_fit(curve, x, y, [5, 1, 0, sign * 0.5], maxfev=10_000)
    assert fit is not None
    assert ((fit(50 * x + 7) - y) ** 2).sum() <= ((curve(x, *best) - y) ** 2).sum() * (1 + 1e-6)


@FEW
@given(SEEDS, st.sampled_from([4, 5]))
def test_a_curve_never_fits_worse_than_a_straight_line(seed: int, count: int):
    images = made(seed, 80)
    x, y = images.scores["b"], images.mos
    fit = fit_logistic(x, y, count)
    assert fit is not None
    line = stats.linregress(x, y)
    residual = y - line.intercept - line.slope * x
    assert ((fit(x) - y) ** 2).sum() <= (residual**2).sum() * (1 + 1e-4)


def test_too_few_images_have_no_curve_and_say_so():
    row = benchmark(rated_images([1, 2, 3, 4], {"a": [1, 3, 2, 4]}), bootstrap=0).scores[0]
    assert (row.plcc_4, row.plcc_5) == (None, None)
    assert len([note for note in row.notes if "needs more than" in note]) == 2


@FEW
@given(SEEDS)
def test_a_falling_copy_of_a_score_has_the_other_sign_and_the_same_rank(seed: int):
    images = made(seed, noise=(0.5,))
    scores = {"up": images.scores["a"], "down": -images.scores["a"]}
    found = benchmark(rated_images(images.mos, scores), lower=["down"], bootstrap=60)
    up, down = by_name(found)["up"], by_name(found)["down"]
    assert down.srcc == pytest.approx(-up.srcc)
    assert down.srcc_ci95 == pytest.approx((-up.srcc_ci95[1], -up.srcc_ci95[0]))
    assert down.krcc == pytest.approx(-up.krcc)
    assert down.plcc == pytest.approx(-up.plcc)
    assert down.plcc_4 == pytest.approx(up.plcc_4, abs=1e-6)
    assert down.rank_group == up.rank_group == 1
    assert found.pairs[0].difference == pytest.approx(0, abs=1e-12)
    assert found.pairs[0].different is False


def test_a_score_against_its_direction_is_last_and_gets_a_note():
    images = made(1, noise=(0.5,))
    scores = {"up": images.scores["a"] * 1.0, "down": -images.scores["a"]}
    found = benchmark(rated_images(images.mos, scores), bootstrap=100)
    assert [row.score for row in found.scores] == ["up", "down"]
    assert [row.rank_group for row in found.scores] == [1, 2]
    assert any("down: the SRCC is against its direction" in note for note in found.notes)


def test_clear_differences_are_found_and_equal_scores_share_a_group():
    found = benchmark(made(3, 400, (0.3, 0.3, 1.5)), bootstrap=400)
    groups = {row.score: row.rank_group for row in found.scores}
    assert groups == {"a": 1, "b": 1, "c": 2}
    different = {frozenset((pair.a, pair.b)): pair.different for pair in found.pairs}
    assert different == {frozenset("ab"): False, frozenset("ac"): True, frozenset("bc"): True}
    assert all(pair.p_holm >= pair.p for pair in found.pairs)


def test_equal_scores_are_rarely_called_different():
    called = 0
    for seed in range(100):
        images = made(seed, 80, (0.8, 0.8))
        here = np.ones(80, bool)
        drawn = resample(
            images.mos, images.content, {name: Wanted(images.scores[name], here) for name in "ab"}, 200, seed
        )
        ranks = [stats.spearmanr(images.scores[name], images.mos).statistic for name in "ab"]
        called += p_of_difference(ranks[0] - ranks[1], drawn["a"].srcc - drawn["b"].srcc, 80) < 0.05
    assert called <= 13  # 5 are expected; 14 or more have a probability of .0005


def test_contents_widen_the_intervals():
    random = np.random.default_rng(5)
    content = np.repeat(np.arange(20), 15)
    mos = random.normal(3, 1, 300)
    score = mos + random.normal(0, 1.5, 20)[content]
    widths = []
    for names in ((), [f"scene{at}" for at in content]):
        row = benchmark(rated_images(mos, {"a": score}, content=names), bootstrap=300).scores[0]
        widths.append(row.srcc_ci95[1] - row.srcc_ci95[0])
    assert widths[1] > 1.5 * widths[0]


def test_failing_images_are_counted_by_reason_and_pairs_use_the_common_ones():
    mos = np.arange(1.0, 31)
    a: list[object] = [float(value) for value in mos]
    a[0], a[1], a[2], a[3], a[4] = "", "nan", "inf", "n.a.", "broken"
    b: list[object] = [str(value % 7 + value) for value in mos]
    b[29] = None
    found = benchmark(rated_images(mos, {"a": a, "b": b}), bootstrap=50)
    rows = by_name(found)
    assert (rows["a"].n, rows["a"].failed) == (25, 5)
    assert rows["a"].failures == {"empty": 2, "infinite": 1, "text": 2}
    assert (rows["b"].n, rows["b"].failed) == (29, 1)
    pair = found.pairs[0]
    assert pair.n == 24
    here = slice(5, 29)
    expected = stats.spearmanr([float(value) for value in b[here]], mos[here]).statistic
    assert (pair.srcc_b if pair.b == "b" else pair.srcc_a) == pytest.approx(expected)
    assert "two scores are compared on the images that both have" in found.notes


def test_images_without_a_mos_do_not_count_and_are_said():
    found = benchmark(rated_images([1, 2, np.nan, 4, 5], {"a": [1, 2, 3, 4, 5]}), bootstrap=0)
    assert found.scores[0].n == 4
    assert found.scores[0].failed == 0
    assert "1 image has no MOS and does not count" in found.notes


def test_what_cannot_be_compared_is_refused_or_has_a_reason():
    with pytest.raises(CannotScore, match="needs at least 3"):
        benchmark(rated_images([1], {"a": [1]}))
    with pytest.raises(CannotScore, match="the MOS is 3 on all images"):
        benchmark(rated_images([3, 3, 3, 3], {"a": [1, 2, 3, 4]}))
    with pytest.raises(CannotScore, match="no score"):
        benchmark(rated_images([1, 2, 3], {}))
    mos = np.arange(10.0)
    found = benchmark(rated_images(mos, {"flat": [2] * 10, "none": [""] * 10, "copy": mos}), bootstrap=20)
    rows = by_name(found)
    for name, said in (("flat", "it is 2 on all images"), ("none", "it has a value on 0 of 10 images")):
        assert rows[name].srcc is None
        assert rows[name].rank_group is None
        assert rows[name].pair_accuracy is None
        assert said in rows[name].notes[0]
    assert any("is it the MOS itself?" in note for note in rows["copy"].notes)
    assert found.scores[0].score == "copy"


def test_the_json_has_the_keys_that_are_promised_and_no_nan():
    images = made(2, 60)
    found = benchmark(images, bootstrap=20).plain()
    text = json.dumps(found, allow_nan=False)
    assert json.loads(text).keys() >= {"scores", "pairs", "ceiling", "strata", "splits", "gallery"}
    keys = {
        "score", "n", "failed", "srcc", "srcc_ci95", "krcc", "plcc", "plcc_4", "plcc_5", "rmse", "rank_group",
        "auc_ds", "auc_bw", "cc_0",
    }  # fmt: skip
    assert all(row.keys() >= keys for row in found["scores"])
    assert any(note.startswith("auc_ds, auc_bw and cc_0 need") for note in found["notes"])


@FEW
@given(SEEDS)
def test_the_same_seed_gives_the_same_result_in_any_order_of_scores(seed: int):
    images = made(seed, 60)
    other = rated_images(images.mos, {name: images.scores[name] for name in ("b", "a")})
    one, two = (benchmark(each, bootstrap=40, seed=seed).plain() for each in (images, other))
    assert one["scores"] == two["scores"]
    assert one["pairs"] == two["pairs"]


@FEW
@given(SEEDS)
def test_pairs_of_images_are_decided_as_by_hand(seed: int):
    random = np.random.default_rng(seed)
    mos, se = random.normal(3, 1, 25), random.uniform(0.1, 0.5, 25)
    score = mos + random.normal(0, 0.7, 25)
    row = benchmark(rated_images(mos, {"a": score}, se=se), bootstrap=0).scores[0]
    gaps, seen = [], []
    for i in range(25):
        for j in range(i + 1, 25):
            z = (mos[i] - mos[j]) / np.hypot(se[i], se[j])
            gaps.append(score[i] - score[j])
            seen.append(0 if abs(z) <= 1.96 else np.sign(z))
    gap, verdict = np.array(gaps), np.array(seen)
    right = (gap * verdict)[verdict != 0]
    expected = stats.mannwhitneyu(np.abs(gap[verdict != 0]), np.abs(gap[verdict == 0])).statistic
    assert row.auc_ds == pytest.approx(expected / (verdict != 0).sum() / (verdict == 0).sum())
    assert row.auc_bw == pytest.approx(stats.mannwhitneyu(right, -right).statistic / len(right) ** 2)
    assert row.cc_0 == pytest.approx((right > 0).mean())


def test_of_many_images_random_pairs_are_taken():
    pairs = seen_pairs(np.arange(3000.0), np.full(3000, 0.1))
    assert pairs.sampled
    assert (pairs.first != pairs.second).all()


def test_within_contents_only_their_own_pairs_count():
    score = np.array([1.0, 2, 3, 3, 1, 9])
    mos = np.array([1.0, 2, 1, 1, 2, 5])
    content = np.array([0, 0, 1, 1, 1, 2])
    accuracy, pairs = within_content(score, mos, content)
    assert (accuracy, pairs) == (1 / 3, 3)


@FEW
@given(st.lists(st.floats(1e-6, 1), min_size=1, max_size=8))
def test_holm_is_the_textbooks(p: list[float]):
    order = np.argsort(p, kind="stable")
    expected, highest = np.zeros(len(p)), 0.0
    for rank, at in enumerate(order):
        highest = max(highest, min(1, (len(p) - rank) * p[at]))
        expected[at] = highest
    assert holm(p) == pytest.approx(expected.tolist())
    assert holm([*p, None])[-1] is None


def test_rank_groups_begin_with_the_best_of_the_rest():
    strength = {"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.6}
    different = {frozenset("ac"): True, frozenset("ad"): True, frozenset("bd"): True}
    assert rank_groups(strength, different) == {"a": 1, "b": 1, "c": 2, "d": 2}


def test_strata_are_correlations_within_them():
    images = made(4, 90)
    words = ["x", "y", "z"] * 30
    found = benchmark(rated_images(images.mos, images.scores, strata={"kind": words}), bootstrap=50)
    rows = [row for row in found.strata if row["by"] == "kind"]
    assert [(row["stratum"], row["n"]) for row in rows] == [("x", 30), ("y", 30), ("z", 30)]
    for place, row in enumerate(rows):
        for one in row["scores"]:
            x = images.scores[one["score"]][place::3]
            assert one["srcc"] == pytest.approx(stats.spearmanr(x, images.mos[place::3]).statistic)
            assert one["srcc_ci95"][0] < one["srcc"] < one["srcc_ci95"][1]
    quarters = [row for row in found.strata if row["by"] == QUARTILES]
    assert sum(row["n"] for row in quarters) == 90
    assert all(one["mos"][1] < two["mos"][0] for one, two in itertools.pairwise(quarters))


def test_names_are_not_strata():
    images = made(4, 200)
    found = benchmark(
        rated_images(images.mos, images.scores, strata={"file": [str(at) for at in range(200)]}), bootstrap=0
    )
    assert {row["by"] for row in found.strata} == {QUARTILES}
    assert any("file has 200 different values" in note for note in found.notes)


def test_splits_keep_contents_together_and_are_ten():
    images = made(6, 100)
    found = benchmark(images, bootstrap=0).splits
    assert [row["splits"] for row in found] == [10, 10]
    whole = {row.score: row for row in benchmark(images, bootstrap=0).scores}
    for row in found:
        assert row["srcc"]["low"] <= row["srcc"]["median"] <= row["srcc"]["high"]
        assert row["srcc"]["median"] == pytest.approx(whole[row["score"]].srcc, abs=0.1)
    one = rated_images(images.mos, images.scores, content=["x"] * 100)
    assert all(row["srcc"] is None for row in benchmark(one, bootstrap=0).splits)


def test_the_gallery_shows_planted_disagreements():
    mos = np.linspace(1, 5, 50)
    score = mos.copy()
    score[3], score[45] = 10, -10
    names = [f"{at}.png" for at in range(50)]
    found = benchmark(rated_images(mos, {"a": score}, names), bootstrap=0).gallery[0]
    assert found["overrated"][0]["image"] == "3.png"
    assert found["underrated"][0]["image"] == "45.png"
    assert found["overrated"][0]["score_rank"] == 100.0
    lower = benchmark(rated_images(mos, {"a": -score}, names), lower=["a"], bootstrap=0).gallery[0]
    assert [row["image"] for row in lower["overrated"]] == [row["image"] for row in found["overrated"]]


def test_the_human_ceiling_is_that_of_the_raters():
    votes = votes_from_matrix(np.genfromtxt(shared("ratings", "nflx_public_ratings.csv"), delimiter=","))
    found = ceiling_of(votes, votes.items)
    assert (found["items"], found["raters"]) == (79, 26)
    low, high = found["split_half_srcc_range"]
    assert 0.9 < low < found["split_half_srcc"] < high < found["all_raters_srcc"] < 1
    assert found["one_rater_srcc"] < found["split_half_srcc"]
    few = ceiling_of(votes, votes.items[:2])
    assert few["split_half_srcc"] is None
    assert "2 of the images" in few["reason"]
    three = votes_from_matrix([[1, 2, 3], [2, 3, 4], [5, 5, 5]])
    assert "3 raters" in ceiling_of(three, three.items)["reason"]


def test_votes_give_the_errors_that_pairs_need():
    matrix = np.genfromtxt(shared("ratings", "nflx_public_ratings.csv"), delimiter=",")
    votes = votes_from_matrix(matrix)
    mos, se = matrix.mean(axis=1), matrix.std(axis=1, ddof=1) / np.sqrt(26)
    images = rated_images(mos, {"a": matrix[:, 0]}, votes.items)
    one = benchmark(images, votes=votes, bootstrap=0).scores[0]
    two = benchmark(rated_images(mos, {"a": matrix[:, 0]}, se=se), bootstrap=0).scores[0]
    assert (one.auc_ds, one.auc_bw, one.cc_0) == pytest.approx((two.auc_ds, two.auc_bw, two.cc_0))
    assert one.auc_bw > 0.8


def test_four_images_show_no_difference_whose_interval_holds_0():
    images = rated_images(
        np.array([1.0, 2, 3, 4]), {"a": np.array([3.0, 4, 5, 6]), "b": np.array([3.0, 1, 2, 0])}
    )
    (pair,) = benchmark(images, {"b"}, bootstrap=500).pairs
    assert pair.ci95 is not None
    assert pair.ci95[0] <= 0
    assert pair.different is False


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=101, max_size=140),
)
@settings(max_examples=10, deadline=None)
def test_pairs_of_a_large_content_are_counted_as_one_by_one(rows: list[tuple[int, int]]):
    """Many images are sorted, few are listed: both count the same pairs."""
    score, mos = np.array(rows, np.float64).T
    pairs = [(a, b) for a, b in itertools.combinations(range(len(rows)), 2) if mos[a] != mos[b]]
    right = [(1 + np.sign((mos[a] - mos[b]) * (score[a] - score[b]))) / 2 for a, b in pairs]
    accuracy, count = within_content(score, mos, np.zeros(len(rows), np.int64))
    assert count == len(pairs)
    assert accuracy == pytest.approx(np.mean(right)) if pairs else accuracy is None


def test_images_without_a_content_do_not_become_one_content():
    mos = np.arange(12.0)
    found = benchmark(rated_images(mos, {"a": mos}, content=["x"] * 4 + [""] * 8), bootstrap=20)
    assert found.contents == 9
    assert any("8 images have no content" in note for note in found.notes)


def test_a_score_that_is_ranked_alone_is_in_group_1():
    mos = np.arange(12.0)
    found = benchmark(rated_images(mos, {"a": mos, "b": [""] * 12}), bootstrap=20)
    assert [row.rank_group for row in found.scores] == [1, None]


def test_a_flat_curve_is_said():
    mos = np.linspace(1, 5, 30)
    score = mos.copy()
    score[0] = 1e12
    row = benchmark(rated_images(mos, {"a": score}), bootstrap=20).scores[0]
    assert row.plcc_4 is None
    assert any("is flat" in note and "plcc_4 is unknown" in note for note in row.notes)
