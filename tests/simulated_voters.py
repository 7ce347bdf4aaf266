"""Simulated people who vote in a real study about a known truth, by `groundglass.studies.simulated_raters`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from groundglass.random_streams import stream
from groundglass.studies.open_study import Study
from groundglass.studies.records import Trial
from groundglass.studies.simulated_raters import draw_raters, on_scale
from vote_tools import vote_all

DAMAGED = 1.0
"""The quality of a damaged copy, on the scale 1 to 5, in every dimension."""


@dataclass(frozen=True)
class Voted:
    """How many votes were given, the names of the raters at random, and each rater's bias on the scale 1 to 5."""

    votes: int
    at_random: frozenset[str]
    bias: Mapping[str, float]


def vote_as_people(
    study: Study,
    truth: Mapping[str, Mapping[str, float]],
    raters: int = 21,
    at_random: int = 2,
    seed: int = 0,
) -> Voted:
    """Let ``raters`` people answer all their trials of a study with sliders or stars; the last ones do not look.

    truth  row → dimension → quality on the scale 1 to 5
    """
    people = draw_raters(raters, stream(seed, "people"), at_random)
    places: dict[str, int] = {}

    def say(place: int, row: str, dimension: str, quality: float, trial: int) -> float:
        random = stream(seed, "vote", place, row, dimension, trial)
        said = people.say(np.array([quality]), np.array([place]), random)
        return float(on_scale(said, study.body.protocol)[0])

    def answer(rater: str, trial: Trial, shown: dict[str, Any]) -> Any:
        place, item = places.setdefault(rater, len(places)), shown["single"]
        # A repeated trial is a vote of its own, with noise of its own.
        votes = {
            dimension: round(
                say(place, item["row"], dimension, DAMAGED if item["damaged"] else quality, trial.number), 1
            )
            for dimension, quality in truth[item["row"]].items()
        }
        return votes if len(votes) > 1 or study.body.protocol == "slider" else int(next(iter(votes.values())))

    count = vote_all(study, raters, answer)
    names = list(places)
    return Voted(
        count,
        frozenset(names[raters - at_random :]),
        {name: float(people.bias[place]) for name, place in places.items()},
    )
