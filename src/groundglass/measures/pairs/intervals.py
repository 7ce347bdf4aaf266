"""Means over images, and how far they could be from the mean over all such images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from groundglass.random_streams import stream

RESAMPLES = 5_000
"""Resamples of a bootstrap interval."""
LEAST = 3
"""Images below which there is no interval."""
FEW = 10
"""Images below which an interval is clearly too narrow: of five, it holds the true mean about 80 times in 100."""
Interval = tuple[float, float]


def mean_interval(values: Sequence[float]) -> Interval | None:
    """The 95 % interval of a mean, by the percentiles of `RESAMPLES` means of images drawn with replacement.

    Fixed by the number of images: the same values give the same interval everywhere. None for fewer than three images
    or if a value is infinite.

    >>> mean_interval([30.0, 30.0, 30.0]), mean_interval([30.0, 31.0])
    ((30.0, 30.0), None)
    """
    kept = np.asarray(values, np.float64)
    if len(kept) < LEAST or not np.isfinite(kept).all():
        return None
    random = stream(0, "bootstrap", len(kept))
    means = np.array([kept[random.integers(0, len(kept), len(kept))].mean() for _ in range(RESAMPLES)])
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)
