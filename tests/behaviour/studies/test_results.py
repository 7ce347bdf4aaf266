"""Votes of a study become scores, win rates and a verdict on each rater, and it is clear how many are missing."""

from __future__ import annotations

import pytest

from groundglass.ratings.scores import score_votes
from groundglass.ratings.shares import clustered_share, wilson
from groundglass.ratings.votes import votes_from_matrix
from groundglass.recipes.study_model import StudyStep
from groundglass.studies.results import score_study
from groundglass.studies.score_columns import score_columns, score_table
from study_tools import items_table, votes_table

ARMS = StudyStep(protocol="pairwise", folders={"old": "a", "new": "b"}, votes=2)


def rated(rater: str, item: str, score: object, **more: object) -> dict[str, object]:
    return {"rater": rater, "item": item, "score": score, **more}


def test_scores_on_a_scale_are_those_of_the_default_method():
    matrix = [[5, 4, 5], [1, 2, 2], [3, 3, 4]]
    items = items_table(*({"id": f"i{at}"} for at in range(3)))
    votes = [rated(f"r{r}", f"i{i}", matrix[i][r]) for i in range(3) for r in range(3)]
    found = score_study(StudyStep(votes=3), items, votes_table(*votes))
    expected = score_votes(votes_from_matrix(matrix))
    assert [item.score for item in found.items] == [item.score for item in expected.items]
    assert [item.ci95 for item in found.items] == [item.ci95 for item in expected.items]
    assert (found.votes, found.wanted, found.lacking, found.enough) == (9, 9, 0, True)


def test_votes_that_check_or_train_and_undone_ones_do_not_count():
    items = items_table({"id": "a"}, {"id": "b", "role": "gold", "low": 1.0, "high": 1.0})
    votes = votes_table(
        rated("r1", "a", 4),
        rated("r1", "a", 2, kind="repeat"),
        rated("r1", "a", 1, kind="trap"),
        rated("r1", "b", 5, kind="gold", flags=["gold_failed"]),
        rated("r1", "a", 5, kind="train", flags=["train_failed"]),
        rated("r2", "a", 1, undone_by="x"),
    )
    found = score_study(StudyStep(votes=2), items, votes)
    (item,) = found.items
    assert (item.score, item.votes, found.lacking) == (4.0, 1, 1)
    assert (dict(found.raters[0].flags), found.raters[0].misled) == ({"gold_failed": 1}, 1)


def test_a_flagged_vote_still_counts():
    found = score_study(
        StudyStep(votes=1), items_table({"id": "a"}), votes_table(rated("r1", "a", 3, flags=["too_fast"]))
    )
    assert found.items[0].votes == 1


def test_verdicts_give_the_share_of_keep_with_its_interval():
    votes = [rated(f"r{n}", "a", "keep" if n < 3 else "drop", kind="review") for n in range(4)]
    body = StudyStep(protocol="accept", votes=4)
    found = score_study(body, items_table({"id": "a"}, {"id": "b"}), votes_table(*votes))
    assert found.items[0].score == 0.75
    assert found.items[0].ci95 == wilson(3, 4)
    assert found.items[1].score is None
    assert found.lacking == 4
    table = score_table(body, found).to_pylist()
    assert table[0] == {
        "id": "a",
        "score": 0.75,
        "ci_low": wilson(3, 4)[0],
        "ci_high": wilson(3, 4)[1],
        "votes": 4,
    }
    assert table[1]["score"] is None
    assert table[1]["votes"] == 0


def test_a_pair_of_low_and_high_quality_is_one_unit():
    body = StudyStep(protocol="pair_accept", folders={"lq": "a", "hq": "b"}, votes=1)
    items = items_table({"id": "l", "arm": "lq", "content": "x"}, {"id": "h", "arm": "hq", "content": "x"})
    votes = votes_table({"rater": "r1", "left": "l", "right": "h", "score": "drop", "kind": "review"})
    found = score_study(body, items, votes)
    assert [(item.row, item.score, item.votes) for item in found.items] == [("x", 0.0, 1)]
    assert found.enough


