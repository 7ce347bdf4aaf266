"""How often one folder of a comparison won against another, with an interval that counts alike votes as fewer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from groundglass.ratings.shares import clustered_share
from groundglass.recipes.study_model import StudyStep
from groundglass.studies.vote_values import choice_of


@dataclass(frozen=True)
class WinRate:
    """The share of comparisons that ``one`` won against ``other``; a tie is half a win.

    rate, ci95  None without votes
    contents    the number of different contents with votes
    """

    one: str
    other: str
    rate: float | None
    ci95: tuple[float, float] | None
    votes: int
    ties: int
    contents: int

    @property
    def clear(self) -> bool:
        """Whether the interval leaves .5 out: one of both is preferred."""
        return self.ci95 is not None and not self.ci95[0] <= 0.5 <= self.ci95[1]


def win_rates(
    body: StudyStep,
    items: Sequence[Mapping[str, Any]],
    votes: Sequence[Mapping[str, Any]],
    place: Mapping[str, int],
) -> Iterator[WinRate]:
    """A win rate for every two folders; none without `folders`, or for verdicts."""
    if body.protocol != "pairwise":
        return
    for one, other in combinations(body.folders, 2):
        won: defaultdict[str, float] = defaultdict(float)
        count: defaultdict[str, int] = defaultdict(int)
        ties = 0
        for vote in votes:
            sides = [items[place[vote[key]]] for key in ("left", "right")]
            if {side["arm"] for side in sides} != {one, other}:
                continue
            choice = choice_of(vote)
            content = sides[0]["content"]
            won[content] += choice if sides[0]["arm"] == one else 1 - choice
            count[content] += 1
            ties += choice == 0.5
        found = clustered_share([won[key] for key in count], list(count.values()))
        share, ci95 = found or (None, None)
        yield WinRate(one, other, share, ci95, sum(count.values()), ties, len(count))
