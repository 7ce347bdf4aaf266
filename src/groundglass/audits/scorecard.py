"""The numbers of a scorecard: recall with its interval, the threshold that would reach it, and the knee."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.tables.step_record import Threshold

Floats = NDArray[np.float64]

WANTED = 0.95
"""The recall that a suggested threshold reaches."""
TOO_DEAR = 0.5
"""A threshold that costs a larger share of the clean images is not suggested."""
SEEN = 0.8
"""From this area under the ROC curve on, a column counts as detecting a defect."""


@dataclass(frozen=True)
class Suggestion:
    """A threshold, how much of the defect it would catch, and which share of the clean images it would cost."""

    where: str
    recall: float
    clean_lost: float


@dataclass(frozen=True)
class Cell:
    """One gate on one severity of one defect.

    recall       share of the defective versions that it drops
    recall_ci95  Wilson's interval
    n            versions judged, one per photograph
    false_alarm  share of the clean versions that it drops
    expected     whether it reads a measure that should detect this defect
    suggested    the loosest threshold with 95 % recall; None if there is none to suggest
    reason       why there is none
    """

    gate: str
    defect: str
    severity: str
    recall: float
    recall_ci95: tuple[float, float]
    n: int
    false_alarm: float
    expected: bool
    suggested: Suggestion | None = None
    reason: str = ""


@dataclass(frozen=True)
class Reach:
    """The share of a defect that all gates together catch, and the gate that catches most ("" if none does)."""

    defect: str
    severity: str
    what: str
    recall: float
    recall_ci95: tuple[float, float]
    n: int
    best: str
    best_recall: float


@dataclass(frozen=True)
class Point:
    """A threshold: the share of the pool that it keeps and of the clean images that it drops, and its recall.

    Recall counts only defects that its column can detect.
    """

    limit: float
    kept: float
    clean_lost: float
    recall: float


@dataclass(frozen=True)
class Advice:
    """The effect of other thresholds of a gate.

    defects  those that its column can detect; recall is counted on their detectable severities
    now      the recipe's threshold
    knee     the threshold with the largest recall minus clean images lost (Youden's J), the loosest of equals; None
             without defects
    curve    thresholds from loose to strict
    """

    gate: str
    column: str
    op: str
    unit: str
    defects: tuple[str, ...]
    now: Point
    knee: Point | None
    curve: tuple[Point, ...]


@dataclass(frozen=True)
class Scorecard:
    """The result of an audit.

    passing      photographs with a row that passed all gates
    asked        how many of these were drawn
    false_alarm  share of the clean versions that any gate drops, and its interval
    closed       gates that cannot be audited, and why
    slipped      defective versions that no gate caught
    """

    recipe: str
    run: str
    seed: int
    passing: int
    asked: int
    false_alarm: float
    false_alarm_ci95: tuple[float, float]
    gates: tuple[Cell, ...]
    defects: tuple[Reach, ...]
    thresholds: tuple[Advice, ...]
    closed: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    slipped: int
    versions: int

    def plain(self) -> dict[str, Any]:
        """The scorecard in a form that JSON can hold."""
        return asdict(self)


def kept_share(values: Floats, op: str, limits: Floats) -> Floats:
    """The share of the values that each limit keeps; a missing value is never kept.

    >>> kept_share(np.array([1.0, 2.0, 3.0, np.nan]), "<", np.array([2.0, 9.0])).tolist()
    [0.25, 0.75]
    """
    known = np.sort(values[~np.isnan(values)])
    side = "left" if op in ("<", ">=") else "right"
    below = np.searchsorted(known, limits, side)
    kept = below if op in ("<", "<=") else known.size - below
    return kept / max(1, values.size)


def candidates(op: str, *values: Floats) -> Floats:
    """Thresholds worth trying, from loose to strict: the values rounded to three digits, and the neighbours of each.

    >>> candidates("<", np.array([2.3078])).round(2).tolist()
    [2.32, 2.31, 2.3]
    """
    known = np.unique(np.concatenate(values))
    known = known[np.isfinite(known)]
    step = 10.0 ** (np.floor(np.log10(np.abs(np.where(known == 0, 1.0, known)))) - 2)
    found = np.unique(rounded(np.concatenate([known - step, known, known + step]), 3))
    return found[::-1] if op in ("<", "<=") else found


def rounded(values: Floats, digits: int) -> Floats:
    """Values with this number of significant digits.

    >>> rounded(np.array([123.4, 0.012344, 0.0]), 3).tolist()
    [123.0, 0.0123, 0.0]
    """
    return np.array([float(f"{value:.{digits}g}") for value in values])


def suggest(limit: Threshold, defective: Floats, clean: Floats) -> tuple[Suggestion | None, str]:
    """The loosest threshold that catches 95 % of the defective versions and what it costs, or why there is none."""
    at = np.array([limit.limit])
    if 1 - kept_share(defective, limit.op, at)[0] >= WANTED:
        return None, "reached already"
    tried = candidates(limit.op, defective)
    recall = 1 - kept_share(defective, limit.op, tried)
    # Thresholds go from loose to strict, so the first that reaches the recall costs least.
    good = np.flatnonzero(recall >= WANTED)
    if not good.size:
        return None, "no threshold reaches 95 %"
    best = int(good[0])
    where = str(Threshold(limit.column, limit.op, float(tried[best])))
    found = Suggestion(where, float(recall[best]), _lost(limit, clean, float(tried[best])))
    if found.clean_lost > TOO_DEAR:
        return None, f"{found.where} would, but cost {found.clean_lost:.0%} of the clean images"
    return found, ""


def _lost(limit: Threshold, clean: Floats, value: float) -> float:
    return float(1 - kept_share(clean, limit.op, np.array([value]))[0]) if clean.size else 0.0


def stands_out(limit: Threshold, defective: Floats, clean: Floats) -> bool:
    """Whether a gate's column separates a defect from the clean versions, in the direction in which the gate drops."""
    return area(limit, defective, clean) >= SEEN


def area(limit: Threshold, defective: Floats, clean: Floats) -> float:
    """Area under the ROC curve: how often a defective version is worse than a clean one; equal ones count half."""
    sign = 1.0 if limit.op in ("<", "<=") else -1.0
    # A gate drops rows without a value, so a defective version without one counts as the worst.
    bad = np.where(np.isnan(defective), np.inf, sign * defective)
    good = sign * clean[~np.isnan(clean)]
    if not bad.size or not good.size:
        return 0.5
    apart = bad[:, None] - good[None, :]
    return float((apart > 0).mean() + 0.5 * (apart == 0).mean())


def points(limit: Threshold, limits: Floats, pool: Floats, clean: Floats, defective: Floats) -> list[Point]:
    """The point of each threshold."""
    kept = kept_share(pool, limit.op, limits)
    lost = 1 - kept_share(clean, limit.op, limits)
    recall = 1 - kept_share(defective, limit.op, limits) if defective.size else np.zeros(limits.size)
    return [
        Point(float(a), float(b), float(c), float(d))
        for a, b, c, d in zip(limits, kept, lost, recall, strict=True)
    ]


def knee(tried: Sequence[Point]) -> Point:
    """The threshold with the largest recall minus clean images lost: the loosest of those within a hundredth of it.

    ``tried`` goes from loose to strict. Youden, Index for rating diagnostic tests, 1950.
    """
    gain = np.array([point.recall - point.clean_lost for point in tried])
    return tried[int(np.flatnonzero(gain >= gain.max() - 0.01)[0])]


def curve_of(limit: Threshold, pool: Floats, clean: Floats, defective: Floats, most: int = 9) -> list[Point]:
    """About ``most`` thresholds, from loose to strict, that keep evenly spaced shares of the pool."""
    known = pool[np.isfinite(pool)]
    if not known.size:
        return []
    places = rounded(np.quantile(known, np.linspace(0.1, 0.9, most)), 3)
    limits = np.unique(places)
    return points(limit, limits[::-1] if limit.op in ("<", "<=") else limits, pool, clean, defective)
