"""The forecast of a cascade: its verdicts if the store has all values that it needs, else the most calls."""

from __future__ import annotations

import pyarrow as pa

from groundglass.plans.measure_missing import failed_rows, missing_of
from groundglass.plans.planner import PlannedStep
from groundglass.plans.state import State
from groundglass.selections.rule import Judged
from groundglass.selections.where import Cascade
from groundglass.steps.select.cascade import cascade_rows, most_measured


class _UnknownValueError(Exception):
    """Something would have to be measured."""


def known_cascade(state: State, planned: PlannedStep, rows: pa.Table) -> Judged | None:
    """The verdicts if nothing has to be measured for them, else None. Raises RecipeError as `cascade_rows` does."""

    def take(some: pa.Table) -> pa.Table:
        if any(missing_of(state, ask, some).num_rows for ask in planned.asks):
            raise _UnknownValueError
        return failed_rows(state, some, planned.asks)

    try:
        return cascade_rows(state, planned, rows, take)
    except _UnknownValueError:
        return None


def most_calls(state: State, planned: PlannedStep, wish: Cascade, rows: pa.Table) -> int:
    """How many rows will get the costly measure at most; the content of files that were never read is unknown."""
    read = rows.filter(rows["sha256"].is_valid())
    missing = missing_of(state, planned.asks[0], read).num_rows
    return min(missing + rows.num_rows - read.num_rows, most_measured(wish, rows.num_rows))
