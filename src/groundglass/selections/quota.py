"""Keep the best n of each named group."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from groundglass.selections.ranking import Order, best_of_each


def quota(pool: pa.Table, quotas: Mapping[str, int], per: str, by: str, order: Order) -> pa.Table:
    """Keep the best n of each named group of the column ``per``; other groups are dropped.

    The margin is the distance to the value of the group's last rank, null where the group has fewer rows.
    Returns `groundglass.tables.verdicts.VERDICTS`. Raises RecipeError.

    >>> pool = pa.table({"id": ["a", "b", "c"], "kind": ["people", "people", "food"], "q": [1.0, 2.0, 3.0]})
    >>> quota(pool, {"people": 1}, "kind", "q", "higher")["reason"].to_pylist()
    ['q 1, below rank 1 of people (2)', None, "no quota for 'food'"]
    """
    return best_of_each(pool, "allowed", quotas, by, order, per)
