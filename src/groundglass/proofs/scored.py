"""The images that results are scored on: a folder of trusted images, or photos held out from the arms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from groundglass.catalog import Measure, Value
from groundglass.errors import RecipeError
from groundglass.measures.measure_job import ask_of
from groundglass.plans.measure_folders import Workshop, measure_folder
from groundglass.plans.measure_missing import measure_rows
from groundglass.plans.state import State
from groundglass.proofs.instant.measure import MOMENTS, moments_of
from groundglass.proofs.saved_again import saved_again
from groundglass.proofs.units import looks_of_rows
from groundglass.tables.parquet import compute
from groundglass.text.format import some

if TYPE_CHECKING:
    from groundglass.image.frame import Frame


def scored_moments(frame: Frame) -> dict[str, Value]:
    """The moments of an image that is scored: every LR pixel counts."""
    return moments_of(frame, step=1)


SCORED = replace(MOMENTS, name="proof_scored", compute=scored_moments, parameters={})


def scored_in_folders(
    state: State, folders: Sequence[str], measure: Measure, arms: pa.Table
) -> tuple[list[bytes], tuple[str, ...]]:
    """The stored values of a measure for every usable image in folders, and a note on images that are left out.

    ``arms`` are the rows that are trained on. Scored images among them are left out: an arm that was trained on the
    answers would win. Raises RecipeError if a folder is missing, or if no image is left.
    """
    shop = Workshop(state.run.store_folder, state.run.settings, state.run.limits, state.run.progress)

    def values(wanted: Measure, column: str) -> dict[str, bytes]:
        tables = [measure_folder(folder, wanted, "images to score on", shop) for folder in folders]
        return _stored(
            pa.concat_tables([table.select([column, "sha256", "error"]) for table in tables]), column
        )

    looks = values(SCORED, "look")
    trained = set(arms["sha256"].to_pylist()) | saved_again(looks, looks_of_rows(state, arms).values())
    found = values(measure, next(iter(measure.columns)))
    left = [value for sha256, value in found.items() if sha256 not in trained]
    dropped = len(found) - len(left)
    if dropped and not left:
        raise RecipeError(
            f"all of the {some(dropped, 'images')} to score on are also trained on",
            "name images that are in no arm: --score-on FOLDER",
        )
    verb = "is" if dropped == 1 else "are"
    note = f"{dropped} of the images to score on {verb} also trained on, and {verb} left out of the scores"
    return left, (note,) if dropped else ()


def scored_rows(state: State, rows: pa.Table, measure: Measure) -> list[bytes]:
    """The stored values of a measure for held-out rows."""
    ask, column = ask_of(measure, {}), next(iter(measure.columns))
    measure_rows(state, rows, [ask], "images to score on")
    wanted = state.run.store.read_rows(ask.key, rows, [column])
    own = wanted.join(rows.select(["sha256", "region"]), ["sha256", "region"], join_type="left semi")
    return list(_stored(own, column).values())


def _stored(table: pa.Table, column: str) -> dict[str, bytes]:
    """The usable values of a column by content: an image in two of the folders counts once."""
    found = table.filter(compute.and_(table["error"].is_null(), table[column].is_valid()))
    return dict(zip(found["sha256"].to_pylist(), found[column].to_pylist(), strict=True))
