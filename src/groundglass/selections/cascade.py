"""A cheap column replaces a costly rule where a sample shows that it can.

The rule itself judges a sample of the pool. One part of the sample proposes limits of the cheap column; the other part,
held out, tests them, starting with the safest. See docs/concepts/the-cascade.md.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from groundglass.selections.ranking import Order
from groundglass.tables.quoting import quoted_text
from groundglass.tables.verdicts import judged
from groundglass.text.format import exact

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]

CONFIDENCE = 0.95
"""The confidence of every one-sided bound: two of them enclose an interval of 90 %."""
PROPOSING = 3
"""Every third row of a sample proposes limits; the others are held out to test them."""
DIGITS = 6
"""Significant digits of a limit: any number may be proposed, so a short one is as good."""


@dataclass(frozen=True)
class Sample:
    """Rows drawn at random and judged by the costly rule.

    values    the cheap column, NaN if it has no value
    keeps     whether the costly rule keeps the row
    held_out  whether the row tests limits; the others propose them
    """

    values: Numbers
    keeps: Flags
    held_out: Flags


@dataclass(frozen=True)
class Calibration:
    """A limit of the cheap column, and the result of its test on the held-out rows.

    order          the direction of the cheap column in which the costly rule keeps rows
    low            the limit, in the column's unit: rows beyond it are dropped without measuring; None if there is none
    keepers        number of held-out rows that the costly rule keeps, and
    found          number of these that are not beyond the limit
    beyond         number of held-out rows beyond the limit, and
    beyond_keeps   number of these that the costly rule keeps
    """

    order: Order
    low: float | None
    keepers: int
    found: int
    beyond: int
    beyond_keeps: int

    @property
    def recall(self) -> tuple[float, float, float]:
        """Share of the rows kept by the costly rule that the limit lets pass: estimate, lower and upper bound."""
        if self.low is None:
            return 1.0, 1.0, 1.0
        share = self.found / self.keepers if self.keepers else math.nan
        return share, lower_bound(self.found, self.keepers), upper_bound(self.found, self.keepers)

    @property
    def beyond_at_most(self) -> float:
        """Upper bound of the share of rows beyond the limit that the costly rule would keep."""
        return upper_bound(self.beyond_keeps, self.beyond)

    def drops(self, values: Numbers) -> Flags:
        """Marks the rows beyond the limit; a row without a value never is."""
        if self.low is None:
            return np.zeros(len(values), bool)
        return values < self.low if self.order == "higher" else values > self.low


def calibrate(sample: Sample, recall: float) -> Calibration:
    """The limit that drops the most rows while the held-out rows still show the recall.

    Limits are the values of the proposing rows, tested in fixed order from the one that drops least: each must have
    a lower bound of recall (Clopper-Pearson, 95 %) of at least ``recall`` on the held-out rows, and the last limit
    before the first failure is taken. So the probability that the true recall is too low is at most 5 %, however many
    limits are tried. No relation between column and rule is assumed: without a relation, few rows are dropped.

    Source: Clopper & Pearson, Biometrika 26, 1934; fixed-sequence testing as in Angelopoulos, Bates, Candès,
    Jordan & Lei, "Learn then test", 2021, section 2.3.

    >>> values = np.arange(600.0)
    >>> sample = Sample(values, values >= 300, np.arange(600) % 3 > 0)
    >>> found = calibrate(sample, 0.95)
    >>> found.order, found.low, found.found, found.keepers
    ('higher', 306.0, 196, 200)
    >>> calibrate(sample, 1.0).low is None
    True
    """
    order = direction(sample.values[~sample.held_out], sample.keeps[~sample.held_out])
    sign = 1.0 if order == "higher" else -1.0
    proposed = sign * sample.values[~sample.held_out]
    limits = sorted({float(f"{value:.{DIGITS}g}") for value in proposed[np.isfinite(proposed)]})

    def fails(low: float) -> bool:
        return weigh(sample, order, sign * low).recall[1] < recall

    # If one limit fails, all limits that drop more fail too.
    passed = bisect_left(limits, True, key=fails)
    return weigh(sample, order, sign * limits[passed - 1] if passed else None)


def weigh(sample: Sample, order: Order, low: float | None) -> Calibration:
    """The test of one limit on the held-out rows."""
    keeps = sample.keeps[sample.held_out]
    none = Calibration(order, low, int(keeps.sum()), int(keeps.sum()), 0, 0)
    beyond = none.drops(sample.values[sample.held_out])
    lost = int((beyond & keeps).sum())
    return Calibration(order, low, none.keepers, none.keepers - lost, int(beyond.sum()), lost)


def direction(values: Numbers, keeps: Flags) -> Order:
    """Whether kept rows have the higher or the lower values: the group with the greater mean rank.

    >>> direction(np.array([1.0, 2.0, 9.0, np.nan]), np.array([True, True, False, True]))
    'lower'
    """
    known = ~np.isnan(values)
    values, keeps = values[known], keeps[known]
    # If all rows are kept, or none, there is nothing to compare.
    if not 0 < keeps.sum() < len(keeps):
        return "higher"
    ordered = np.sort(values)
    ranks = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    return "higher" if ranks[keeps].mean() >= ranks[~keeps].mean() else "lower"


def fewest_keepers(recall: float) -> int:
    """The smallest number of held-out rows that can show a recall below 1, if the limit loses none of them.

    >>> fewest_keepers(0.95), fewest_keepers(0.99)
    (59, 299)
    """
    return math.ceil(math.log(1 - CONFIDENCE) / math.log(recall))


def can_show(recall: float, rows: int) -> bool:
    """Whether a sample of this size could show a recall, if the costly rule kept all of it.

    >>> can_show(0.95, 87), can_show(0.95, 89), can_show(1.0, 10**9)
    (False, True, False)
    """
    return recall < 1 and int(held_out(rows).sum()) >= fewest_keepers(recall)


def held_out(rows: int) -> Flags:
    """Marks the held-out rows of a sample, in the order in which the rows were drawn."""
    return np.arange(rows) % PROPOSING > 0


def lower_bound(hits: int, n: int) -> float:
    """The Clopper-Pearson lower bound of a share, one-sided, 95 %; 0 if n is 0.

    >>> round(lower_bound(59, 59), 4), lower_bound(0, 0)
    (0.9505, 0.0)
    """
    from scipy.special import betaincinv

    return float(betaincinv(hits, n - hits + 1, 1 - CONFIDENCE)) if hits else 0.0


def upper_bound(hits: int, n: int) -> float:
    """The upper bound in the same way; 1 if n is 0.

    >>> round(upper_bound(0, 59), 4), upper_bound(0, 0)
    (0.0495, 1.0)
    """
    return 1.0 - lower_bound(n - hits, n)


def dropped_unseen(ids: pa.Array, values: Numbers, found: Calibration, by: str, rule: str) -> pa.Table:
    """Verdicts of rows beyond the limit: value, limit, and the highest share of such rows that the rule may keep.

    The margin is the distance to the limit in the unit of ``by``, negative.

    >>> found = Calibration("higher", 18.0, 200, 198, 300, 2)
    >>> verdicts = dropped_unseen(pa.array(["a"]), np.array([12.25]), found, "objects_fast", "masks >= 100")
    >>> verdicts["reason"][0].as_py(), verdicts["margin"][0].as_py()
    ('objects_fast 12.2, below 18: P(masks >= 100) at most 2.1 %', -5.75)
    """
    low = found.low
    assert low is not None
    side, sign = ("below", 1) if found.order == "higher" else ("above", -1)
    # Rounded up: an upper bound must not be understated.
    share = math.ceil(1000 * found.beyond_at_most) / 10
    before, after = f"{by} ", f", {side} {exact(low)}: P({rule}) at most {share:g} %"
    return judged(
        f"SELECT id, false AS kept, false AS failed, "
        f"{quoted_text(before)} || number(value, {low}::DOUBLE) || {quoted_text(after)} AS reason, "
        f"CASE WHEN isfinite(value) THEN {sign} * (value - {low}::DOUBLE) END AS margin FROM pool",
        {"pool": pa.table({"id": ids, "value": values})},
    )
