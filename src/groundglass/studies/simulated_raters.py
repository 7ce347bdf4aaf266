"""The model of a rater that `simulate` and tests use.

On the scale 1 to 5: vote = quality + bias + inconsistency × noise, rounded and cut to the scale. Quality has a standard
deviation of 1.05 around 3.2, biases one of 0.35; the inconsistency of the median rater is 0.6, and its logarithm has a
standard deviation of 0.2. These are the numbers that the method `map` finds in three studies with public raw votes, of
149 raters: Netflix Public, VQEG HD3, AGH/NTIA/Dolby TV 2017. Sliders use the same model times 25. A rater at random
does not look at the image: all votes of the scale are equally likely.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from groundglass.ratings.votes import Flags, Floats, Ints

QUALITY, SPREAD = 3.2, 1.05
BIAS = 0.35
INCONSISTENCY, OF_LOG = 0.6, 0.2


@dataclass(frozen=True)
class Raters:
    """(R) each: the bias and the inconsistency of a rater on the scale 1 to 5, and whether they vote at random."""

    bias: Floats
    inconsistency: Floats
    at_random: Flags

    def say(self, quality: Floats, rater: Ints, random: np.random.Generator) -> Floats:
        """(V) the votes of these raters on images of this quality, not yet rounded or cut to the scale."""
        said = quality + self.bias[rater] + self.inconsistency[rater] * random.normal(0, 1, len(rater))
        if not self.at_random.any():
            return said
        return np.where(self.at_random[rater], random.uniform(0.5, 5.5, len(rater)), said)


def draw_raters(count: int, random: np.random.Generator, at_random: int = 0) -> Raters:
    """Raters as in studies with public votes; the last ``at_random`` of them vote at random.

    >>> raters = draw_raters(21, np.random.default_rng(0), at_random=2)
    >>> int(raters.at_random.sum()), len(raters.bias)
    (2, 21)
    """
    bias = random.normal(0, BIAS, count)
    inconsistency = INCONSISTENCY * np.exp(random.normal(0, OF_LOG, count))
    return Raters(bias, inconsistency, np.arange(count) >= count - at_random)


def draw_quality(count: int, random: np.random.Generator) -> Floats:
    """(count) true qualities on the scale 1 to 5."""
    return np.clip(random.normal(QUALITY, SPREAD, count), 1, 5)


def on_scale(said: Floats, protocol: str) -> Floats:
    """Votes of the protocol acr (1 to 5) or slider (0 to 100).

    >>> on_scale(np.array([0.2, 3.6]), "acr").tolist(), on_scale(np.array([0.2, 3.6]), "slider").tolist()
    ([1.0, 4.0], [0.0, 65.0])
    """
    return np.clip(np.rint(said), 1, 5) if protocol == "acr" else 25 * (np.clip(said, 1, 5) - 1)
