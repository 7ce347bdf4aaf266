"""Shares with their intervals: verdicts of one image, and wins of one arm over another."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Z = 1.959963984540054
"""The normal deviate of a two-sided interval of 95 %."""


def wilson(hits: float, n: float) -> tuple[float, float]:
    """The 95 % score interval of a share; (0, 1) without any trial.

    Wilson, Probable inference, the law of succession, and statistical inference, 1927.

    >>> [round(end, 3) for end in wilson(10, 10)]
    [0.722, 1.0]
    """
    if n == 0:
        return 0.0, 1.0
    p = hits / n
    middle = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    reach = Z / (1 + Z**2 / n) * math.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def clustered_share(hits: npt.ArrayLike, trials: npt.ArrayLike) -> tuple[float, tuple[float, float]] | None:
    """A share over groups of trials that are alike, such as the votes on one image, and its 95 % interval.

    hits, trials  (G) of each group; a tie is half a hit

    Votes on one image agree more than votes on different images, so N of them count as fewer: n = N / deff, where
    deff is the variance of the share between groups over that of N independent trials, between 1 and N / G. If all
    trials have the same result, each group counts once. The interval is Wilson's with n. None without trials.

    >>> share, (low, high) = clustered_share([6, 5, 1, 4], [6, 6, 6, 6])
    >>> round(share, 3), round(low, 2), round(high, 2)
    (0.667, 0.32, 0.9)
    """
    won, n = (np.asarray(given, np.float64) for given in (hits, trials))
    won, n = won[n > 0], n[n > 0]
    total, groups = float(n.sum()), len(n)
    if not groups:
        return None
    p = float(won.sum()) / total
    largest = total / groups
    independent = p * (1 - p) / total
    deff = largest
    if independent > 1e-12 and groups > 1:
        between = float(((won - p * n) ** 2).sum()) / total**2 * groups / (groups - 1)
        deff = min(max(1.0, between / independent), largest)
    return p, wilson(p * total / deff, total / deff)
