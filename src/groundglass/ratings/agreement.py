"""How far raters agree: with each other, and with themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from groundglass.random_streams import stream
from groundglass.ratings.votes import Comparisons, Floats, Votes

SPLITS = 100
"""Random halves of the raters for `split_half`."""


def krippendorff_alpha(votes: Votes) -> float | None:
    """Krippendorff's α for interval data: 1 is perfect agreement, 0 is chance, negative is systematic disagreement.

    α = 1 - D_o / D_e (Krippendorff, Content Analysis, 2004, 11.3). Votes may be missing. None with fewer than two items
    that have two votes, or if all votes are equal: there is nothing to agree on.

    >>> from groundglass.ratings.votes import votes_from_matrix
    >>> krippendorff_alpha(votes_from_matrix([[1, 1], [2, 2], [5, 5]]))
    1.0
    """
    votes = votes.one_each()
    count = votes.per_item(np.ones(len(votes.score)))
    votes = votes.only((count > 1)[votes.item])
    n, count = len(votes.score), np.where(count > 1, count, np.nan)
    expected = np.var(votes.score) * n * 2 / (n - 1) if n else 0.0
    if expected < 1e-12 or (count > 1).sum() < 2:
        return None
    off = votes.score - (votes.per_item(votes.score) / count)[votes.item]
    observed = np.nansum(2 * count * votes.per_item(off**2) / (count - 1)) / n
    return float(1 - observed / expected)


def icc(votes: Votes) -> tuple[float, float] | None:
    """ICC(2,1) and ICC(2,k): the reliability of one rater, and of the mean of all k (Shrout & Fleiss 1979, case 2).

    From 0 (none) to 1; values below 0 mean that the model does not fit. None if votes are missing, with fewer than two
    items or raters, or if all votes are equal.
    """
    votes = votes.one_each()
    (items, row), (raters, column) = (np.unique(at, return_inverse=True) for at in (votes.item, votes.rater))
    n, k = len(items), len(raters)
    if n < 2 or k < 2 or len(votes.score) < n * k:
        return None
    matrix = np.empty((n, k))
    matrix[row, column] = votes.score
    rows, columns, mean = matrix.mean(axis=1), matrix.mean(axis=0), matrix.mean()
    of_items = k * ((rows - mean) ** 2).sum() / (n - 1)
    of_raters = n * ((columns - mean) ** 2).sum() / (k - 1)
    of_errors = ((matrix - rows[:, None] - columns + mean) ** 2).sum() / ((n - 1) * (k - 1))
    one = of_items + (k - 1) * of_errors + k * (of_raters - of_errors) / n
    mean_of_k = of_items + (of_raters - of_errors) / n
    if min(one, mean_of_k) < 1e-12:
        return None
    return float((of_items - of_errors) / one), float((of_items - of_errors) / mean_of_k)


def split_half(votes: Votes, seed: int = 0) -> float | None:
    """The rank correlation (SRCC) of the mean votes of two random halves of the raters, as the mean of 100 splits.

    None with fewer than four raters or three items, or if a half's means are all equal in every split.
    """
    votes = votes.one_each()
    raters, place = np.unique(votes.rater, return_inverse=True)
    if len(raters) < 4:
        return None
    random, found, cells = stream(seed, "split half"), list[float](), 2 * len(votes.items)
    for _ in range(SPLITS):
        half = random.permutation(len(raters)) % 2
        cell = 2 * votes.item + half[place]
        count = np.bincount(cell, minlength=cells).reshape(-1, 2)
        means = np.bincount(cell, votes.score, cells).reshape(-1, 2) / np.maximum(count, 1)
        value = srcc(*means[(count > 0).all(axis=1)].T)
        if value is not None:
            found.append(value)
    return float(np.mean(found)) if found else None


def repeat_correlation(votes: Votes) -> dict[str, float | None]:
    """Pearson's correlation of first and second votes on the same item, for each rater who has repeated any.

    None for a rater with fewer than three repeated items, or with constant votes. Order is that of the votes.
    """
    first: dict[tuple[int, int], float] = {}
    pairs: dict[int, list[tuple[float, float]]] = {}
    for item, rater, score in zip(
        votes.item.tolist(), votes.rater.tolist(), votes.score.tolist(), strict=True
    ):
        if (item, rater) in first:
            pairs.setdefault(rater, []).append((first[item, rater], score))
        else:
            first[item, rater] = score
    return {votes.raters[rater]: pearson(*np.array(pairs[rater]).T) for rater in sorted(pairs)}


def cohen_kappa(one: Sequence[str], other: Sequence[str]) -> float | None:
    """Cohen's κ of two raters' verdicts on the same items: 1 is perfect agreement, 0 is chance.

    None without items, or if both always give the same one verdict. Raises ValueError for unequal lengths.

    >>> cohen_kappa(["keep", "drop", "keep", "drop"], ["keep", "drop", "keep", "keep"])
    0.5
    """
    if len(one) != len(other):
        raise ValueError(f"{len(one)} verdicts and {len(other)}: they must be on the same items")
    if not one:
        return None
    words = sorted({*one, *other})
    shares = [np.array([list(given).count(word) for word in words]) / len(one) for given in (one, other)]
    chance = float(shares[0] @ shares[1])
    agreed = sum(a == b for a, b in zip(one, other, strict=True)) / len(one)
    return None if chance > 1 - 1e-12 else (agreed - chance) / (1 - chance)


def fleiss_kappa(counts: npt.ArrayLike) -> float | None:
    """Fleiss' κ from an items × verdicts array of counts: 1 is perfect agreement, 0 is chance.

    Items may have different numbers of raters; those with fewer than two are left out. None if none is left, or if only
    one verdict was ever given.

    >>> fleiss_kappa([[3, 0], [0, 3], [3, 0]])
    1.0
    """
    table = np.asarray(counts, np.float64)
    each = table.sum(axis=1)
    table, each = table[each > 1], each[each > 1]
    if not len(table):
        return None
    agreed = float(((table * (table - 1)).sum(axis=1) / (each * (each - 1))).mean())
    chance = float(((table.sum(axis=0) / each.sum()) ** 2).sum())
    return None if chance > 1 - 1e-12 else (agreed - chance) / (1 - chance)


def choice_kappa(comparisons: Comparisons) -> float | None:
    """Fleiss' κ of the choices on pairs that were compared at least twice: first won, second won, or a tie."""
    return fleiss_kappa(choices_by_pair(comparisons))


