"""The images that results are scored on: a folder of trusted images, or photos held out from the arms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from groundglass.catalog import Value
from groundglass.measures.measure_job import ask_of
from groundglass.plans.measure_folders import Workshop, measure_folder
from groundglass.plans.measure_missing import measure_rows
from groundglass.plans.state import State
from groundglass.proofs.instant.measure import MOMENTS, moments_of
from groundglass.proofs.instant.moments import LENGTH
from groundglass.tables.parquet import compute

if TYPE_CHECKING:
    from groundglass.image.frame import Frame

Floats = NDArray[Any]


def scored_moments(frame: Frame) -> dict[str, Value]:
    """The moments of an image that is scored: every LR pixel counts."""
    return moments_of(frame, step=1)


SCORED = replace(MOMENTS, name="proof_scored", compute=scored_moments, parameters={})


def scored_in_folders(state: State, folders: Sequence[str]) -> Floats:
    """The moments of every usable image in some folders, a row each. Raises RecipeError where one is not there."""
    shop = Workshop(state.run.store_folder, state.run.settings, state.run.limits, state.run.progress)
    tables = [measure_folder(folder, SCORED, "images to score on", shop) for folder in folders]
    return _matrix(pa.concat_tables([table.select(["moments", "error"]) for table in tables]))


def scored_rows(state: State, rows: pa.Table) -> Floats:
    """The moments of held-out rows, a row each."""
    ask = ask_of(SCORED, {})
    measure_rows(state, rows, [ask], "images to score on")
    return _matrix(state.run.store.read_rows(ask.key, rows, ["moments"]))


def _matrix(table: pa.Table) -> Floats:
    found = table.filter(compute.and_(table["error"].is_null(), table["moments"].is_valid()))["moments"]
    rows = [np.frombuffer(value, np.float32) for value in found.to_pylist()]
    return np.stack(rows) if rows else np.zeros((0, LENGTH), np.float32)
