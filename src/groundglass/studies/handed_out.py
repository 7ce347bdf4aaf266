"""The trials that were handed out, as the assignment of the next one sees them: of all raters, and of one rater."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from groundglass.studies.design import Design, Pair
from groundglass.studies.records import COUNTED, Kind

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Draft:
    """A trial to hand out. Items are positions in the design; ``right`` is -1 in trials of one image.

    unit     the position in `Design.units`; -1 for checks, training and freely chosen pairs
    damaged  single, left or right: this side shows a damaged copy; "" shows none
    of       repeat: the number of the trial that is shown again
    """

    kind: Kind
    left: int
    right: int = -1
    unit: int = -1
    damaged: str = ""
    of: int | None = None


@dataclass
class Tally:
    """The trials and votes of all raters so far.

    counts   (U) votes and open trials of each unit; (N) comparisons of each item if pairs are chosen freely
    settled  the same shape: the interval of its score is narrow enough, so it gets no more votes
    scores   (N) a rough current score of each item, for freely chosen pairs
    edges    freely chosen pairs: how often each pair was compared or handed out
    aside    items whose files cannot be read now
    """

    counts: Ints
    settled: Flags
    scores: Floats
    edges: Counter[Pair]
    aside: set[int] = field(default_factory=set[int])

    @classmethod
    def empty(cls, design: Design) -> Tally:
        size = len(design.items) if design.free else len(design.units)
        return cls(np.zeros(size, np.int64), np.zeros(size, np.bool_), np.zeros(len(design.items)), Counter())

    def readable(self, *items: int) -> bool:
        """Whether none of these items is set aside."""
        return self.aside.isdisjoint(items)

    def wanting(self, design: Design) -> Flags:
        """The units (or items, if pairs are chosen freely) that may get more votes."""
        wanting = (self.counts < design.votes) & ~self.settled
        if self.aside:
            aside = np.isin(
                np.arange(len(design.items))[:, None] if design.free else design.units, list(self.aside)
            )
            wanting &= ~aside.any(axis=1)
        return wanting


@dataclass
class History:
    """The trials of one rater in their order, and what is quicker to keep than to count."""

    rater: str
    trials: list[Draft] = field(default_factory=list[Draft])
    seen: set[int] = field(default_factory=set[int])
    """Units that the rater has had."""
    pairs: set[Pair] = field(default_factory=set[Pair])
    """Freely chosen pairs that the rater has had."""
    lean: Counter[str | int] = field(default_factory=Counter[str | int])
    """Arm, or item of a freely chosen pair → how often it was at the left, less how often at the right."""
    repeated: set[int] = field(default_factory=set[int])

    def add(self, draft: Draft, design: Design) -> None:
        """The rater got one more trial."""
        self.trials.append(draft)
        if draft.of is not None:
            self.repeated.add(draft.of)
        if draft.kind in COUNTED:
            if draft.unit >= 0:
                self.seen.add(draft.unit)
            else:
                self.pairs.add(pair_of(draft.left, draft.right))
        if draft.right >= 0 and design.sides_vary:
            left, right = _sides_of(draft, design)
            self.lean[left] += 1
            self.lean[right] -= 1


def pair_of(one: int, other: int) -> Pair:
    """A pair without an order."""
    return (one, other) if one < other else (other, one)


def _sides_of(draft: Draft, design: Design) -> tuple[str | int, str | int]:
    if draft.damaged:
        return ("damaged", "whole") if draft.damaged == "left" else ("whole", "damaged")
    return design.lean_key(draft.left), design.lean_key(draft.right)
