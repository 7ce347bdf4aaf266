"""The current set of rows: the rows that a step applies to, the rows that leave, and how that is recorded."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pyarrow as pa

from groundglass.plans.planner import PlannedStep
from groundglass.plans.state import State
from groundglass.selections.where import where
from groundglass.tables.columns import pool
from groundglass.tables.parquet import compute, without
from groundglass.tables.reasons import MOST, OTHERS
from groundglass.tables.verdicts import VERDICTS


def applies(state: State, planned: PlannedStep) -> tuple[pa.Table, pa.Table]:
    """The rows that a step's `if` holds for, and the others."""
    if planned.step.only_if is None:
        return state.rows, state.rows.slice(0, 0)

    table = pool(state.rows, planned.condition, planned.scope, state.tables)
    verdicts = where(table, planned.step.only_if)
    inside = compute.is_in(state.rows["id"], verdicts["id"].filter(verdicts["kept"]))
    return state.rows.filter(inside), state.rows.filter(compute.invert(inside))


def leave(state: State, planned: PlannedStep, verdicts: pa.Table) -> State:
    """Write the verdicts, and let the rows that were not kept leave the current set."""
    state.run.write(verdicts, state.run.folder.verdicts(planned.step.name))
    if verdicts["id"].equals(state.rows["id"]):  # all were judged, in their order: no lookup by id
        return replace(state, rows=state.rows.filter(verdicts["kept"]))
    return replace(state, rows=without(state.rows, verdicts["id"].filter(compute.invert(verdicts["kept"]))))


def refusals(refused: pa.Table) -> pa.Table:
    """Verdicts of rows that a transform could not use: too small is dropped, anything else failed."""
    rows = refused.num_rows
    failed = compute.not_equal(refused["reason"], "too_small")
    return pa.table(
        [refused["id"], pa.array([False] * rows), failed, refused["reason"], pa.nulls(rows, pa.float64())],
        schema=VERDICTS,
    )


def count(reasons: Any) -> dict[str, int]:
    """How often each reason occurs, most frequent first; the rarest are counted together, so that the counts add up."""
    found = Counter(reasons.to_pylist()).most_common()
    rest = sum(many for _, many in found[MOST - 1 :])
    return dict(found if len(found) <= MOST else [*found[: MOST - 1], (OTHERS, rest)])
