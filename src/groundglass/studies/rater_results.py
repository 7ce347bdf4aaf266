"""How each rater of a study voted: agreement with the others and with themselves, speed, side, and checks."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from groundglass.ratings.agreement import pearson
from groundglass.recipes.study_model import StudyStep
from groundglass.studies.records import VERDICTS
from groundglass.studies.vote_values import choice_of

CHECKS = ("repeat", "trap", "gold", "bias")
"""Kinds of trials that check raters."""


@dataclass(frozen=True)
class RaterResult:
    """A rater, by the name that all exports show.

    votes        votes that count
    correlation  with the mean of the other raters' votes; of comparisons, the share of votes like the others' majority
    repeat       of votes and repeated votes: the correlation, or the share of equal ones if they are not numbers
    seconds      the median time of a trial
    left         share of comparisons in which the left image won; ties count half
    flags        how often each flag was set, such as too_fast; training aside
    rejected     the screen of the scores does not count their votes
    misled       wrong answers of the training trials: the rater may not have understood the question
    """

    rater: str
    votes: int
    correlation: float | None
    repeat: float | None
    seconds: float | None
    left: float | None
    flags: Mapping[str, int] = field(default_factory=dict)
    rejected: bool = False
    misled: int = 0


def judge_raters(body: StudyStep, votes: pa.Table, rejected: Iterable[str]) -> list[RaterResult]:
    """The raters who voted, by name."""
    given = [vote for vote in votes.to_pylist() if not vote["undone_by"]]
    every = [vote for vote in given if vote["kind"] != "train"]
    misled = Counter(vote["rater"] for vote in given if "train_failed" in (vote["flags"] or ()))
    out = set(rejected)
    by_rater: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for vote in every:
        by_rater[vote["rater"]].append(vote)
    counted = [vote for vote in every if vote["kind"] not in CHECKS]
    others = _means(body, counted)
    return [
        _judge(body, rater, by_rater[rater], others, rater in out, misled[rater])
        for rater in sorted(by_rater)
    ]


def _judge(
    body: StudyStep,
    rater: str,
    votes: Sequence[Mapping[str, Any]],
    others: _Means,
    rejected: bool,
    misled: int,
) -> RaterResult:
    own = [vote for vote in votes if vote["kind"] not in CHECKS]
    seconds = [vote["dwell"] for vote in votes if vote["dwell"] is not None]
    sides = [
        choice_of(vote) for vote in votes if body.protocol == "pairwise" and vote["kind"] in ("pair", "bias")
    ]
    flags = Counter(flag for vote in votes for flag in vote["flags"] or ())
    return RaterResult(
        rater,
        len(own),
        _like_others(body, own, others),
        _like_self(body, own, [vote for vote in votes if vote["kind"] == "repeat"]),
        float(np.median(seconds)) if seconds else None,
        float(np.mean(sides)) if sides else None,
        dict(sorted(flags.items())),
        rejected,
        misled,
    )


_Means = dict[tuple[str, ...], tuple[float, int]]
"""For what was shown, the sum of all votes and their number."""


def _shown(vote: Mapping[str, Any]) -> tuple[str, ...]:
    """The items that a vote is about, whatever their sides."""
    return tuple(sorted(vote[key] for key in ("item", "left", "right") if vote[key]))


def value_of(body: StudyStep, vote: Mapping[str, Any]) -> float:
    """A vote as a number: the score (the mean of several sliders), 1 for keep, 1 if the first of the pair won."""
    said = json.loads(vote["score"])
    if body.protocol == "pairwise":
        return choice_of(vote) if vote["left"] <= vote["right"] else 1 - choice_of(vote)
    if isinstance(said, dict):
        return float(np.mean(list(said.values())))
    return VERDICTS[said] if isinstance(said, str) else float(said)


def _means(body: StudyStep, votes: Sequence[Mapping[str, Any]]) -> _Means:
    found: _Means = {}
    for vote in votes:
        total, count = found.get(_shown(vote), (0.0, 0))
        found[_shown(vote)] = (total + value_of(body, vote), count + 1)
    return found


def _like_others(body: StudyStep, own: Sequence[Mapping[str, Any]], means: _Means) -> float | None:
    mine: list[float] = []
    theirs: list[float] = []
    for vote in own:
        total, count = means[_shown(vote)]
        if count > 1:
            value = value_of(body, vote)
            mine.append(value)
            theirs.append((total - value) / (count - 1))
    if body.protocol == "pairwise":
        clear = [(a, b) for a, b in zip(mine, theirs, strict=True) if b != 0.5]
        return float(np.mean([(b > 0.5) == (a > 0.5) and a != 0.5 for a, b in clear])) if clear else None
    return pearson(np.array(mine), np.array(theirs))


def _like_self(
    body: StudyStep, own: Sequence[Mapping[str, Any]], repeats: Sequence[Mapping[str, Any]]
) -> float | None:
    first = {_shown(vote): value_of(body, vote) for vote in own}
    both = [(first[_shown(vote)], value_of(body, vote)) for vote in repeats if _shown(vote) in first]
    if not both:
        return None
    if body.protocol in ("acr", "slider"):
        return pearson(*(np.array(values) for values in zip(*both, strict=True)))
    return float(np.mean([a == b for a, b in both]))
