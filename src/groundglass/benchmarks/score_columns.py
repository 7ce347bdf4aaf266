"""The columns that a benchmark reads: what they may be called, their values, and the facts about their measures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import pyarrow as pa

from groundglass.image.region import TILE_SIGN
from groundglass.measures.catalog import MEASURES
from groundglass.tables.columns import ColumnPath, KnownColumn, Scope, Tables, pool
from groundglass.tables.quoting import ERROR
from groundglass.tables.step_record import StepRecord
from groundglass.tables.verdicts import values

OF_A_MEASURE = ("content", "text")
"""How columns of measures are joined (`KnownColumn.join`); the others are of tables of scores and of studies."""

OF_FILES = ("format",)
"""Facts about a photo's file that can be strata, though no expression can name them."""


@dataclass(frozen=True)
class KnownMeasure:
    """The facts about a score that is a column of a measure: its direction, licence, and ms an image if known."""

    better: str
    licence: str
    ms: float | None = None


def known_measure(name: str) -> KnownMeasure | None:
    """The facts about a score that is called like a column of a measure, such as tenengrad or sharpness.tenengrad.

    >>> known_measure("blockiness").better, known_measure("my_network")
    ('lower', None)
    """
    for measure in MEASURES.values():
        for column, meaning in measure.columns.items():
            if name in (column, f"{measure.name}.{column}") and not meaning.hidden:
                return KnownMeasure(meaning.better, licence_of(measure.name))
    return None


def licence_of(measure: str) -> str:
    """The licence of a measure's weights, in words."""
    network = MEASURES[measure].network
    return "no weights" if network is None else network.licence or "not stated"


def facts_of(
    column: KnownColumn | None, columns: Iterable[KnownColumn], records: Iterable[StepRecord]
) -> KnownMeasure | None:
    """The facts about a column, if a measure brought it. ``columns`` and ``records`` are those of its run."""
    if column is None or column.join not in OF_A_MEASURE or _owner(column) not in MEASURES:
        return None
    return KnownMeasure(column.better, licence_of(_owner(column)), _ms_of(column, columns, records))


def _ms_of(
    column: KnownColumn, columns: Iterable[KnownColumn], records: Iterable[StepRecord]
) -> float | None:
    """Wall time an image of the step, if the step measured nothing else and took few from the store."""
    step = next((record for record in records if record.step == column.step), None)
    keys = {one.key for one in columns if one.step == column.step}
    if step is None or step.seconds is None or len(keys) != 1:
        return None
    measured = step.into - step.cached
    return 1000 * step.seconds / measured if measured > step.into / 2 else None


def names_in(scope: Scope) -> dict[str, str]:
    """Every name that a measured column of the rows may be called by, with its name in the recipe.

    A column is named as in the recipe (``tenengrad``), with its measure (``sharpness.tenengrad``), or with its step or
    its table of scores (``scores.mos`` for scores.csv).
    """
    own = {name: column for name, column in scope.own().items() if not column.hidden}
    found = {name: name for name in own}
    for name, column in own.items():
        if name.startswith(f"{column.step}."):  # a score of a study has its step's name already
            continue
        for called in (f"{_owner(column)}.{column.column}", f"{column.step}.{name}"):
            found.setdefault(called, name)
    return found


def _owner(column: KnownColumn) -> str:
    return column.key.split("-")[0] if column.join in OF_A_MEASURE else PurePath(column.key).stem


def path_in(scope: Scope, name: str) -> ColumnPath | None:
    """The column that a name means, also ``meta.x``, ``root.x`` and plain facts such as ``source``; None for none."""
    known = names_in(scope).get(name, name if name in scope.types() or name in OF_FILES else None)
    if known is None:
        return None
    whose, dot, rest = known.partition(".")
    return (
        (whose, rest)
        if dot and whose in ("meta", "root", "parent") and known not in scope.own()
        else (known,)
    )


def read_cells(
    rows: pa.Table, paths: Mapping[str, ColumnPath], scope: Scope, tables: Tables
) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """The values of columns for some rows, in their order, by the names in ``paths``; and why values are missing.

    None is a missing value; the reasons are only of columns that can have any.
    """
    found = pool(rows, dict.fromkeys(paths.values()), scope, tables)
    cells = {name: values(found, path).to_pylist() for name, path in paths.items()}
    wrong = {
        name: found[ERROR + ".".join(path)].to_pylist()
        for name, path in paths.items()
        if ERROR + ".".join(path) in found.column_names
    }
    return cells, wrong


def distinct_names(rows: pa.Table) -> list[str]:
    """A name for each row: its name in the source, with its source where two sources use the same one, and its region
    if it is a part of a photo."""
    uris, sources, regions = (rows[name].to_pylist() for name in ("uri", "source", "region"))
    named = [
        f"{uri}{TILE_SIGN}{region}" if region else uri for uri, region in zip(uris, regions, strict=True)
    ]
    if len(set(named)) == len(named):
        return named
    return [f"{source}/{name}" for name, source in zip(named, sources, strict=True)]


def numbers_of(name: str, cells: Sequence[Any]) -> list[float]:
    """The cells of a column as numbers, NaN for none. Raises ValueError for anything else, and for infinite ones."""
    found: list[float] = []
    for cell in cells:
        try:
            found.append(float("nan") if cell is None or cell == "" else float(cell))
        except ValueError:
            raise ValueError(f"the column {name} has the value '{cell}', which is not a number") from None
        if found[-1] in (float("inf"), float("-inf")):
            raise ValueError(f"the column {name} has an infinite value")
    return found


def words_of(cells: Sequence[Any]) -> list[str]:
    """The cells of a column as words, "" for none."""
    return ["" if cell is None else str(cell) for cell in cells]
