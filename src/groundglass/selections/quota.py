"""Keep the best n of each named group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

import pyarrow as pa
from pydantic import Field, NonNegativeInt, model_validator

from groundglass.selections.ranked_rule import RankedRule
from groundglass.selections.ranking import Order, best_of_each
from groundglass.settings.key_rules import refuse


class Quota(RankedRule):
    """Keep the best n of each named group of the column `per`; other groups are dropped."""

    keys: ClassVar = ("quota",)
    reference: ClassVar = "ranks within strata; equal values by id"
    example: ClassVar = "{quota: {people: 2, food: 1}, by: tenengrad, per: meta.category}"

    quota: Annotated[dict[str, NonNegativeInt], Field(description="the number of rows to keep in each group")]

    @model_validator(mode="after")
    def _check(self) -> Quota:
        if self.per is None:
            refuse("quota", "`quota` needs the column that groups the rows", "add `per: COLUMN`")
        if not self.quota:
            refuse("quota", "`quota` is empty", "give `quota` at least one entry")
        return self

    def ranked(self, pool: pa.Table, order: Order) -> pa.Table:
        return quota(pool, self.quota, self.per or "", self.by, order)

    def label(self) -> str:
        groups = ", ".join(f"{name} {count:,}" for name, count in self.quota.items())
        return f"{groups} by {self.by} per {self.per}"

    def at_most(self, rows: int) -> int:
        return min(rows, sum(self.quota.values()))


def quota(pool: pa.Table, quotas: Mapping[str, int], per: str, by: str, order: Order) -> pa.Table:
    """Keep the best n of each named group of the column ``per``; other groups are dropped.

    The margin is the distance to the value of the group's last rank, null if the group has fewer rows.
    Returns `groundglass.tables.verdicts.VERDICTS`. Raises RecipeError.

    >>> pool = pa.table({"id": ["a", "b", "c"], "kind": ["people", "people", "food"], "q": [1.0, 2.0, 3.0]})
    >>> quota(pool, {"people": 1}, "kind", "q", "higher")["reason"].to_pylist()
    ['q 1, below rank 1 of people (2)', None, "no quota for 'food'"]
    """
    return best_of_each(pool, "allowed", quotas, by, order, per)
