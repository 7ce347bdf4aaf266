"""The shared parts of rules that rank rows: their keys, what they need, and the cut of the ranking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import pyarrow as pa
from pydantic import Field

from groundglass.selections.frozen import Frozen, freeze_ranking
from groundglass.selections.ranking import Order
from groundglass.selections.rule import Given, Judged, Lookup, Needs, Rule
from groundglass.tables.step_record import Threshold
from groundglass.tables.verdicts import compute

Wanted = Annotated[
    Literal["higher", "lower"] | None, Field(description="the better direction; default: the measure's own")
]


class RankedRule(Rule):
    """A rule that ranks rows by a column, so that a hold-out can take the next best of what it drops."""

    pool_relative: ClassVar = True

    by: Annotated[str, Field(description="the column to rank by")]
    order: Wanted = None
    per: Annotated[
        str | None, Field(description="the column that groups rows; each group is judged alone")
    ] = None

    def needs(self, lookup: Lookup) -> Needs:
        groups = () if self.per is None else (lookup.column("per", self.per),)
        by = lookup.column("by", self.by)
        return Needs((*groups, by), {} if self.order else {self.by: lookup.better("by", by)})

    def way(self, orders: Mapping[str, Order]) -> Order:
        """The better direction: from the recipe, or else the column's own."""
        return self.order or orders[self.by]

    def judge(self, pool: pa.Table, given: Given) -> Judged:
        """One list is cut in two at one value. With groups, each has its own cut, so there is no single threshold."""
        order = self.way(given.orders)
        verdicts = self.ranked(pool, order)
        ranking = {"column": self.by, "order": order, "rule": self.keys[0]}
        facts = {"rule": self.keys[0]} | ({} if self.per else {"ranking": ranking})
        return Judged(verdicts, () if self.per else self.cut(pool, verdicts, order), facts=facts)

    def ranked(self, pool: pa.Table, order: Order) -> pa.Table:
        """The verdicts."""
        raise NotImplementedError

    def cut(self, pool: pa.Table, verdicts: pa.Table, order: Order) -> tuple[Threshold, ...]:
        """The cut of the whole pool's ranking: the worst value that was kept."""
        if self.by not in pool.column_names:
            return ()
        kept = pool[self.by].filter(verdicts["kept"])
        bounds = compute.min_max(kept)
        worst = bounds["min"] if order == "higher" else bounds["max"]
        if worst.as_py() is None:
            return ()
        return (Threshold(self.by, ">=" if order == "higher" else "<=", float(worst.as_py())),)

    def freeze(self, pool: pa.Table, given: Given) -> tuple[Frozen, ...]:
        order = self.way(given.orders)
        return freeze_ranking(pool, self.ranked(pool, order)["kept"], self.by, order, self.per)
