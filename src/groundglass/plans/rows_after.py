"""The rows that left a step of a run, read from its tables, with all that was measured of them by then."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import NamedTuple

import pyarrow as pa

from groundglass.image.region import WHOLE
from groundglass.plans.run_tables import RunTables
from groundglass.tables.columns import KnownColumn, Scope, Tables, pool
from groundglass.tables.parquet import compute, only, read_table, without
from groundglass.tables.quoting import ERROR
from groundglass.tables.rows import META, ROWS, photographs

HELD_OUT = "held out for "
"""The reason of a row that went to a split begins so; rows that are like it left for another reason."""


class After(NamedTuple):
    """The current set after a step.

    generation  how many transforms its youngest rows went through
    mixed       rows of the generation before are among them: a transform with `if` left them as they were
    held        rows held out so far: a release writes them too
    """

    rows: pa.Table
    generation: int = 0
    mixed: bool = False
    held: pa.Table = ROWS.empty_table()


def rows_after(tables: RunTables, step: str) -> After:
    """The rows of the current set after a step, by its name, as the verdicts and the derived tables give them; of a
    source its own rows, and of a release the rows that it wrote, those held out among them.
    """
    after = After(ROWS.empty_table())
    for record in tables.record.steps:
        after = _after(tables, after, record.step, record.kind)
        if record.step == step:
            break
    kind = tables.steps[step].kind
    if kind == "source":
        return after._replace(rows=after.rows.filter(compute.equal(after.rows["source"], step)))
    return _released(tables, after, step) if kind == "release" else after


def _released(tables: RunTables, after: After, step: str) -> After:
    failed = tables.verdicts.get(step)
    rows = pa.concat_tables([after.rows, after.held])
    return after._replace(rows=rows if failed is None else without(rows, failed["id"]))


def _after(tables: RunTables, before: After, step: str, kind: str) -> After:
    if kind == "source":
        listed = tables.images.filter(compute.equal(tables.images["source"], step))
        return before._replace(rows=pa.concat_tables([before.rows, photographs(listed)]))
    verdicts = tables.verdicts.get(step)
    if verdicts is not None and kind != "release":  # a file that could not be written leaves the release only
        gone = verdicts.filter(compute.invert(verdicts["kept"]))
        held = ROWS.empty_table()
        if kind == "hold_out":
            held = only(tables.rows, gone["id"].filter(compute.starts_with(gone["reason"], HELD_OUT)))
        before = before._replace(
            rows=without(before.rows, gone["id"]), held=pa.concat_tables([before.held, held])
        )
    if kind != "transform":
        return before
    made = tables.derived.filter(compute.equal(tables.derived["step"], step)).select(ROWS.names)
    others = without(without(before.rows, made["parent"].drop_null()), made["id"])
    rows = pa.concat_tables([others, made])
    return After(rows, before.generation + 1, others.num_rows > 0, before.held)


def every_image(tables: RunTables) -> After:
    """Every file of every source as a row, files that cannot be used too."""
    images = tables.images
    known = {name: images[name] for name in ROWS.names if name in images.column_names}
    empty = {"parent": pa.nulls(images.num_rows, pa.string()), "root": images["id"]}
    whole = {"region": pa.repeat(pa.scalar(WHOLE), images.num_rows)}
    return After(pa.table(known | empty | whole).select(ROWS.names).cast(ROWS))


def with_values(tables: RunTables, after: After, steps: Iterable[str]) -> pa.Table:
    """The rows with every column that ``steps`` measured, under the names that the recipe uses.

    A row's own columns come first; then, of rows that a transform made, ``root.<column>`` of their photos (and
    ``parent.<column>`` of the rows in between); then ``meta.<column>``, which came with their sources. ``error`` names
    the measures that have no value of the row itself, and why.
    """
    scope = _scope(tables, after, set(steps))
    facts = after.rows.column_names
    shown = [column for column in scope.columns if not column.hidden]
    own = [
        name for name, column in scope.own().items() if not column.hidden and name not in (*facts, "error")
    ]
    roots = [f"root.{c.name}" for c in shown if c.generation == 0] if after.generation else []
    parents = [f"parent.{c.name}" for c in shown if 0 < c.generation == after.generation - 1]
    meta = [META + name for name in scope.meta or {}]
    names = [*own, *dict.fromkeys((*parents, *roots)), *meta]
    paths = [tuple(name.split(".", 1)) if name not in own else (name,) for name in names]
    found = pool(after.rows, paths, scope, tables_to_look_up(tables, scope))
    columns = {name: after.rows[name] for name in facts}
    columns |= {name: _column(found, name) for name in names}
    return pa.table(columns | {"error": _errors(found, [scope.own()[name] for name in own])})


def _column(found: pa.Table, name: str) -> pa.ChunkedArray:
    """A column of a pool: its own ones are flat, the others fields of structs."""
    if name in found.column_names:
        return found[name]
    whose, _, field = name.partition(".")
    struct = found[whose]
    return compute.struct_field(struct, [struct.type.get_field_index(field)])


def _errors(found: pa.Table, columns: Iterable[KnownColumn]) -> pa.ChunkedArray:
    """``blockiness: flat; noise: too_small`` for each row; null where every measure has its values."""
    names = set(found.column_names)
    by_key = {column.key: found[ERROR + column.name] for column in columns if ERROR + column.name in names}
    failed = {key.split("-")[0]: wrong for key, wrong in by_key.items() if wrong.null_count < len(wrong)}
    if not failed:
        return pa.chunked_array([pa.nulls(found.num_rows, pa.string())])
    said = [
        "; ".join(f"{measure}: {error}" for measure, error in zip(failed, errors, strict=True) if error)
        or None
        for errors in zip(*(wrong.to_pylist() for wrong in failed.values()), strict=True)
    ]
    return pa.chunked_array([pa.array(said, pa.string())])


def columns_of_run(tables: RunTables, after: After) -> Scope:
    """Every column that the steps of a run brought; of two with one name, the one of the photos."""
    scope = _scope(tables, after, {record.step for record in tables.record.steps})
    return replace(scope, columns=tuple(sorted(scope.columns, key=lambda column: -column.generation)))


_FIELDS = {field.name for field in fields(KnownColumn)}


def _scope(tables: RunTables, after: After, steps: set[str]) -> Scope:
    """The columns that these steps brought, as far as the run still has their values."""
    known = [
        KnownColumn(**{name: value for name, value in column.items() if name in _FIELDS})
        for column in tables.record.columns
        if column["step"] in steps
    ]
    meta = {name.removeprefix(META): "" for name in tables.images.column_names if name.startswith(META)}
    kept = tuple(column for column in known if _is_there(tables, column))
    return Scope(kept, after.generation, after.mixed, meta)


def _is_there(tables: RunTables, column: KnownColumn) -> bool:
    """A store may have been deleted, or moved away from its runs; then its columns are left out."""
    if column.join in ("content", "text"):
        return tables.store.folder(column.key).is_dir()
    return tables.folder.scores(column.key).exists()


def tables_to_look_up(tables: RunTables, scope: Scope) -> Tables:
    """The tables that values are looked up in."""
    tables_of: dict[str, pa.Table] = {}
    for column in scope.columns:
        if column.join not in ("content", "text"):
            tables_of[column.key] = read_table(tables.folder.scores(column.key))
        elif column.join == "text":
            tables_of[column.texts] = tables.store.read(column.texts)
    return Tables(tables.rows, tables.images, tables.store, tables_of)
