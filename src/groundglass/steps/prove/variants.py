"""The selection of a recipe, and its selection without one of its gates."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from groundglass.plans.planner import PlannedStep
from groundglass.plans.run_folder import RunFolder
from groundglass.plans.state import State
from groundglass.steps.measure.step import run as run_measure
from groundglass.steps.select.step import run as run_select
from groundglass.steps.transform import run as run_transform
from groundglass.tables.parquet import compute, read_table, without
from groundglass.tables.rows import photographs

AGAIN = {"measure": run_measure, "select": run_select, "transform": run_transform}
"""Kinds of steps that a variant goes through. A model is not asked again: what it was never asked stays unknown."""


def variant_rows(state: State, steps: Sequence[PlannedStep], left_out: Collection[str] = ()) -> pa.Table:
    """The rows that steps leave of a run's photographs, without some of the gates.

    Images that a gate dropped are measured now for the steps after it. Nothing is written but to the store. Images
    held out for validation stay out.
    """
    assert state.images is not None
    rows = without(photographs(state.images), _held_out(state, steps), "root")
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
        for planned in steps:
            again = AGAIN.get(planned.step.kind)
            if again is not None and planned.step.name not in left_out:
                now, _ = again(now, planned)
    return now.rows


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
