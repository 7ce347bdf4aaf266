"""Scores from counts: how many raters chose each category of a scale, as KonIQ-10k publishes its votes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from groundglass.ratings.votes import Floats


def mos_of_counts(
    shares: npt.ArrayLike, votes: npt.ArrayLike, categories: npt.ArrayLike = (1, 2, 3, 4, 5)
) -> tuple[Floats, Floats, Floats]:
    """MOS, standard deviation (ddof 1) and standard error of each item, all (N), on the scale of the categories.

    shares      (N, K) the share of the votes for each category, or their counts
    votes       (N) the number of votes; the deviation is NaN for one vote
    categories  (K) the values of the categories

    Raises ValueError for other shapes, negative shares or no votes.

    >>> [round(float(part[0]), 4) for part in mos_of_counts([[0, 0, 0.5, 0.5, 0]], [10])]
    [3.5, 0.527, 0.1667]
    """
    part, n, c = (np.asarray(given, np.float64) for given in (shares, votes, categories))
    if part.shape != (len(n), len(c)):
        raise ValueError(f"shares are items × categories, ({len(n)}, {len(c)}), not {part.shape}")
    if (part < 0).any() or (n < 1).any() or (part.sum(axis=1) <= 0).any():
        raise ValueError("a share is negative, or an item has no votes")
    part = part / part.sum(axis=1, keepdims=True)
    mean = part @ c
    variance = (part * (c - mean[:, None]) ** 2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        sd = np.where(n > 1, np.sqrt(variance * n / (n - 1)), np.nan)
    return mean, sd, sd / np.sqrt(n)
