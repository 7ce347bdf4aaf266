"""Keep the best k."""

from __future__ import annotations

import pyarrow as pa

from groundglass.errors import RecipeError
from groundglass.selections.ranking import Order, best_of_each


def top_k(pool: pa.Table, k: int, by: str, order: Order, per: str | None = None) -> pa.Table:
    """Keep the k best rows, of each group where ``per`` names a column.

    The margin is the distance to the value of rank k, null where there are fewer rows than k.
    Returns `groundglass.tables.verdicts.VERDICTS`. Raises RecipeError.

    >>> pool = pa.table({"id": ["a", "b", "c"], "hyperiqa": [0.7, 0.41234, 0.6]})
    >>> top_k(pool, 2, "hyperiqa", "higher")["reason"].to_pylist()
    [None, 'hyperiqa 0.412, below rank 2 (0.600)', None]
    """
    if k < 1:
        raise RecipeError(f"top_k must be at least 1, not {k}")
    return best_of_each(pool, f"{int(k)}", {}, by, order, per)
