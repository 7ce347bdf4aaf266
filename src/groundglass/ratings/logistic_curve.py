"""The two logistic curves that map a score to the scale of the MOS before PLCC and RMSE (VQEG; Sheikh et al. 2006).

For a given middle and steepness, the best other parameters follow from linear regression, so only these two are
searched: from several starts, since a single one fails often, and within a box, since the best curve of nearly straight
data has no finite parameters. Scores and MOS are standardised, and the direction is the sign of the SRCC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from groundglass.libraries import optimize, special
from groundglass.ratings.agreement import scaled, srcc
from groundglass.ratings.votes import Floats

STEEPNESS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 64.0)
"""Slopes that are tried, in 1 / standard deviation of the scores."""
MIDDLES = tuple(np.linspace(-2, 2, 17).tolist())
"""Places of the curve's middle that are tried, in standard deviations from the mean score."""
STARTS = 4
"""The search goes on from so many of the best."""
LEAST_STEEP, MOST_STEEP = 0.05, 500.0
"""At .05 a curve is straight over the scores, and at 500 it is a step: beyond these limits nothing changes."""
BEYOND = 40.0
"""How far the middle may be outside the scores; then only one end of the curve is seen."""
MOST_EVALUATIONS = 300
CLEARLY = 1e-3
"""A cost that is lower by this share is a better curve, not a rounding error."""


@dataclass(frozen=True)
class LogisticFit:
    """A fitted curve.

    parameters  4 or 5: b1, b2, … of the formula, for standardised scores and MOS
    centre      means of scores and MOS
    spread      their standard deviations
    """

    parameters: tuple[float, ...]
    centre: tuple[float, float]
    spread: tuple[float, float]

    def __call__(self, scores: Floats) -> Floats:
        """The MOS that the curve predicts for these scores."""
        x = (scores - self.centre[0]) / self.spread[0]
        if len(self.parameters) == 4:
            b1, b2, b3, b4 = self.parameters
            y = (b1 - b2) * special.expit((x - b3) / b4) + b2
        else:
            b1, b2, b3, b4, b5 = self.parameters
            y = b1 * (special.expit(b2 * (x - b3)) - 0.5) + b4 * x + b5
        return y * self.spread[1] + self.centre[1]

    def bends_back(self, scores: Floats) -> bool:
        """True if the curve both rises and falls within the range of the scores."""
        steps = np.diff(self(np.linspace(scores.min(), scores.max(), 500)))
        least = 1e-6 * self.spread[1]
        return bool((steps > least).any() and (steps < -least).any())


def fit_logistic(
    scores: Floats, mos: Floats, count: int = 4, start: LogisticFit | None = None
) -> LogisticFit | None:
    """The least-squares curve with 4 or 5 parameters through (score, MOS); N finite values of each.

    4  y = (b1 - b2) / (1 + exp(-(x - b3) / b4)) + b2
    5  y = b1 (1/2 - 1 / (1 + exp(b2 (x - b3)))) + b4 x + b5

    The logistic part has the direction of the SRCC; b1 of the second curve may be 0. ``start`` replaces all starts by
    the curve of similar data. None if the best start does not converge, if scores or MOS are constant, or if there
    are not more images than parameters.

    >>> x = np.linspace(0, 1, 20)
    >>> fit = fit_logistic(x, 1 + 4 / (1 + np.exp(-8 * (x - 0.5))))
    >>> fit(np.array([0.5])).round(6).tolist()
    [3.0]
    """
    rank = srcc(scores, mos)
    if rank is None or len(scores) <= count:
        return None
    centre, spread = zip(*(_mean_and_spread(values) for values in (scores, mos)), strict=True)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        x, y = (scores - centre[0]) / spread[0], (mos - centre[1]) / spread[1]
    if not np.isfinite(x).all() or not np.isfinite(y).all():
        return None
    search = _Search(x, y, 1.0 if rank >= 0 else -1.0, straight=count == 5)
    found = search.best(search.starts() if start is None else [_shape(start)])
    return None if found is None else LogisticFit(search.parameters(*found), centre, spread)


def _mean_and_spread(values: Floats) -> tuple[float, float]:
    """Mean and standard deviation, also of numbers with squares that are too large or too small for a float."""
    part, power = scaled(values)
    off, smaller = scaled(part - part.mean())
    return float(np.ldexp(part.mean(), power)), float(np.ldexp(off.std(), power + smaller))


def _shape(fit: LogisticFit) -> tuple[float, float]:
    """Middle and steepness of a curve."""
    b = fit.parameters
    return (b[2], 1 / abs(b[3])) if len(b) == 4 else (b[2], abs(b[1]))


