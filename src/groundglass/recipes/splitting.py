"""The split step: shares of the current set, near-duplicates and tiles of one photograph together."""

from __future__ import annotations

import pyarrow as pa

from groundglass.recipes.measuring import measure_rows
from groundglass.recipes.model import SplitStep
from groundglass.recipes.planner import PlannedStep
from groundglass.recipes.relatives import photographs_of, with_hashes
from groundglass.recipes.state import State
from groundglass.releases.split import assign_splits


def split_rows(state: State, planned: PlannedStep) -> pa.Table:
    """id, split of every row of the current set.

    Near-duplicates are found by the hashes of the photographs, which are measured here where they are not known yet.
    """
    body = planned.step.body
    assert isinstance(body, SplitStep)
    measure_rows(
        state, photographs_of(state, state.rows), planned.asks, f"fingerprints for {planned.step.name}"
    )
    rows = with_hashes(state, planned, state.rows)
    return assign_splits(
        rows, shares_of(body), state.seed, planned.step.name, stratify=body.stratify, group=body.group
    )


def shares_of(body: SplitStep) -> dict[str, float]:
    """Split → its share of 1; what is not said goes to train."""
    return {"train": rest_of(body), "validation": body.validation, "test": body.test}


def rest_of(body: SplitStep) -> float:
    return body.train if body.train is not None else 1.0 - body.validation - body.test
