"""The rows of a release: the current set and the held-out rows, with all columns of the manifest."""

from __future__ import annotations

import pyarrow as pa

from groundglass.annotators.catalog import QUESTIONS
from groundglass.plans.state import State
from groundglass.releases.split_names import TRAIN
from groundglass.tables.columns import ROWS, Scope, pool
from groundglass.tables.parquet import compute, find_keys
from groundglass.tables.rows import META


def rows_to_release(state: State, scope: Scope) -> pa.Table:
    """Every image of the release, with its file, its licence, its split and its scores."""
    splits = (
        state.splits
        if state.splits is not None
        else pa.table({"id": pa.array([], pa.string()), "split": pa.array([], pa.string())})
    )
    parts = [with_details(state, state.rows, scope, splits)]
    for split, held in state.held.items():
        named = pa.table(
            {"id": held.rows["id"], "split": pa.array([split] * held.rows.num_rows, pa.string())}
        )
        parts.append(with_details(state, held.rows, held.scope, named))
    return pa.concat_tables(parts, promote_options="default")


def with_details(state: State, rows: pa.Table, scope: Scope, splits: pa.Table) -> pa.Table:
    """The rows in their order, with path, licence, author, split and every score."""
    names = [
        name
        for name, column in scope.own().items()
        if not column.hidden and column.sql_type != "BLOB" and name not in [*ROWS.names, "bytes"]
    ]
    roots = [
        name
        for name, column in scope.of_generation(0).items()
        if scope.generation > 0 and not column.hidden and name not in ("width", "height", "bytes")
    ]
    paths = [("root", name) for name in roots]
    found = pool(rows, [*((name,) for name in names), *paths], scope, state.tables, errors=False)
    images = state.tables.images
    of = find_keys(rows["root"], images["id"])
    chosen = splits["split"].take(find_keys(rows["id"], splits["id"]))
    columns = {
        **{name: rows[name] for name in rows.column_names},
        "path": images["path"].take(of),
        "file_format": images["format"].take(of),
        "licence": images["licence"].take(of),
        "author": images["author"].take(of),
        "split": compute.coalesce(chosen, TRAIN),
        **{name: images[name].take(of) for name in images.column_names if name.startswith(META)},
    }
    for name in names:
        columns[f"measured_{name}" if name in columns else name] = found[name]
    for path in paths:
        if scope.whose(path) == path:  # not the name of an external score
            place = found["root"].type.get_field_index(path[1])
            columns[".".join(path)] = compute.struct_field(found["root"], [place])
    return pa.table(columns)


def answer_columns(state: State, scope: Scope) -> tuple[str, ...]:
    """The columns of the manifest with answers of models: first of the images, then of their photographs."""
    known = [
        column for each in (scope, *(held.scope for held in state.held.values())) for column in each.columns
    ]
    names = [c.name for c in known if not c.hidden and c.key.partition("-")[0] in QUESTIONS]
    return tuple(dict.fromkeys([*names, *(f"root.{name}" for name in names)]))