def choices_by_pair(comparisons: Comparisons) -> Floats:
    """(P, 3) for each pair: how often the second item won, how often there was a tie, and how often the first won."""
    low = np.minimum(comparisons.left, comparisons.right)
    high = np.maximum(comparisons.left, comparisons.right)
    _, pair = np.unique(low * len(comparisons.items) + high, return_inverse=True)
    first = np.where(comparisons.left < comparisons.right, comparisons.choice, 1 - comparisons.choice)
    table = np.zeros((pair.max(initial=-1) + 1, 3))
    np.add.at(table, (pair, (2 * first).astype(np.int64)), comparisons.count)
    return table


def scaled(values: Floats) -> tuple[Floats, int]:
    """N values divided by a power of two, so that none is above 1 and squares stay finite; and the exponent.

    >>> scaled(np.array([3.0, -6.0]))
    (array([ 0.375, -0.75 ]), 3)
    """
    power = int(np.frexp(np.abs(values).max(initial=0.0))[1])
    return np.ldexp(values, -power), power


def standardised(values: Floats) -> Floats:
    """N values with mean 0 and standard deviation 1; constant ones become 0.

    >>> standardised(np.array([1e300, 3e300])).tolist()
    [-1.0, 1.0]
    """
    part, _ = scaled(values)
    centred = part - part.mean()
    # Values that differ little from each other, far from 0, are scaled again: their squares would vanish.
    centred, _ = scaled(centred)
    spread = centred.std()
    return centred / spread if spread > 0 else centred


def srcc(x: Floats, y: Floats) -> float | None:
    """Spearman's rank correlation, -1 to 1, ties with their mean rank; None for fewer than three or constant values.

    >>> srcc(np.array([1.0, 2.0, 3.0]), np.array([10.0, 30.0, 20.0]))
    0.5
    """
    return pearson(ranks(x), ranks(y))


def ranks(values: Floats) -> Floats:
    """The rank of each of N values, from 1; equal values have their mean rank.

    >>> ranks(np.array([5.0, 1.0, 5.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return (last - (count - 1) / 2)[place]


def pearson(x: Floats, y: Floats) -> float | None:
    """Pearson's correlation of N values, with its sign; None for fewer than three or constant values.

    >>> pearson(np.array([1.0, 2, 3]), np.array([2.0, 4, 6]))
    1.0
    """
    if len(x) < 3 or x.min() == x.max() or y.min() == y.max():
        return None
    return float(np.clip((standardised(x) * standardised(y)).mean(), -1, 1).round(15))
