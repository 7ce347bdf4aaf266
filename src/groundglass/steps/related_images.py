"""Groups of images of the same thing: the photographs that rows come from, and their near-duplicates."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from groundglass.plans.duplicates import fingerprint_columns
from groundglass.plans.leak_reference import photographs_of
from groundglass.plans.measure_missing import measure_rows
from groundglass.plans.planner import PlannedStep
from groundglass.plans.state import State
from groundglass.releases.split import find_groups
from groundglass.similarity.near_columns import NEAR
from groundglass.tables.columns import pool
from groundglass.tables.parquet import compute


def relatives_of(state: State, planned: PlannedStep, rows: pa.Table) -> Mapping[str, str]:
    """Photograph id → a name that it shares with all copies and near-duplicates of it among ``rows``.

    Hashes that the store lacks are measured here.
    """
    measure_rows(
        state, photographs_of(rows, state.seen), planned.asks, f"fingerprints for {planned.step.name}"
    )
    groups = find_groups(
        with_hashes(state, planned, rows), state.run.seed, planned.step.name, None, None, None
    )
    return {root: group.key for group in groups for root in group.roots}


def with_hashes(state: State, planned: PlannedStep, rows: pa.Table) -> pa.Table:
    """The rows with their photographs' hashes and the columns that the step names, without structs."""
    known = planned.scope.of_generation(0)
    new = tuple(column for column in fingerprint_columns(0) if column.name not in known)
    scope = planned.scope.with_columns(new)
    hashes = [("root", name) for name in NEAR]
    paths = [*hashes, *planned.paths]
    table = pool(rows, paths, scope, state.tables)
    flat = pa.table(
        {name: table[name] for name in table.column_names if not pa.types.is_struct(table[name].type)}
    )
    for path in paths:
        name = path[1] if path in hashes else ".".join(path)
        whose, field = scope.whose(path)
        if name not in flat.column_names:
            place = table[whose].type.get_field_index(field)
            flat = flat.append_column(name, compute.struct_field(table[whose], [place]))
    return flat.append_column("root", rows["root"].take(compute.index_in(flat["id"], rows["id"])))
