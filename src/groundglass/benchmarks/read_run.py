"""The columns of a run as a table of scores: what `benchmark iqa RUN` compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from groundglass.benchmarks.score_columns import (
    KnownMeasure,
    distinct_names,
    facts_of,
    names_in,
    path_in,
    read_cells,
)
from groundglass.errors import RecipeError
from groundglass.image.region import WHOLE
from groundglass.plans.rows_after import columns_of_run, every_image, tables_to_look_up
from groundglass.plans.run_folder import RunFolder, load_record
from groundglass.plans.run_tables import RunTables, read_tables
from groundglass.tables.parquet import compute
from groundglass.tables.rows import META
from groundglass.text.suggest import nearest


@dataclass(frozen=True)
class RunScores:
    """Columns of a run's photos.

    rows      the photos, with their ids
    names     the photos, by their names in the source
    columns   by the names that were asked for; None where an image has no value
    measures  the facts about those that are columns of measures
    notes     sentences on images of the run that are not in the table
    """

    tables: RunTables
    rows: pa.Table
    names: tuple[str, ...]
    columns: Mapping[str, Sequence[Any]]
    measures: Mapping[str, KnownMeasure] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_run_scores(folder: RunFolder, wanted: Sequence[str]) -> RunScores:
    """The columns of all photos of a run, also of those that a rule dropped or that could not be read.

    A column is named as `groundglass.benchmarks.score_columns.names_in` says, or as ``meta.<column>``. Tiles are left
    out: a table of scores gives them the values of their photo. Raises RecipeError for a column that the run does not
    have.
    """
    tables = read_tables(folder, load_record(folder))
    # An image that could not be read is among them: if it has a MOS, every score failed on it.
    photos = every_image(tables)
    scope = columns_of_run(tables, photos)
    found = {name: path for name in dict.fromkeys(wanted) if (path := path_in(scope, name))}
    for name in wanted:
        if name not in found:
            known = {*names_in(scope), *(f"{META}{one}" for one in scope.meta or {}), "source"}
            close = nearest(name, known)
            shown = sorted(one for one in known if "." not in one or one.startswith(META))
            raise RecipeError(
                f"{folder.path} has no column '{name}'{f'; {close!r} looks like it' if close else ''}",
                f"its columns are {', '.join(shown)}",
            )
    cells, _ = read_cells(photos.rows, found, scope, tables_to_look_up(tables, scope))
    measures = {
        name: facts
        for name, path in found.items()
        if (facts := facts_of(scope.find(path), scope.columns, tables.record.steps))
    }
    names = tuple(distinct_names(photos.rows))
    return RunScores(tables, photos.rows, names, cells, measures, _note_on_tiles(tables))


def _note_on_tiles(tables: RunTables) -> tuple[str, ...]:
    parts = int(compute.sum(compute.not_equal(tables.derived["region"], WHOLE)).as_py() or 0)
    said = f"tiles and resized images are left out ({parts:,}): every value is that of a whole photo"
    return (said,) if parts else ()
