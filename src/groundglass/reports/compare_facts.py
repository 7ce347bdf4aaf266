"""Turns a comparison of two runs into the facts of a page: the images that entered or left, as each run saw them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from groundglass.catalog import Column
from groundglass.reports.compare import Comparison, Side
from groundglass.reports.facts import EXTRAS, ROWS, RunFacts
from groundglass.reports.image_outcomes import MOST_ROWS
from groundglass.reports.read_run import lock_hash, report_columns, thumbnails, with_measures
from groundglass.tables.parquet import compute, only, without
from groundglass.tables.reasons import kinds_of


@dataclass(frozen=True)
class PairFacts:
    """The content of the page of two runs.

    a, b      facts over the same rows, in the same order: those that entered ("kept") or left ("dropped").
              In both, ``born_at`` is the step at which a row came into that run: None if it never did
    entered   the number of images that entered, for each reason that had kept them out before
    left      the number of images that left, for each reason
    """

    a: RunFacts
    b: RunFacts
    entered: Counter[tuple[str, str]]
    left: Counter[tuple[str, str]]


def pair_facts(comparison: Comparison, most: int = MOST_ROWS) -> PairFacts:
    """The facts of a page over at most about ``most`` of the images that entered or left."""
    entered, left = (_fewer(table, most // 2) for table in (comparison.entered, comparison.left))
    changed = pa.concat_tables([_shown(entered, "kept", "a"), _shown(left, "dropped", "b")])
    rows, columns = _rows(comparison, changed)
    shown = with_column(rows, "status", changed["status"])
    shown = with_column(shown, "reason", changed["reason"])
    images = dict(thumbnails(comparison.b.tables, _known(comparison.b, changed)))
    images |= thumbnails(comparison.a.tables, without(_known(comparison.a, changed), pa.array(list(images))))
    total = comparison.entered.num_rows + comparison.left.num_rows
    a, b = (
        _facts(side, _steps_of(side, shown), columns, images, total) for side in (comparison.a, comparison.b)
    )
    return PairFacts(a, b, count_reasons(comparison.entered, "a"), count_reasons(comparison.left, "b"))


def with_column(table: pa.Table, name: str, values: Any) -> pa.Table:
    """The table with one column replaced."""
    return table.set_column(table.schema.get_field_index(name), name, values)


def _fewer(table: pa.Table, most: int) -> pa.Table:
    """At most ``most`` rows: those with the smallest ids. Ids are hashes, so that is a random sample."""
    if table.num_rows <= most:
        return table
    return table.take(compute.select_k_unstable(table, k=most, sort_keys=[("id", "ascending")]))


def _shown(table: pa.Table, status: str, decisive: str) -> pa.Table:
    """The ids, with the status and the reason in the run that did not keep them."""
    reason = table[f"{decisive}_reason"]
    return pa.table({"id": table["id"], "status": pa.repeat(status, table.num_rows), "reason": reason})


def count_reasons(table: pa.Table, decisive: str) -> Counter[tuple[str, str]]:
    """The number of images for each step and kind of reason; each image counts once."""
    steps, kinds = table[f"{decisive}_step"].to_pylist(), kinds_of(table[f"{decisive}_reason"])
    return Counter((step or "", kind or "") for step, kind in zip(steps, kinds, strict=True))


def _known(side: Side, changed: pa.Table) -> pa.Table:
    return only(side.fates, changed["id"])


def _rows(comparison: Comparison, changed: pa.Table) -> tuple[pa.Table, dict[str, Column]]:
    """The rows with their values, from the second run if it has them; in the order of ``changed``."""
    new, old = _known(comparison.b, changed), _known(comparison.a, changed)
    old = without(old, new["id"])
    columns_a, columns_b = report_columns(comparison.a.tables), report_columns(comparison.b.tables)
    tables = [
        with_measures(comparison.b.tables, new, columns_b),
        with_measures(comparison.a.tables, old, columns_a),
    ]
    rows = pa.concat_tables(tables, promote_options="permissive")
    meanings = {name: found[0] for name, found in {**columns_a, **columns_b}.items()}
    return rows.take(compute.index_in(changed["id"], rows["id"].combine_chunks())), meanings


def _steps_of(side: Side, rows: pa.Table) -> pa.Table:
    """The rows with the steps at which they came and left in this run; null if they never were in it."""
    place = compute.index_in(rows["id"], side.fates["id"].combine_chunks())
    for name in ("born_at", "left_at"):
        rows = with_column(rows, name, side.fates[name].combine_chunks().take(place.combine_chunks()))
    return rows


def _facts(
    side: Side, rows: pa.Table, columns: dict[str, Column], images: dict[str, bytes], total: int
) -> RunFacts:
    names = [*ROWS.names, *(name for name in EXTRAS if name in rows.column_names), *columns]
    return RunFacts(
        name=side.record.name,
        number=side.record.number,
        state=side.record.state,
        made_at=datetime.fromtimestamp(side.folder.record.stat().st_mtime, UTC),
        seed=side.record.seed,
        lock=lock_hash(side.folder),
        folder=str(side.folder.path),
        recipe=side.record.recipe_file,
        steps=side.steps,
        rows=rows.select(names),
        columns=columns,
        thumbnails=images,
        verdicts=only(side.verdicts, rows["id"]),
        total=total if total > rows.num_rows else None,
    )
