"""Bootstraps over contents: SRCC and PLCC of many scores on the same resamples, without sorting any of them.

A resample is a count for each image. Each column is sorted once; the mean ranks of a resample are then cumulative sums
of counts in that order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from groundglass.random_streams import stream
from groundglass.ratings.agreement import standardised
from groundglass.ratings.votes import Flags, Floats, Ints

CELLS = 2_000_000
"""Resampled images in memory at once."""
TOO_MANY_LOST = 0.05
"""A larger share of resamples without a correlation leaves the interval unknown."""


@dataclass(frozen=True)
class Resampled:
    """The correlations of one score on B resamples; NaN where a resample is constant.

    srcc  (B)
    plcc  (curves, B): of the score itself, and of each mapped version of it
    """

    srcc: Floats
    plcc: Floats


@dataclass(frozen=True)
class Wanted:
    """One score on the images that ``kept`` (N) marks; ``mapped`` are (N) versions of it after a curve."""

    score: Floats
    kept: Flags
    mapped: tuple[Floats, ...] = ()


def resample(
    mos: Floats, content: Ints, wanted: Mapping[str, Wanted], count: int, seed: int = 0
) -> dict[str, Resampled]:
    """The correlations of every score with the MOS (N), on the same ``count`` resamples of the contents (N).

    >>> mos = np.arange(20.0)
    >>> one = resample(mos, np.arange(20), {"a": Wanted(mos, np.ones(20, bool))}, 5)["a"]
    >>> one.srcc.round(6).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0]
    """
    groups: dict[bytes, list[str]] = {}
    for name, one in wanted.items():
        groups.setdefault(one.kept.tobytes(), []).append(name)
    parts: dict[str, list[tuple[Floats, Floats]]] = {name: [] for name in wanted}
    prepared = [
        (np.flatnonzero(wanted[names[0]].kept), _Group(mos, [wanted[name] for name in names]), names)
        for names in groups.values()
    ]
    for weights in draws(content, count, seed):
        for at, group, names in prepared:
            for name, found in zip(names, group.correlations(weights[:, at]), strict=True):
                parts[name].append(found)
    return {
        name: Resampled(
            np.concatenate([srcc for srcc, _ in found]), np.concatenate([plcc for _, plcc in found], axis=1)
        )
        for name, found in parts.items()
    }


def interval(values: Floats) -> tuple[float, float] | None:
    """The middle 95 % of bootstrapped values; None if too many of them are NaN.

    >>> interval(np.linspace(0, 1, 1001))
    (0.025, 0.975)
    """
    known = values[~np.isnan(values)]
    if len(known) < 2 or len(known) < (1 - TOO_MANY_LOST) * len(values):
        return None
    low, high = np.percentile(known, (2.5, 97.5))
    return float(low), float(high)


def excludes_zero(ci95: tuple[float, float] | None) -> bool:
    """Whether an interval excludes 0. Of few contents, p can be small although resamples have both signs."""
    return ci95 is not None and not ci95[0] <= 0 <= ci95[1]


def draws(content: Ints, count: int, seed: int) -> Iterator[Floats]:
    """How often each image is in each resample, (B, N), some resamples at a time."""
    random = stream(seed, "resamples of contents")
    contents, place = np.unique(content, return_inverse=True)
    size, at_once = len(contents), max(1, CELLS // max(1, len(content)))
    for begin in range(0, count, at_once):
        rows = min(at_once, count - begin)
        drawn = random.integers(size, size=(rows, size)) + size * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * size).reshape(rows, size)
        yield counts.astype(np.float64)[:, place]


class _Ranks:
    """The order of a column, so that its mean ranks follow from counts."""

    def __init__(self, values: Floats) -> None:
        self.order = np.argsort(values, kind="stable")
        _, self.group = np.unique(values[self.order], return_inverse=True)
        self.last = np.flatnonzero(np.diff(self.group, append=len(values)))
        self.tied = len(self.last) < len(values)

    def of(self, sorted_weights: Floats) -> Floats:
        """The mean ranks in each resample, (B, n) in the column's order, from the counts in that order."""
        total = np.cumsum(sorted_weights, axis=1)
        if not self.tied:
            return total - sorted_weights / 2
        end = total[:, self.last]
        begin = np.concatenate([np.zeros((len(end), 1)), end[:, :-1]], axis=1)
        return ((begin + end) / 2)[:, self.group]


class _Group:
    """Scores that have values on the same images."""

    def __init__(self, mos: Floats, scores: Sequence[Wanted]) -> None:
        kept = scores[0].kept
        self.mos = standardised(mos[kept])
        self.mos_ranks = _Ranks(self.mos)
        self.ranks = [_Ranks(one.score[kept]) for one in scores]
        self.values = [
            np.stack([standardised(version[kept]) for version in (one.score, *one.mapped)]) for one in scores
        ]

    def correlations(self, weights: Floats) -> Iterator[tuple[Floats, Floats]]:
        """SRCC (B) and PLCC (versions, B) of each score."""
        total = weights.sum(axis=1)
        order = self.mos_ranks.order
        ranks = np.empty_like(weights)
        ranks[:, order] = self.mos_ranks.of(weights[:, order])
        ranks -= (total / 2)[:, None]
        weighted = weights * ranks
        of_mos = np.einsum("bn,bn->b", weighted, ranks)
        for own, values in zip(self.ranks, self.values, strict=True):
            sorted_weights = weights[:, own.order]
            mine = own.of(sorted_weights) - (total / 2)[:, None]
            both = np.einsum("bn,bn->b", mine, weighted[:, own.order])
            of_own = np.einsum("bn,bn,bn->b", sorted_weights, mine, mine)
            yield _ratio(both, of_own, of_mos), self._pearson(weights, total, values)

    def _pearson(self, weights: Floats, total: Floats, values: Floats) -> Floats:
        y = self.mos
        sums = weights @ np.concatenate([values, values**2, values * y, [y, y * y]]).T
        k = len(values)
        x, xx, xy, sy, yy = sums[:, :k], sums[:, k : 2 * k], sums[:, 2 * k : 3 * k], sums[:, -2], sums[:, -1]
        with np.errstate(divide="ignore", invalid="ignore"):
            n = total[:, None]
            both = xy - x * sy[:, None] / n
            return _ratio(both, xx - x * x / n, (yy - sy * sy / total)[:, None]).T


def _ratio(both: Floats, one: Floats, other: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.sqrt(one * other)
        # Sums of a constant resample are rounding errors, not zero.
        return np.where(size > 1e-9, np.clip(both / size, -1, 1), np.nan)
