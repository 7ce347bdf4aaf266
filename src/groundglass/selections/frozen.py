"""Rules with the limits that they found on one pool, so that they can judge rows outside of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from groundglass.tables.expressions import column_path
from groundglass.tables.verdicts import numbers, values


@dataclass(frozen=True)
class FrozenRanking:
    """A ranking: the worst value that each group kept; a group that lost no row has none.

    per  the column that groups rows; None if all are one group
    """

    by: str
    order: Literal["higher", "lower"]
    per: str | None
    limits: Mapping[str, float]

    def passes(self, table: pa.Table) -> NDArray[np.bool_]:
        """Marks the rows that are no worse than the worst kept row of their group. Rows without a value do not pass."""
        sign = 1 if self.order == "higher" else -1
        groups, scores = groups_of(table, self.per), numbers(table, self.by).to_pylist()
        return np.array(
            [
                value is not None and (group not in self.limits or sign * value >= sign * self.limits[group])
                for group, value in zip(groups, scores, strict=True)
            ],
            bool,
        )


Frozen = str | FrozenRanking
"""An expression, or a frozen ranking of groups."""


def freeze_ranking(
    table: pa.Table, kept: pa.ChunkedArray, by: str, order: Literal["higher", "lower"], per: str | None
) -> tuple[Frozen, ...]:
    """A ranking that kept these rows of a table, as the worst kept value of each group.

    >>> pool = pa.table({"q": [1.0, 2.0, 3.0]})
    >>> freeze_ranking(pool, pa.chunked_array([[False, True, True]]), "q", "higher", None)
    ('q >= 2.0',)
    """
    known: dict[str, list[float]] = {}
    full: set[str] = set()
    groups, scores = groups_of(table, per), numbers(table, by).to_pylist()
    for group, value, inside in zip(groups, scores, kept.to_pylist(), strict=True):
        if inside:
            known.setdefault(group, []).append(value)
        else:
            full.add(group)
    worst = min if order == "higher" else max
    limits = {group: worst(known[group]) if group in known else float("nan") for group in full}
    # NaN (nothing was kept) cannot be written in SQL.
    if per is None and limits and math.isfinite(limits[""]):
        return (f"{by} {'>=' if order == 'higher' else '<='} {limits['']!r}",)
    return (FrozenRanking(by, order, per, limits),)


def groups_of(table: pa.Table, per: str | None) -> list[Any]:
    """The value of a grouping column, as text, for each row; "" everywhere without one."""
    if per is None:
        return [""] * table.num_rows
    return values(table, column_path(per)).cast(pa.string()).to_pylist()
