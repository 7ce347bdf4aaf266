"""The selection of a recipe, and its selection without one of its gates."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from groundglass.plans.current_rows import applies
from groundglass.plans.measure_missing import missing_of
from groundglass.plans.planner import PlannedStep
from groundglass.plans.run_folder import RunFolder
from groundglass.plans.state import State
from groundglass.steps.measure.step import run as run_measure
from groundglass.steps.select.step import run as run_select
from groundglass.steps.transform import run as run_transform
from groundglass.tables.parquet import compute, read_table, without
from groundglass.tables.rows import photographs


@dataclass(frozen=True)
class Variant:
    """The rows that steps leave, without some of the gates.

    unasked  annotate step → rows that its model was never asked about, though a gate after it judges by its answers
    """

    rows: pa.Table
    unasked: Mapping[str, int]


AGAIN = {"measure": run_measure, "select": run_select, "transform": run_transform}
"""Kinds of steps that a variant goes through. A model is not asked again: what it was never asked stays unknown."""


def variant_of(state: State, steps: Sequence[PlannedStep], left_out: Collection[str] = ()) -> Variant:
    """The rows that steps leave of a run's photographs, without some of the gates.

    Images that a gate dropped are measured now for the steps after it. Nothing is written but to the store. Images
    held out for validation stay out.
    """
    assert state.images is not None
    rows = without(photographs(state.images), _held_out(state, steps), "root")
    unasked: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="groundglass-prove-") as scratch:
        now = replace(
            state,
            run=replace(state.run, folder=RunFolder(Path(scratch))),
            rows=rows,
            rests={},
            held={},
            splits=None,
            records=(),
        )
        for place, planned in enumerate(steps):
            again = AGAIN.get(planned.step.kind)
            if again is not None and planned.step.name not in left_out:
                now, _ = again(now, planned)
            if planned.step.kind == "annotate" and _gates_on(planned, steps[place + 1 :], left_out):
                unasked[planned.step.name] = _unasked(now, planned)
    return Variant(now.rows, unasked)


def _gates_on(asked: PlannedStep, later: Sequence[PlannedStep], left_out: Collection[str]) -> bool:
    """Whether a gate judges by the answers of an annotate step."""
    return any(
        column.step == asked.step.name
        for planned in later
        if planned.step.kind == "select" and planned.step.name not in left_out
        for path in planned.paths
        if (column := planned.scope.find(path)) is not None
    )


def _unasked(state: State, planned: PlannedStep) -> int:
    """Rows that lack an answer of an annotate step, or an error in its place."""
    chosen, _ = applies(state, planned)
    return max((missing_of(state, ask, chosen).num_rows for ask in planned.asks), default=0)


def _held_out(state: State, steps: Sequence[PlannedStep]) -> pa.ChunkedArray:
    """The photos that hold_out steps took."""
    taken = pa.chunked_array([], pa.string())
    for planned in steps:
        path = state.run.folder.verdicts(planned.step.name)
        if planned.step.kind == "hold_out" and path.exists():
            verdicts = read_table(path)
            ids = verdicts["id"].filter(compute.invert(verdicts["kept"]))
            roots = state.seen["root"].filter(compute.is_in(state.seen["id"], ids.combine_chunks()))
            taken = pa.chunked_array([*taken.chunks, *roots.chunks], pa.string())
    return taken
