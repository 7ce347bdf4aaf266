"""Which of several scores agree better with people: paired differences, Holm's correction, groups of ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from groundglass.libraries import special
from groundglass.ratings.votes import Floats

LEVEL = 0.05


def p_of_difference(difference: float, resampled: Floats, contents: int) -> float | None:
    """The two-sided p-value of a difference from its bootstrap: t with contents - 1 degrees of freedom.

    Counting resamples beyond zero could not give less than 1 / B, which Holm's correction needs for many pairs. None if
    too few resamples have a value.

    >>> p_of_difference(0.0, np.array([0.1, -0.1, 0.2, -0.2]), 30)
    1.0
    """
    known = resampled[~np.isnan(resampled)]
    if contents < 3 or len(known) < max(2, 0.95 * len(resampled)):
        return None
    sd = float(known.std(ddof=1))
    if sd < 1e-12:
        return 1.0 if abs(difference) < 1e-12 else 0.0
    return float(min(1.0, 2 * special.stdtr(contents - 1, -abs(difference) / sd)))


def holm(p: Sequence[float | None]) -> list[float | None]:
    """p-values after Holm's step-down correction (1979); None stays None and does not count.

    >>> [round(value, 3) for value in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    known = sorted((value, at) for at, value in enumerate(p) if value is not None)
    corrected: list[float | None] = [None] * len(p)
    highest = 0.0
    for rank, (value, at) in enumerate(known):
        highest = max(highest, min(1.0, value * (len(known) - rank)))
        corrected[at] = highest
    return corrected


def rank_groups(strength: Mapping[str, float], different: Mapping[frozenset[str], bool]) -> dict[str, int]:
    """The group of each score: 1 holds the best and all that are not shown to be different from it.

    The best of the others begins the next group, and so on. Two scores of different groups need not differ.

    >>> rank_groups({"a": 0.9, "b": 0.88, "c": 0.5}, {frozenset("ac"): True, frozenset("bc"): False})
    {'a': 1, 'b': 1, 'c': 2}
    """
    left = sorted(strength, key=lambda name: -strength[name])
    groups: dict[str, int] = {}
    number = 0
    while left:
        number += 1
        best = left[0]
        here = [name for name in left if not different.get(frozenset((best, name)), False)]
        groups |= dict.fromkeys(here, number)
        left = [name for name in left if name not in groups]
    return groups