def _place_of(start: tuple[float, float]) -> Floats:
    """A start as the search moves it: the middle, and the logarithm of the steepness."""
    return np.array([start[0], np.log(start[1])])


class _Search:
    """Finds middle and steepness, with the best linear part for each.

    ``straight`` adds a straight line to the curve: it is taken out of both sides of the regression.
    """

    def __init__(self, x: Floats, y: Floats, direction: float, straight: bool) -> None:
        self.x, self.y, self.direction, self.straight = x, y, direction, straight
        self.rest = self._without_line(y)

    def starts(self) -> list[tuple[float, float]]:
        """The best places of a grid, each of another steepness, so that they do not lead to one and the same curve."""
        costs = {
            slope: min((self._cost(_place_of((middle, slope))), middle) for middle in MIDDLES)
            for slope in STEEPNESS
        }
        best = sorted(costs, key=lambda slope: costs[slope][0])[:STARTS]
        return [(costs[slope][1], slope) for slope in best]

    def best(self, starts: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
        """The (middle, steepness) of least cost; None if it did not converge."""
        # Far outside, a logistic part is an exponential, whose huge height the straight line would have to cancel.
        beyond = 0.0 if self.straight else BEYOND
        low = np.array([self.x.min() - beyond, np.log(LEAST_STEEP)])
        high = np.array([self.x.max() + beyond, np.log(MOST_STEEP)])
        jac: Any = self._slopes  # SciPy's own annotation allows only the names of methods here
        best, least = None, np.inf
        unfinished, below = _place_of(starts[0]), np.inf
        for start in starts:
            begin = np.clip(_place_of(start), low + 1e-6, high - 1e-6)
            found = optimize.least_squares(
                self._residuals, begin, jac, bounds=(low, high), max_nfev=MOST_EVALUATIONS
            )
            if not found.success and found.cost < below:
                unfinished, below = found.x, float(found.cost)
            elif found.success and found.cost < least:
                best, least = found.x, float(found.cost)
        if below < (1 - CLEARLY) * least:
            # Between two scores a steep curve has no slope to follow: a search without slopes goes on from there.
            found = optimize.minimize(
                self._cost, unfinished, method="Nelder-Mead",
                bounds=list(zip(low, high, strict=True)), options={"xatol": 1e-4, "fatol": 1e-8 * below},
            )  # fmt: skip
            best = found.x if found.success else None
        return None if best is None else (float(best[0]), float(np.exp(best[1])))

    def parameters(self, middle: float, slope: float) -> tuple[float, ...]:
        """b1, b2, … of the formula."""
        rise = special.expit(slope * (self.x - middle))
        height = self._height(self._without_line(rise - rise.mean()))
        left = self.y - height * rise
        if not self.straight:
            low = float(left.mean())
            # With b4 < 0 the curve falls, and b1 and b2 change places.
            ends = (low + height, low) if self.direction > 0 else (low, low + height)
            return (*ends, middle, self.direction / slope)
        b4 = float(self.x @ left / (self.x @ self.x))
        return (height, slope, middle, b4, float(left.mean()) + height / 2)

    def _residuals(self, at: Floats) -> Floats:
        rise = special.expit(np.exp(at[1]) * (self.x - at[0]))
        own = self._without_line(rise - rise.mean())
        return self.rest - self._height(own) * own

    def _cost(self, at: Floats) -> float:
        left = self._residuals(at)
        return float(left @ left) / 2

    def _slopes(self, at: Floats) -> Floats:
        """Kaufman's approximation (1975): the linear part follows as the middle and the steepness move."""
        slope = np.exp(at[1])
        rise = special.expit(slope * (self.x - at[0]))
        own = self._without_line(rise - rise.mean())
        steep = rise * (1 - rise) * slope
        moved = np.stack([-steep, steep * (self.x - at[0])])
        size = max(float(own @ own), 1e-24)
        moved = [self._without_line(each - each.mean()) for each in moved]
        return np.stack([self._height(own) * ((own @ each) / size * own - each) for each in moved], axis=1)

    def _height(self, own: Floats) -> float:
        size = float(own @ own)
        height = float(own @ self.rest) / size if size > 1e-24 else 0.0
        # A logistic part against the direction of the scores would fit noise, and the line would make up for it.
        return max(0.0, height) if self.direction > 0 else min(0.0, height)

    def _without_line(self, values: Floats) -> Floats:
        """The values (N), of mean 0, without their regression on x."""
        return values - (self.x @ values) / (self.x @ self.x) * self.x if self.straight else values
