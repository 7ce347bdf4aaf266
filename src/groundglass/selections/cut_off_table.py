"""The effect of keeping more or fewer rows of a ranking, printed for each ranking of a recipe."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

from groundglass.selections.ranking import Order, cut_off_table
from groundglass.tables.parquet import compute
from groundglass.tables.verdicts import numbers

BYTES_PER_PIXEL = 1.7
"""The approximate size of a photo as PNG."""


def cut_offs(table: pa.Table, by: str, order: Order, kept: int) -> list[dict[str, Any]]:
    """For some k around ``kept``: mean and lowest score of the best k, and their size on disk in 10⁹ bytes.

    >>> pool = pa.table({"q": [0.9, 0.5, 0.7], "width": [1000] * 3, "height": [1000] * 3})
    >>> [(row["k"], row["lowest"]) for row in cut_offs(pool, "q", "higher", 2)]
    [(1, 0.9), (2, 0.7), (3, 0.5)]
    """
    scores = numbers(table, by).to_numpy()
    steps = {kept // 4, kept // 2, 3 * kept // 4, kept, 3 * kept // 2, 2 * kept, len(scores)}
    size = compute.mean(compute.multiply(table["width"], table["height"])).as_py() or 0.0
    rows = cut_off_table(np.asarray(scores, np.float64), sorted(steps), order, size * BYTES_PER_PIXEL)
    return [asdict(row) for row in rows]
