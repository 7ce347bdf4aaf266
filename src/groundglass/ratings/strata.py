"""Agreement by stratum: on which items (of a generator, a scene, a session) raters agree, and on which they do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from groundglass.random_streams import stream
from groundglass.ratings import agreement
from groundglass.ratings.votes import Comparisons, Flags, Floats, Votes

RESAMPLES = 1000
"""Resamples of the items (or pairs) for an interval."""
FEWEST = 10
"""Items (or pairs) below which there is no interval: resamples of so few do not show how much others would differ."""


@dataclass(frozen=True)
class StratumAgreement:
    """How far raters agree in one stratum.

    agreement  Krippendorff's α; for comparisons Fleiss' κ; None if it cannot be computed
    ci95       from resamples of the items (or pairs); None with too few
    votes      of the raters that count
    """

    stratum: str
    items: int
    raters: int
    votes: int
    agreement: float | None
    ci95: tuple[float, float] | None
    split_half_srcc: float | None = None

    def plain(self) -> dict[str, Any]:
        """The same for JSON."""
        return {
            "stratum": self.stratum,
            "items": self.items,
            "raters": self.raters,
            "votes": self.votes,
            "agreement": self.agreement,
            "ci95": self.ci95 and list(self.ci95),
            "split_half_srcc": self.split_half_srcc,
        }


def votes_by_stratum(
    votes: Votes, strata: Sequence[str], rejected: Sequence[bool] | Flags, seed: int = 0
) -> tuple[StratumAgreement, ...]:
    """The agreement in each stratum, in the order of first appearance.

    strata    (V) the stratum of each vote; () gives ()
    rejected  (R) the raters that do not count

    >>> from groundglass.ratings.votes import votes_from_matrix
    >>> votes = votes_from_matrix([[1, 1], [2, 2], [5, 5], [1, 5]])
    >>> found = votes_by_stratum(votes, ["a"] * 6 + ["b"] * 2, [False, False])
    >>> [(row.stratum, row.items, row.agreement) for row in found]
    [('a', 3, 1.0), ('b', 1, None)]
    """
    names, counts = np.array(strata, dtype=object), ~np.asarray(rejected, np.bool_)
    return tuple(
        _of_votes(name, votes.only((names == name) & counts[votes.rater]), seed)
        for name in dict.fromkeys(strata)
    )


def comparisons_by_stratum(
    comparisons: Comparisons, strata: Sequence[str], seed: int = 0
) -> tuple[StratumAgreement, ...]:
    """As `votes_by_stratum`, with Fleiss' κ of the choices on pairs that were compared at least twice."""
    names = np.array(strata, dtype=object)
    return tuple(
        _of_comparisons(name, _only(comparisons, names == name), seed) for name in dict.fromkeys(strata)
    )


def _of_votes(name: str, votes: Votes, seed: int) -> StratumAgreement:
    merged = votes.one_each()
    return StratumAgreement(
        name,
        len(set(merged.item.tolist())),
        len(set(merged.rater.tolist())),
        len(merged.score),
        agreement.krippendorff_alpha(merged),
        _alpha_interval(merged, seed),
        agreement.split_half(merged, seed),
    )


def _of_comparisons(name: str, comparisons: Comparisons, seed: int) -> StratumAgreement:
    return StratumAgreement(
        name,
        len({*comparisons.left.tolist(), *comparisons.right.tolist()}),
        len(set(comparisons.rater.tolist())),
        round(float(comparisons.count.sum())),
        agreement.choice_kappa(comparisons),
        _kappa_interval(comparisons, seed),
    )


def _only(comparisons: Comparisons, kept: Flags) -> Comparisons:
    return replace(
        comparisons,
        left=comparisons.left[kept],
        right=comparisons.right[kept],
        rater=comparisons.rater[kept],
        choice=comparisons.choice[kept],
        count=comparisons.count[kept],
    )


def _alpha_interval(votes: Votes, seed: int) -> tuple[float, float] | None:
    """The middle 95 % of α over resamples of the items. All sums are by item, so a resample is a weight of items."""
    each = votes.per_item(np.ones(len(votes.score)))
    used = each > 1
    if used.sum() < FEWEST:
        return None
    centred = votes.score - votes.score.mean()
    n, sums, squares = (part[used] for part in (each, votes.per_item(centred), votes.per_item(centred**2)))
    within = 2 * n * (squares - sums**2 / n) / (n - 1)
    total, inside, first, second = _resampled_sums(np.column_stack([n, within, sums, squares]), seed).T
    expected = 2 * (second - first**2 / total) / (total - 1)
    return _middle(1 - np.divide(inside / total, expected, out=_unknown(), where=expected > 1e-12))


def _kappa_interval(comparisons: Comparisons, seed: int) -> tuple[float, float] | None:
    """The middle 95 % of κ over resamples of the pairs."""
    table = agreement.choices_by_pair(comparisons)
    each = table.sum(axis=1)
    table, each = table[each > 1], each[each > 1]
    if len(table) < FEWEST:
        return None
    agreed = (table * (table - 1)).sum(axis=1) / (each * (each - 1))
    sums = _resampled_sums(np.column_stack([table, each, agreed]), seed)
    chance = ((sums[:, :3] / sums[:, 3:4]) ** 2).sum(axis=1)
    above = sums[:, 4] / len(table) - chance
    return _middle(np.divide(above, 1 - chance, out=_unknown(), where=chance < 1 - 1e-12))


def _resampled_sums(values: Floats, seed: int) -> Floats:
    """(RESAMPLES, K): the sums of the rows (N, K) of each resample."""
    random, size = stream(seed, "stratum bootstrap"), len(values)
    # One resample at a time: all of them at once would be a matrix of gigabytes for 100,000 items.
    return np.stack(
        [
            np.bincount(random.integers(0, size, size), minlength=size).astype(np.float64) @ values
            for _ in range(RESAMPLES)
        ]
    )


def _unknown() -> Floats:
    return np.full(RESAMPLES, np.nan)


def _middle(found: Floats) -> tuple[float, float] | None:
    known = found[~np.isnan(found)]
    if 2 * len(known) < len(found):
        return None
    low, high = np.percentile(known, (2.5, 97.5))
    return float(low), float(high)
