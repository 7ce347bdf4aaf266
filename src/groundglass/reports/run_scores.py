"""The columns of a run as a table of scores: what a benchmark compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

import pyarrow as pa

from groundglass.errors import RecipeError
from groundglass.image.region import WHOLE
from groundglass.measures.catalog import MEASURES
from groundglass.plans.run_folder import RunFolder, load_record
from groundglass.plans.run_tables import RunTables, read_tables
from groundglass.reports.read_run import thumbnails, values_beside
from groundglass.tables.parquet import compute, find_keys, read_table
from groundglass.tables.rows import META
from groundglass.text.suggest import nearest


@dataclass(frozen=True)
class KnownMeasure:
    """The facts about a score that is a column of a measure: its direction, licence, and ms an image if known."""

    better: str
    licence: str
    ms: float | None = None


@dataclass(frozen=True)
class RunScores:
    """Columns of a run's photos.

    names       the photos, by their names in the source
    columns     by the names that were asked for; None where an image has no value
    measures    the facts about those that are columns of measures
    thumbnails  encoded image by name, of photos that have one
    notes       sentences on images of the run that are not in the table
    """

    names: tuple[str, ...]
    columns: Mapping[str, Sequence[Any]]
    measures: Mapping[str, KnownMeasure] = field(default_factory=dict)
    thumbnails: Mapping[str, bytes] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_run_scores(folder: RunFolder, wanted: Sequence[str]) -> RunScores:
    """The columns of all photos of a run, also of those that a rule dropped or that could not be read.

    A column is named as in the recipe (``tenengrad``), with its measure (``sharpness.tenengrad``), with its step or its
    table of scores (``scores.mos`` for scores.csv), or as ``meta.<column>``. Tiles are left out: a table of scores
    gives them the values of their photo. Raises RecipeError for a column that the run does not have.
    """
    tables = read_tables(folder, load_record(folder))
    # An image that could not be read is among them: if it has a MOS, every score failed on it.
    photos = tables.images.append_column("region", pa.array([WHOLE] * tables.images.num_rows, pa.string()))
    known = _columns(tables)
    found: dict[str, Sequence[Any]] = {}
    measures: dict[str, KnownMeasure] = {}
    for name in dict.fromkeys(wanted):
        places = known.get(name)
        if places is None:
            close = nearest(name, known)
            raise RecipeError(
                f"{folder.path} has no column '{name}'{f'; {close!r} looks like it' if close else ''}",
                f"its columns are {', '.join(sorted(one for one in known if '.' not in one or one.startswith(META)))}",
            )
        found[name] = compute.coalesce(*[_values(tables, photos, place) for place in places]).to_pylist()
        if facts := _facts(tables, places[-1]):
            measures[name] = facts
    names = _distinct(photos)
    images = thumbnails(tables, photos)
    by_id = dict(zip(photos["id"].to_pylist(), names, strict=True))
    return RunScores(
        tuple(names),
        found,
        measures,
        _Renamed(images, {name: key for key, name in by_id.items()}),
        _note_on_tiles(tables),
    )


def _note_on_tiles(tables: RunTables) -> tuple[str, ...]:
    parts = int(compute.sum(compute.not_equal(tables.derived["region"], WHOLE)).as_py() or 0)
    said = f"tiles and resized images are left out ({parts:,}): every value is that of a whole photo"
    return (said,) if parts else ()


def known_measure(name: str) -> KnownMeasure | None:
    """The facts about a score that is called like a column of a measure, such as tenengrad or sharpness.tenengrad.

    >>> known_measure("blockiness").better, known_measure("my_network")
    ('lower', None)
    """
    for measure in MEASURES.values():
        for column, meaning in measure.columns.items():
            if name in (column, f"{measure.name}.{column}") and not meaning.hidden:
                licence = "no weights" if measure.network is None else measure.network.licence
                return KnownMeasure(meaning.better, licence or "not stated")
    return None


class _Renamed(Mapping[str, bytes]):
    """Images by name instead of by id; one is copied only when it is read."""

    def __init__(self, images: Mapping[str, bytes], ids: Mapping[str, str]) -> None:
        self._images, self._ids = images, ids

    def __getitem__(self, name: str) -> bytes:
        return self._images[self._ids[name]]

    def __iter__(self) -> Any:
        return (name for name, key in self._ids.items() if key in self._images)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _distinct(photos: pa.Table) -> list[str]:
    """Names in the source; with the source's name where two sources use the same one."""
    uris, sources = photos["uri"].to_pylist(), photos["source"].to_pylist()
    doubled = len(set(uris)) < len(uris)
    return [f"{source}/{uri}" if doubled else uri for uri, source in zip(uris, sources, strict=True)]


def _columns(tables: RunTables) -> dict[str, list[Mapping[str, Any]]]:
    """Every name that a column may be called by, with the places of its values."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for column in tables.record.shown_columns:
        if column["join"] == "text":
            continue
        owner = column["key"].split("-")[0] if column["join"] == "content" else PurePath(column["key"]).stem
        names = (column["name"], f"{owner}.{column['column']}", f"{column['step']}.{column['name']}")
        for name in dict.fromkeys(names):
            found.setdefault(name, []).append(column)
    for name in tables.images.column_names:
        if name.startswith(META):
            found.setdefault(name, [{"join": "images", "column": name}])
    for name in ("source", "format"):
        if name in tables.images.column_names:
            found.setdefault(name, [{"join": "images", "column": name}])
    return found


def _values(tables: RunTables, photos: pa.Table, place: Mapping[str, Any]) -> Any:
    if place["join"] == "images":
        return photos[place["column"]].cast(pa.string())
    if place["join"] == "content":
        return values_beside(tables, photos, place["key"], [place["column"]])[place["column"]]
    path = tables.folder.scores(place["key"])
    if not path.exists():
        return pa.chunked_array([pa.nulls(photos.num_rows)])
    table = read_table(path)
    at = find_keys(photos[place["join"]], table[place["join"]])
    return table[place["column"]].take(at)


def _facts(tables: RunTables, place: Mapping[str, Any]) -> KnownMeasure | None:
    if place["join"] != "content":
        return None
    measure = MEASURES.get(place["key"].split("-")[0])
    if measure is None:
        return None
    licence = "no weights" if measure.network is None else measure.network.licence or "not stated"
    return KnownMeasure(place["better"], licence, _ms_of(tables, place))


def _ms_of(tables: RunTables, place: Mapping[str, Any]) -> float | None:
    """Wall time an image of the step, if the step measured nothing else and took few from the store."""
    step = tables.steps.get(place["step"])
    keys = {one["key"] for one in tables.record.columns if one["step"] == place["step"]}
    if step is None or step.seconds is None or len(keys) != 1:
        return None
    measured = step.into - step.cached
    return 1000 * step.seconds / measured if measured > step.into / 2 else None
