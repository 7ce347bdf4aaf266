"""Intervals of scores from resamples of the raters: how much other raters of the same kind would have differed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from groundglass.random_streams import stream
from groundglass.ratings import pair_methods
from groundglass.ratings.scale_methods import CannotScore, Fit
from groundglass.ratings.votes import Comparisons, Floats


def resampled(fit: Fit, times: int, seed: int) -> tuple[Floats, Floats]:
    """The middle 95 % of each item's score over resamples of the raters; NaN if fewer than half gave a score.

    Biases and weights stay those of all raters. Estimated again, they would follow raters who are drawn twice, because
    their copies agree.
    """
    votes, size = fit.adjusted, len(fit.adjusted.raters)
    random = stream(seed, "rater bootstrap")
    voted = np.flatnonzero(votes.per_rater(np.ones(len(votes.score))))
    if len(voted) < 2:
        raise CannotScore("the bootstrap draws raters again, so it needs two at least")
    found = np.full((times, len(votes.items)), np.nan)
    for row in range(times):
        drawn = np.bincount(random.choice(voted, len(voted)), minlength=size)
        weight = (drawn * fit.weight)[votes.rater]
        below = votes.per_item(weight)
        np.divide(votes.per_item(weight * votes.score), below, out=found[row], where=below > 0)
    return _middle(found)


def resampled_comparisons(
    comparisons: Comparisons,
    fit: pair_methods.PairFit,
    method: Callable[[Comparisons], pair_methods.PairFit],
    times: int,
    seed: int,
) -> tuple[Floats, Floats]:
    """As `resampled`; a resample counts for the items of a part only if that part is still in one piece."""
    if len(comparisons.raters) < 2:
        raise CannotScore("the bootstrap draws raters again, so it needs two at least")
    random, size = stream(seed, "rater bootstrap"), len(comparisons.raters)
    found = np.full((times, len(comparisons.items)), np.nan)
    for row in range(times):
        share = np.bincount(random.integers(0, size, size), minlength=size)[comparisons.rater]
        at = share > 0
        sample = replace(comparisons.of_raters(np.bincount(comparisons.rater[at], minlength=size) > 0))
        sample = replace(sample, count=sample.count * share[at])
        again = method(sample)
        for number in range(fit.part.max() + 1):
            inside = fit.part == number
            if len(set(again.part[inside].tolist())) == 1:
                found[row, inside] = again.score[inside] - again.score[inside].mean()
    return _middle(found)


def _middle(found: Floats) -> tuple[Floats, Floats]:
    low, high = np.full(found.shape[1], np.nan), np.full(found.shape[1], np.nan)
    enough = 2 * (~np.isnan(found)).sum(axis=0) >= max(2, len(found))
    if enough.any():
        low[enough], high[enough] = np.nanpercentile(found[:, enough], (2.5, 97.5), axis=0)
    return low, high
