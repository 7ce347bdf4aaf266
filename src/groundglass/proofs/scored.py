"""The images that results are scored on: a folder of trusted images, or photos held out from the arms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from groundglass.catalog import Measure, Value
from groundglass.measures.measure_job import ask_of
from groundglass.plans.measure_folders import Workshop, measure_folder
from groundglass.plans.measure_missing import measure_rows
from groundglass.plans.state import State
from groundglass.proofs.instant.measure import MOMENTS, moments_of
from groundglass.tables.parquet import compute

if TYPE_CHECKING:
    from groundglass.image.frame import Frame


def scored_moments(frame: Frame) -> dict[str, Value]:
    """The moments of an image that is scored: every LR pixel counts."""
    return moments_of(frame, step=1)


SCORED = replace(MOMENTS, name="proof_scored", compute=scored_moments, parameters={})


def scored_in_folders(state: State, folders: Sequence[str], measure: Measure) -> list[bytes]:
    """The stored values of a measure for every usable image in folders. Raises RecipeError if one is missing."""
    shop = Workshop(state.run.store_folder, state.run.settings, state.run.limits, state.run.progress)
    tables = [measure_folder(folder, measure, "images to score on", shop) for folder in folders]
    column = next(iter(measure.columns))
    return _stored(pa.concat_tables([table.select([column, "error"]) for table in tables]), column)


def scored_rows(state: State, rows: pa.Table, measure: Measure) -> list[bytes]:
    """The stored values of a measure for held-out rows."""
    ask, column = ask_of(measure, {}), next(iter(measure.columns))
    measure_rows(state, rows, [ask], "images to score on")
    wanted = state.run.store.read_rows(ask.key, rows, [column])
    return _stored(
        wanted.join(rows.select(["sha256", "region"]), ["sha256", "region"], join_type="left semi"), column
    )


def _stored(table: pa.Table, column: str) -> list[bytes]:
    found = table.filter(compute.and_(table["error"].is_null(), table[column].is_valid()))
    return found[column].to_pylist()
