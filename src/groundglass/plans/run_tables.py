"""The tables of a finished run, read from disk, and how rows are looked up in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from groundglass.image.region import WHOLE
from groundglass.plans.run_folder import RunFolder, RunRecord, store_of
from groundglass.tables.columns import ROWS
from groundglass.tables.measure_store import MeasureStore
from groundglass.tables.parquet import compute, read_table
from groundglass.tables.rows import photographs
from groundglass.tables.step_record import StepRecord


@dataclass(frozen=True)
class RunTables:
    """The tables of a run, read from disk."""

    folder: RunFolder
    record: RunRecord
    images: pa.Table
    rows: pa.Table
    derived: pa.Table
    verdicts: Mapping[str, pa.Table]
    store: MeasureStore

    @property
    def steps(self) -> Mapping[str, StepRecord]:
        return {step.step: step for step in self.record.steps}


def read_tables(folder: RunFolder, record: RunRecord) -> RunTables:
    """Every photograph, every virtual image and every verdict of a run."""
    listings = [read_table(path) for path in sorted((folder.path / "images").glob("*/part-0.parquet"))]
    images = pa.concat_tables(listings, promote_options="default") if listings else ROWS.empty_table()
    derived = read_derived(folder, record)
    whole = photographs(images) if listings else ROWS.empty_table()
    parts = derived.filter(
        compute.not_equal(derived["region"], WHOLE)
    )  # the others are photographs themselves
    rows = pa.concat_tables([whole, parts.select(ROWS.names).cast(ROWS)])
    verdicts = {
        step.step: read_table(path) for step in record.steps if (path := folder.verdicts(step.step)).exists()
    }
    store = MeasureStore(store_of(folder, record) / "measures")
    return RunTables(folder, record, images, rows, derived, verdicts, store)


def read_derived(folder: RunFolder, record: RunRecord) -> pa.Table:
    """The virtual images of all transforms, in the order of the steps, with the step that made them."""
    schema = ROWS.append(pa.field("step", pa.string()))
    parts = [schema.empty_table()]
    for step in record.steps:
        path = folder.derived(step.step)
        if path.exists():
            rows = read_table(path).select(ROWS.names).cast(ROWS)
            parts.append(rows.append_column("step", pa.array([step.step] * rows.num_rows, pa.string())))
    return pa.concat_tables(parts)


def matches(table: pa.Table, column: str, value: str | bytes) -> list[dict[str, Any]]:
    """The first hundred rows that have this value; none if there is no such column."""
    if column not in table.column_names:
        return []
    return (
        table.filter(compute.equal(table[column], pa.scalar(value, table[column].type)))
        .slice(0, 100)
        .to_pylist()
    )


def manifests(tables: RunTables) -> list[tuple[Path, pa.Table]]:
    """The folder of each release of a run, wherever it was written, and its manifest."""
    written = (step.facts.get("folder") for step in tables.record.steps if step.kind == "release")
    folders = [tables.folder.path / folder for folder in written if folder]
    return [
        (folder, read_table(folder / "manifest.parquet"))
        for folder in folders
        if (folder / "manifest.parquet").exists()
    ]
