"""Keep the best k."""

from __future__ import annotations

from typing import Annotated, ClassVar

import pyarrow as pa
from pydantic import Field, PositiveInt

from groundglass.errors import RecipeError
from groundglass.selections.ranked_rule import RankedRule
from groundglass.selections.ranking import Order, best_of_each
from groundglass.tables.step_record import Threshold
from groundglass.tables.verdicts import compute


class TopK(RankedRule):
    """Keep the k best rows, or the k best of each group of the column `per`."""

    keys: ClassVar = ("top_k",)
    reference: ClassVar = "ranks; equal values by id"
    example: ClassVar = "{top_k: 3, by: tenengrad, per: meta.category}"

    top_k: Annotated[PositiveInt, Field(description="keep the best k, per group if `per`")]

    def ranked(self, pool: pa.Table, order: Order) -> pa.Table:
        return top_k(pool, self.top_k, self.by, order, self.per)

    def cut(self, pool: pa.Table, verdicts: pa.Table, order: Order) -> tuple[Threshold, ...]:
        """A k that keeps all rows has no cut."""
        whole = compute.all(verdicts["kept"]).as_py()
        return () if whole else super().cut(pool, verdicts, order)

    def label(self) -> str:
        """
        >>> TopK(top_k=2000, by="hyperiqa").label()
        'best 2,000 by hyperiqa'
        """
        return f"best {self.top_k:,} by {self.by}{f' per {self.per}' if self.per else ''}"

    def at_most(self, rows: int) -> int:
        return rows if self.per else min(rows, self.top_k)


def top_k(pool: pa.Table, k: int, by: str, order: Order, per: str | None = None) -> pa.Table:
    """Keep the k best rows, or the k best of each group of the column ``per``.

    The margin is the distance to the value of rank k, null if there are fewer rows than k.
    Returns `groundglass.tables.verdicts.VERDICTS`. Raises RecipeError.

    >>> pool = pa.table({"id": ["a", "b", "c"], "hyperiqa": [0.7, 0.41234, 0.6]})
    >>> top_k(pool, 2, "hyperiqa", "higher")["reason"].to_pylist()
    [None, 'hyperiqa 0.412, below rank 2 (0.600)', None]
    """
    if k < 1:
        raise RecipeError(f"top_k must be at least 1, not {k}")
    return best_of_each(pool, f"{int(k)}", {}, by, order, per)
