"""Scores from comparisons of two items: Bradley-Terry and Thurstone, by Newton's method on the likelihood.

The comparison graph has an edge from each winner to its loser, and both for a tie. Only within a strongly connected
part has the likelihood a maximum, so scores are given for each part, with mean 0, and never across parts. An item that
won or lost all its comparisons is a part of its own and has no score.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from groundglass.libraries import special
from groundglass.ratings.scale_methods import CannotScore
from groundglass.ratings.votes import Comparisons, Floats, Ints

RIDGE = 1e-2
"""α of the penalty α/2 ‖v‖²: it keeps scores finite where one item nearly always wins."""
MOST_ITEMS = 5_000
"""The most items of one part: the matrix of second derivatives of 5,000 has 200 MB."""
STEPS = 200
CLOSE = 1e-10
JOD = {"bradley_terry": 1.0986122886681098, "thurstone": 0.6744897501960817}
"""The difference of scores at which the better item wins 75 % of comparisons: one just-objectionable difference."""


@dataclass(frozen=True)
class PairFit:
    """Scores of N items.

    score       (N), the mean of each part is 0; NaN for an item that is a part of its own
    covariance  (N, N) the inverse of the second derivatives, within parts and for centred scores; 0 across parts
    part        (N) number of the item's part, from 0
    iterations  Newton steps of the part that needed most
    """

    score: Floats
    covariance: Floats
    part: Ints
    iterations: int

    def sd_of_difference(self, one: int, other: int) -> float:
        """The standard deviation of v_one - v_other; NaN across parts."""
        if self.part[one] != self.part[other] or np.isnan(self.score[[one, other]]).any():
            return float("nan")
        C = self.covariance
        return float(np.sqrt(max(0.0, C[one, one] + C[other, other] - 2 * C[one, other])))


Slopes = Callable[[Floats], tuple[Floats, Floats]]
"""From v_i - v_j: the first and the negative second derivative of log P(i > j)."""


def bradley_terry(comparisons: Comparisons, ridge: float = RIDGE) -> PairFit:
    """P(i > j) = 1 / (1 + exp(-(v_i - v_j))); a tie is half a win for each (Bradley & Terry 1952).

    Maximises log-likelihood - ``ridge``/2 ‖v‖². Higher is better; a difference of ln 3 is 1 JOD.

    >>> from groundglass.ratings.votes import comparisons_from_wins
    >>> bradley_terry(comparisons_from_wins([[0, 3], [1, 0]]), ridge=0).score.round(4).tolist()
    [0.5493, -0.5493]
    """

    def slopes(d: Floats) -> tuple[Floats, Floats]:
        lost = special.expit(-d)
        return lost, lost * (1 - lost)

    return _fit(comparisons, slopes, ridge)


def thurstone(comparisons: Comparisons, ridge: float = RIDGE) -> PairFit:
    """P(i > j) = Φ(v_i - v_j); a tie is half a win for each (Thurstone 1927, case V).

    As `bradley_terry`, but a difference of .6745 is 1 JOD.

    >>> from groundglass.ratings.votes import comparisons_from_wins
    >>> thurstone(comparisons_from_wins([[0, 3], [1, 0]]), ridge=0).score.round(4).tolist()
    [0.3372, -0.3372]
    """

    def slopes(d: Floats) -> tuple[Floats, Floats]:
        ratio = np.exp(-0.5 * d * d - 0.5 * np.log(2 * np.pi) - special.log_ndtr(d))
        return ratio, ratio * (d + ratio)

    return _fit(comparisons, slopes, ridge)


def parts_of(wins: Floats) -> Ints:
    """(N) the strongly connected part of each item, numbered by first appearance.

    >>> parts_of(np.array([[0, 2, 0], [1, 0, 1], [0, 0, 0]])).tolist()
    [0, 0, 1]
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    found = connected_components(csr_array(wins > 0), directed=True, connection="strong")[1]
    _, first, place = np.unique(found, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[place].astype(np.int64)


def _fit(comparisons: Comparisons, slopes: Slopes, ridge: float) -> PairFit:
    size = len(comparisons.items)
    if size > MOST_ITEMS:
        raise CannotScore(f"{size} items: at most {MOST_ITEMS} can be scored together")
    wins = comparisons.wins()
    part = parts_of(wins)
    score, covariance, most = np.full(size, np.nan), np.zeros((size, size)), 0
    for number in range(part.max(initial=-1) + 1):
        at = np.flatnonzero(part == number)
        if len(at) > 1:
            score[at], covariance[np.ix_(at, at)], steps = _maximise(wins[np.ix_(at, at)], slopes, ridge)
            most = max(most, steps)
    return PairFit(score, covariance, part, most)


def _maximise(wins: Floats, slopes: Slopes, ridge: float) -> tuple[Floats, Floats, int]:
    """The scores of one part, their covariance, and the number of Newton steps."""
    winner, loser = np.nonzero(wins)
    count, size = wins[winner, loser], len(wins)
    v, steps = np.zeros(size), 0
    # All scores can be shifted together: the added matrix fixes their sum and changes nothing else.
    anchor = np.full((size, size), 1 / size)

    def derivatives(v: Floats) -> tuple[Floats, Floats]:
        first, second = slopes(v[winner] - v[loser])
        first, second = first * count, second * count
        gradient = np.bincount(winner, first, size) - np.bincount(loser, first, size) - ridge * v
        curved = np.bincount(winner * size + loser, second, size * size).reshape(size, size)
        curved = curved + curved.T
        return gradient, (np.diag(curved.sum(axis=1) + ridge) - curved).astype(np.float64)

    gradient, curvature = derivatives(v)
    while steps < STEPS:
        steps += 1
        step = np.linalg.solve(curvature + anchor, gradient)
        # Newton's step overshoots if an item wins nearly always: halve it until the gradient shrinks.
        for share in (1.0, 0.5, 0.25, 0.125, 0.0625):
            new = derivatives(v + share * step)
            if np.linalg.norm(new[0]) < np.linalg.norm(gradient) or share == 0.0625:
                v, (gradient, curvature) = v + share * step, new
                break
        if np.abs(step).max() < CLOSE:
            break
    centre = np.eye(size) - anchor
    return v - v.mean(), centre @ np.linalg.inv(curvature + anchor) @ centre, steps
