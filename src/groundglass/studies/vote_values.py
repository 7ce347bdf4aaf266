"""The votes of a study's log as numbers, one by one and as the arrays that `groundglass.ratings` scores."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from groundglass.ratings.votes import Comparisons, Votes
from groundglass.studies.records import CHOICES, COUNTED, VERDICTS


def counted(votes: pa.Table) -> list[dict[str, Any]]:
    """The votes that count: on images and pairs to rate, and not undone; flags do not remove any."""
    return [vote for vote in votes.to_pylist() if vote["kind"] in COUNTED and not vote["undone_by"]]


def choice_of(vote: Mapping[str, Any]) -> float:
    """The left image's share of the win.

    >>> choice_of({"score": '"left"'}), choice_of({"score": '"tie"'})
    (1.0, 0.5)
    """
    return CHOICES[json.loads(vote["score"])]


def share_of(vote: Mapping[str, Any], item: str) -> float:
    """1 if an item won its comparison, 0 if the other one did, .5 for a tie."""
    choice = choice_of(vote)
    return choice if vote["left"] == item else 1 - choice


def verdict_of(vote: Mapping[str, Any]) -> float:
    """1 for keep, 0 for drop."""
    return VERDICTS[json.loads(vote["score"])]


def score_of(text: str, dimension: str) -> float | None:
    """The number of a vote on a scale.

    >>> score_of("4", "quality"), score_of('{"quality": 80, "fit": 20}', "fit")
    (4.0, 20.0)
    """
    value = json.loads(text)
    if isinstance(value, dict):
        value = value.get(dimension)
    return float(value) if isinstance(value, int | float) else None


def scale_votes(
    names: Sequence[str],
    counts: Sequence[Mapping[str, Any]],
    place: Mapping[str, int],
    number: Mapping[int, int],
    dimension: str,
) -> Votes:
    """The votes on a scale as arrays; ``number`` gives the position in ``names`` of each item's position."""
    raters = sorted({vote["rater"] for vote in counts})
    of_rater = {rater: at for at, rater in enumerate(raters)}
    item, rater, score, session = [], [], [], []
    for vote in counts:
        at = number.get(place.get(vote["item"], -1))
        value = score_of(vote["score"], dimension)
        if at is None or value is None:
            continue
        item.append(at)
        rater.append(of_rater[vote["rater"]])
        score.append(value)
        session.append(vote["session"])
    ints = [np.array(values, np.int64) for values in (item, rater, session)]
    return Votes(tuple(names), tuple(raters), ints[0], ints[1], np.array(score, np.float64), ints[2])


def comparisons_of(
    names: Sequence[str],
    counts: Sequence[Mapping[str, Any]],
    place: Mapping[str, int],
    number: Mapping[int, int],
) -> Comparisons:
    """The votes on pairs as arrays; ``number`` gives the position in ``names`` of each item's position."""
    raters = sorted({vote["rater"] for vote in counts})
    of_rater = {rater: at for at, rater in enumerate(raters)}
    rows = [
        (number[place[vote["left"]]], number[place[vote["right"]]], of_rater[vote["rater"]],
         choice_of(vote))
        for vote in counts
        if place.get(vote["left"]) in number and place.get(vote["right"]) in number
    ]  # fmt: skip
    rows = [row for row in rows if row[0] != row[1]]
    left, right, rater = (np.array([row[at] for row in rows], np.int64) for at in range(3))
    choice = np.array([row[3] for row in rows], np.float64)
    return Comparisons(tuple(names), tuple(raters), left, right, rater, choice, np.ones(len(rows)))