def test_a_win_is_a_win_on_either_side():
    items = items_table(
        *({"id": f"{arm}{n}", "arm": arm, "content": f"c{n}"} for n in range(4) for arm in ("old", "new"))
    )
    votes = []
    for n in range(4):
        votes.append({"rater": "r1", "left": f"new{n}", "right": f"old{n}", "score": "left", "kind": "pair"})
        votes.append({"rater": "r2", "left": f"old{n}", "right": f"new{n}", "score": "right", "kind": "pair"})
    found = score_study(ARMS, items, votes_table(*votes))
    (rate,) = found.arms
    assert (rate.one, rate.other, rate.rate, rate.votes, rate.contents) == ("old", "new", 0.0, 8, 4)
    # Eight votes on four images that all agree say no more than four do.
    assert rate.ci95 == wilson(0, 4)
    assert {item.score for item in found.items} == {0.0}
    assert {rater.left for rater in found.raters} == {1.0, 0.0}


def test_images_compared_with_each_other_get_scores_in_their_order():
    items = items_table(*({"id": name} for name in "abc"))
    wins = [("a", "b", 5), ("b", "a", 1), ("b", "c", 5), ("c", "b", 1), ("a", "c", 5), ("c", "a", 1)]
    votes = [
        {"rater": f"r{n}", "left": one, "right": other, "score": "left", "kind": "pair"}
        for one, other, many in wins
        for n in range(many)
    ]
    found = score_study(StudyStep(protocol="pairwise", votes=12), items, votes_table(*votes))
    scores = {item.row: item.score for item in found.items}
    assert scores["a"] > scores["b"] > scores["c"]
    assert [item.votes for item in found.items] == [12, 12, 12]
    assert (found.wanted, found.lacking) == (18, 0)


def test_an_image_with_a_narrow_interval_needs_no_more_votes():
    body = StudyStep(protocol="slider", votes=9, stop=60.0)
    items = items_table({"id": "a"}, {"id": "b"}, {"id": "c"})
    votes = [rated(f"r{r}", i, 50 + 10 * at + r) for at, i in enumerate("abc") for r in range(3)]
    assert score_study(body, items, votes_table(*votes)).enough
    assert score_study(StudyStep(protocol="slider", votes=9), items, votes_table(*votes)).lacking == 18


def test_several_sliders_have_a_column_each():
    body = StudyStep(protocol="slider", dimensions=("quality", "fit"), votes=1)
    votes = votes_table(
        rated("r1", "a", {"quality": 80, "fit": 10}), rated("r2", "a", {"quality": 70, "fit": 20})
    )
    found = score_study(body, items_table({"id": "a"}), votes)
    (row,) = score_table(body, found).to_pylist()
    assert list(row) == ["id", *score_columns(body)]
    assert (row["quality"], row["fit"], row["votes"]) == (pytest.approx(75), pytest.approx(15), 2)


def test_a_study_without_votes_has_rows_without_scores():
    for body in (StudyStep(), StudyStep(protocol="accept"), StudyStep(protocol="pairwise")):
        found = score_study(body, items_table({"id": "a"}, {"id": "b"}), votes_table())
        assert [item.score for item in found.items] == [None, None]
        assert found.lacking == found.wanted > 0


def test_repeats_show_whether_raters_agree_with_themselves():
    items = items_table(*({"id": f"i{n}"} for n in range(4)))
    votes = [rated("r1", f"i{n}", n + 1) for n in range(4)]
    votes += [rated("r1", f"i{n}", 4 - n, kind="repeat") for n in range(4)]
    assert score_study(StudyStep(), items, votes_table(*votes)).raters[0].repeat == pytest.approx(-1)


def test_votes_on_one_content_count_as_fewer_when_they_agree():
    alike = clustered_share([10, 0, 10, 0], [10, 10, 10, 10])
    mixed = clustered_share([5, 5, 5, 5], [10, 10, 10, 10])
    assert alike is not None
    assert mixed is not None
    assert alike[0] == mixed[0] == 0.5
    assert alike[1][1] - alike[1][0] > mixed[1][1] - mixed[1][0]
    assert mixed[1] == wilson(20, 40)
    assert clustered_share([], []) is None
