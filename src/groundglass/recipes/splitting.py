"""The split step: shares of the current set, near-duplicates and tiles of one photograph together."""

from __future__ import annotations

import pyarrow as pa

from groundglass.kernel.table import compute, only
from groundglass.recipes.columns import pool
from groundglass.recipes.judging import fingerprint_columns
from groundglass.recipes.measuring import measure_rows
from groundglass.recipes.model import SplitStep
from groundglass.recipes.plan import PlannedStep
from groundglass.recipes.state import State
from groundglass.releases.split import assign_splits


def split_rows(state: State, planned: PlannedStep) -> pa.Table:
    """id, split of every row of the current set.

    Near-duplicates are found by the hashes of the photographs, which are measured here where they are not known yet.
    """
    body = planned.step.body
    assert isinstance(body, SplitStep)
    measure_rows(state, photographs_of(state), planned.asks, f"fingerprints for {planned.step.name}")
    shares = {"train": rest_of(body), "validation": body.validation, "test": body.test}
    rows = with_hashes(state, planned)
    return assign_splits(
        rows, shares, state.seed, planned.step.name, stratify=body.stratify, group=body.group
    )


def rest_of(body: SplitStep) -> float:
    return body.train if body.train is not None else 1.0 - body.validation - body.test


def photographs_of(state: State) -> pa.Table:
    """The photographs that the current set comes from, as rows."""
    roots = compute.unique(state.rows["root"])
    return only(state.seen, roots)


def with_hashes(state: State, planned: PlannedStep) -> pa.Table:
    """The current set with its photographs' hashes, and the columns that the step names, all flat."""
    known = planned.scope.of_generation(0)
    new = tuple(column for column in fingerprint_columns(0) if column.name not in known)
    scope = planned.scope.with_columns(new)
    paths = [("root", "phash"), ("root", "phash_mirror"), *planned.paths]
    table = pool(state.rows, paths, scope, state.tables)
    flat = pa.table(
        {name: table[name] for name in table.column_names if not pa.types.is_struct(table[name].type)}
    )
    for path in paths:
        name = path[1] if path in paths[:2] else ".".join(path)
        if name not in flat.column_names:
            flat = flat.append_column(name, compute.struct_field(table[path[0]], path[1]))
    return flat.append_column("root", state.rows["root"].take(compute.index_in(flat["id"], state.rows["id"])))
