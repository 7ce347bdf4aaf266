"""A threshold search: it finds what is there, finds nothing where nothing is, and compares at equal counts.

Trainings are stood in for by a mean: a set of images scores the mean of their worths, and each scored image adds noise
of its own. So hundreds of searches take seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from groundglass.proofs.threshold_found import BETTER, NOT_COMPARED, SAME, WORSE, Found, read_found
from groundglass.proofs.threshold_search import Candidate, in_halves, prepare_search, search
from groundglass.proofs.units import Ready
from groundglass.tables.rows import ROWS

THETAS = (0, 25, 50, 75)
SCORED = 40


def rows(numbers: NDArray[Any], tiles: int = 1) -> pa.Table:
    """A row for each number; so many of them are tiles of one photo."""
    found = [
        dict.fromkeys(ROWS.names, "")
        | {"id": f"{n:05d}", "root": f"{n // tiles:05d}", "sha256": f"{n:05d}", "width": 64, "height": 64}
        for n in numbers.tolist()
    ]
    return pa.Table.from_pylist(found, ROWS)


def candidates(column: NDArray[Any], thetas: Sequence[float] = THETAS) -> list[Candidate]:
    return [Candidate(theta, rows(np.flatnonzero(column >= theta))) for theta in thetas]


def tried(
    column: NDArray[Any],
    worth: NDArray[Any],
    seed: int = 0,
    thetas: Sequence[float] = THETAS,
    score_on: bool = True,
    seen: list[NDArray[Any]] | None = None,
) -> Found:
    """Search on images with these values of a column and these worths, dB."""
    about = prepare_search(candidates(column, thetas), 400, score_on)
    taste = np.random.default_rng(seed).normal(1, 0.3, SCORED)

    def score(shares: NDArray[Any], seeds: Sequence[int]) -> NDArray[np.float64]:
        if seen is not None:
            seen.append(shares)
        return np.outer(shares @ worth / shares.sum(1), taste)

    places = {
        name: np.array([int(one) for one in arm.rows["id"].to_pylist()])
        for name, arm in about.trial.arms.items()
    }
    ready = Ready(score, np.arange(len(column)), places, SCORED, None, ())
    _, picks = in_halves([bytes([n]) for n in range(SCORED)])
    return search(about, ready, picks, "instant", seed, "clean")


def column_of(seed: int, count: int = 160) -> tuple[NDArray[Any], NDArray[Any]]:
    stream = np.random.default_rng(seed)
    return stream.uniform(0, 100, count), stream.normal(0, 0.1, count)


@pytest.mark.parametrize("edge", [25, 50])
def test_the_threshold_behind_which_images_are_good_is_found(edge: int) -> None:
    column, worth = column_of(1)
    found = tried(column, worth - 0.6 * (column < edge))
    assert (found.theta, found.verdict, found.tried) == (edge, BETTER, edge)
    point = next(point for point in found.points if point.theta == edge)
    assert point.check is not None
    assert point.check.effect > point.check.needed > 0
    assert "had no part in the choice" in found.sentences()[0]
    assert found.remark == "theta chosen by proof"


def test_a_column_that_says_nothing_keeps_the_loosest_candidate() -> None:
    alarms = [tried(*column_of(seed), seed).verdict for seed in range(150)]
    assert set(alarms) <= {SAME, BETTER, WORSE}
    assert sum(alarm != SAME for alarm in alarms) <= 2


def test_the_best_looking_candidate_is_not_believed_without_the_check() -> None:
    """Of columns that say nothing, the picked candidate looks good on the half that picked it more often than not."""
    picked = [tried(*column_of(seed), seed) for seed in range(60)]
    effects = [
        point.pick.effect
        for found in picked
        for point in found.points
        if point.theta == found.tried and point.pick
    ]
    assert np.mean(effects) > 0
    assert all(found.theta == 0 for found in picked if found.verdict == SAME)


def test_a_column_that_points_the_wrong_way_is_said_to() -> None:
    column, worth = column_of(3)
    found = tried(column, worth + 1.5 * (column < 25))
    assert (found.theta, found.verdict) == (0, WORSE)
    assert "trains worse" in found.sentences()[0]


def test_each_comparison_is_at_equal_counts() -> None:
    seen: list[NDArray[Any]] = []
    found = tried(*column_of(4), seen=seen)
    counts = {int(row.sum()) for shares in seen[:-1] for row in shares}
    compared = {point.images for point in found.points}
    # The null's second set is the whole pool: the images that a random first set is a part of.
    assert counts <= compared
    assert {point.images for point in found.points[1:]} == {point.kept for point in found.points[1:]}


def test_both_halves_score_the_same_trainings_and_none_is_done_twice() -> None:
    seen: list[NDArray[Any]] = []
    tried(*column_of(5), seen=seen)
    assert len({shares.tobytes() for shares in seen}) == len(seen)


def test_the_result_depends_on_the_seed_and_the_images_alone() -> None:
    first, again, other = (tried(*column_of(6), seed) for seed in (7, 7, 8))
    assert first == again
    assert first != other
    assert read_found(first.plain()) == first


def test_candidates_that_cannot_be_compared_are_named() -> None:
    column, worth = column_of(7)
    found = tried(column, worth, thetas=(0, 50, 50.001, 99.5))
    left = {point.theta: point.left_out for point in found.points}
    assert left[0] == left[50] == ""
    assert left[50.001] == "keeps the same images as theta 50"
    assert left[99.5].endswith("at least 8 are needed")
    assert any(said.startswith("theta 99.5 is not compared: it keeps ") for said in found.sentences())


def test_photos_to_score_on_pass_the_strictest_candidate_and_are_in_no_arm() -> None:
    column, _ = column_of(8)
    about = prepare_search(candidates(column), 400, False)
    assert about.trial.scored is not None
    held = set(about.trial.scored["id"].to_pylist())
    strictest = set(about.candidates[-1].rows["id"].to_pylist())
    assert 10 <= len(held) <= 60
    assert held < strictest
    for arm in about.trial.arms.values():
        assert not held & set(arm.rows["id"].to_pylist())
    assert [len(each.rows) - len(held) for each in about.candidates] == [
        len(arm.rows) for arm in about.trial.arms.values()
    ]


def test_all_tiles_of_a_photo_that_is_scored_on_leave_the_arms() -> None:
    numbers = np.arange(160)
    both = [Candidate(0, rows(numbers, 4)), Candidate(1, rows(numbers[:120], 4))]
    about = prepare_search(both, 400, False)
    assert about.trial.scored is not None
    roots = about.trial.scored["root"].to_pylist()
    assert len(roots) == len(set(roots)) == 10
    for arm in about.trial.arms.values():
        assert not set(roots) & set(arm.rows["root"].to_pylist())


@pytest.mark.parametrize(
    ("kept", "why"), [((160, 5), "5 images"), ((160, 160), "same images"), ((6, 3), "6 images")]
)
def test_without_two_candidates_to_compare_the_loosest_stays(kept: tuple[int, int], why: str) -> None:
    both = [Candidate(10 * place, rows(np.arange(count))) for place, count in enumerate(kept)]
    about = prepare_search(both, 400, True)
    assert about.candidates == ()
    found = Found(0, NOT_COMPARED, "instant", about.points)
    assert (
        found.sentences()[0]
        == "fewer than two candidates can be compared: theta 0 is kept, it keeps the most images"
    )
    assert any(why in said for said in found.sentences())
    assert found.remark == "the loosest theta: not compared"


def test_the_halves_share_no_image_and_follow_the_content_alone() -> None:
    images = [bytes([n, 1]) for n in range(31)]
    ordered, picks = in_halves(images)
    assert sorted(ordered) == images
    assert picks.sum() in (15, 16)
    again, same = in_halves(images[::-1])
    assert (again, same.tolist()) == (ordered, picks.tolist())


def test_a_training_without_a_score_keeps_the_loosest_and_says_why() -> None:
    column, worth = column_of(9)
    found = tried(column, np.where(column > 75, np.nan, worth))
    assert (found.theta, found.verdict) == (0, NOT_COMPARED)
    assert found.sentences()[0].startswith("a training gave no finite score: theta 0 is kept")


def test_fewer_but_better_images_are_said_to_be_few() -> None:
    column, worth = column_of(10)
    found = tried(column, worth - 0.6 * (column < 50))
    assert any("of theta 50 against all 160" in said for said in found.sentences())
