"""Does a score separate image pairs as people do? AUC_DS, AUC_BW and CC_0 (Krasula et al., QoMEX 2016)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from groundglass.random_streams import stream
from groundglass.ratings.scale_methods import Z95
from groundglass.ratings.votes import Floats, Ints

MOST_PAIRS = 2_000_000
"""The most pairs of images that are compared: all pairs of 2,000 images; of more images, random ones."""

FEW = 100
"""Images of one content up to which all their pairs are listed, which is then faster than sorting."""


@dataclass(frozen=True)
class PairDecisions:
    """How a score separates pairs of images.

    auc_ds     pairs that people see as different have larger differences of the score than others; .5 is chance
    auc_bw     for a pair that people see as different, the sign and size of the difference show the better one
    cc_0       the share of these pairs in which the better image has the better score
    threshold  the score difference that 95 % of the pairs seen as equal stay below
    None where there is no pair of that kind.
    """

    auc_ds: float | None
    auc_bw: float | None
    cc_0: float | None
    threshold: float | None


def decisions(difference: npt.ArrayLike, seen: npt.ArrayLike) -> PairDecisions:
    """AUC_DS, AUC_BW and CC_0 from P pairs.

    difference  (P) score of the first image minus that of the second
    seen        (P) 1 if people see the first image as better, -1 if worse, 0 if they see no difference

    >>> decisions([2, -3, 0.5, -0.1], [1, -1, 0, 0]).auc_ds
    1.0
    """
    gap, verdict = np.asarray(difference, np.float64), np.asarray(seen)
    equal = np.abs(gap[verdict == 0])
    right = (gap * verdict)[verdict != 0]
    return PairDecisions(
        _auc(np.abs(right), equal),
        _auc(right, -right),
        float((right > 0).mean()) if len(right) else None,
        float(np.percentile(equal, 95)) if len(equal) else None,
    )


@dataclass(frozen=True)
class SeenPairs:
    """P pairs of images, and whether people see a difference: first, second (P) and seen (P), as in `decisions`."""

    first: Ints
    second: Ints
    seen: npt.NDArray[np.int8]
    sampled: bool


def seen_pairs(mos: Floats, se: Floats, seed: int = 0) -> SeenPairs:
    """All pairs of N images, or a random sample of `MOST_PAIRS`, with the verdict of people.

    A pair is different if its z-value |MOS_i - MOS_j| / √(SE_i² + SE_j²) is above 1.96 (two-sided, 5 %). Images whose
    standard error is unknown are left out.
    """
    known = np.flatnonzero(np.isfinite(se))
    n = len(known)
    if n * (n - 1) // 2 <= MOST_PAIRS:
        first, second = (known[at] for at in np.triu_indices(n, 1))
    else:
        random = stream(seed, "pairs of images")
        one = random.integers(n, size=MOST_PAIRS)
        # A shift by 1 to n - 1 never meets the image itself.
        other = (one + random.integers(1, n, size=MOST_PAIRS)) % n
        first, second = known[one], known[other]
    gap = mos[first] - mos[second]
    noise = np.sqrt(se[first] ** 2 + se[second] ** 2)
    seen = np.where(np.abs(gap) > Z95 * noise, np.sign(gap), 0).astype(np.int8)
    return SeenPairs(first, second, seen, n * (n - 1) // 2 > MOST_PAIRS)


def decisions_of(scores: Mapping[str, Floats], pairs: SeenPairs) -> dict[str, PairDecisions]:
    """`decisions` of each score (N), on the pairs of images that have it; higher scores are better."""
    found: dict[str, PairDecisions] = {}
    for name, values in scores.items():
        gap = values[pairs.first] - values[pairs.second]
        here = np.isfinite(gap)
        found[name] = decisions(gap[here], pairs.seen[here])
    return found


def within_content(score: Floats, mos: Floats, content: Ints) -> tuple[float | None, int]:
    """The share of pairs of one content that a score orders as the MOS does, and the number of these pairs.

    All (N). Pairs of equal MOS do not count; equal scores count half. None without a pair.

    >>> within_content(np.array([1.0, 2, 9]), np.array([1.0, 2, 3]), np.array([0, 0, 1]))
    (1.0, 1)
    """
    right, count = 0.0, 0
    order = np.argsort(content, kind="stable")
    for images in np.split(order, np.flatnonzero(np.diff(content[order])) + 1):
        images = images[np.isfinite(score[images])]
        pairs, ordered = _order(mos[images], score[images])
        right += (pairs + ordered) / 2
        count += pairs
    return (right / count if count else None), count


def _order(mos: Floats, score: Floats) -> tuple[int, int]:
    """The number of pairs with different MOS, and how many more of them the score orders as the MOS than against it."""
    if len(mos) <= FEW:
        first, second = np.triu_indices(len(mos), 1)
        of_mos = np.sign(mos[first] - mos[second])
        return int((of_mos != 0).sum()), int((of_mos * np.sign(score[first] - score[second])).sum())
    from scipy.stats import kendalltau

    # All pairs of 100,000 images do not fit into memory; Kendall's tau sorts instead.
    kendall: Any = kendalltau  # its result has no type that a checker knows
    different = [_pairs(len(mos)) - sum(map(_pairs, _tie_sizes(values))) for values in (mos, score)]
    if not all(different):
        return different[0], 0
    return different[0], round(
        kendall(mos, score, method="asymptotic").statistic * sqrt(different[0]) * sqrt(different[1])
    )


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def _tie_sizes(values: Floats) -> list[int]:
    return np.unique(values, return_counts=True)[1].tolist()


def _auc(larger: Floats, smaller: Floats) -> float | None:
    """The probability that a value of ``larger`` is above one of ``smaller``; equal values count half."""
    if not len(larger) or not len(smaller):
        return None
    ordered, asked = np.sort(smaller), np.sort(larger)
    below = np.searchsorted(ordered, asked, "left") + np.searchsorted(ordered, asked, "right")
    return float(below.mean() / 2 / len(ordered))
