"""Reads the facts of a report from a run's folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from groundglass.catalog import Column
from groundglass.errors import RecipeError
from groundglass.files.folder_lock import is_held
from groundglass.files.hashes import file_sha256
from groundglass.plans.measure_missing import THUMBNAIL_ASK
from groundglass.plans.run_folder import RunFolder, RunRecord, RunState, load_record
from groundglass.plans.run_tables import RunTables, read_tables
from groundglass.recipes.load import load_recipe
from groundglass.reports.facts import Failure, PairColumns, RunFacts, units_of
from groundglass.reports.generated_words import generated_words
from groundglass.reports.image_outcomes import (
    LEAST_ROWS,
    MOST_ROWS,
    all_verdicts,
    count_held,
    count_sources,
    fates_of,
    sample,
)
from groundglass.reports.knees import knees_of
from groundglass.reports.render import render_report
from groundglass.reports.run_settings import effects_of_report
from groundglass.steps.catalog import STEPS
from groundglass.tables.measure_store import MeasureStore
from groundglass.tables.parquet import compute, connect, find_keys, find_rows, numbered, only
from groundglass.tables.rows import META
from groundglass.tables.step_record import StepRecord
from groundglass.tables.text_fit import READ, VECTOR, fits, look_up

FAILURES = 200
"""The most failed images that are listed."""


def write_report(folder: RunFolder) -> Path:
    """The report of a run as a folder that opens from disk; returns its index.html."""
    return render_report(read_facts(folder), folder.report)


def read_facts(folder: RunFolder, most: int = MOST_ROWS) -> RunFacts:
    """The facts of a run's report, read from its tables and its store, for at most about ``most`` images.

    A run that stopped, or whose store or source no longer exists, is read as far as possible.
    """
    record = load_record(folder)
    tables = read_tables(folder, record)
    verdicts = all_verdicts(tables)
    fates = fates_of(tables, verdicts)
    chosen = sample(fates, most)
    columns = report_columns(tables)
    sampled = chosen.num_rows < fates.num_rows
    steps = (*record.steps, *steps_to_come(folder, record))
    rows = with_measures(tables, chosen, columns)
    return RunFacts(
        name=record.name,
        number=record.number,
        state=state_of(folder, record),
        made_at=datetime.fromtimestamp(folder.record.stat().st_mtime, UTC),
        seed=record.seed,
        lock=lock_hash(folder),
        folder=str(folder.path),
        recipe=record.recipe_file,
        steps=steps,
        rows=rows,
        columns={name: found[0] for name, found in columns.items()},
        thumbnails=thumbnails(tables, chosen),
        verdicts=only(verdicts, chosen["id"]),
        failures=tuple(failures(fates)),
        error=record.error,
        hint=record.hint,
        total=fates.num_rows if sampled else None,
        least=LEAST_ROWS,
        sources=count_sources(fates) if sampled else (),
        held_out=count_held(fates, verdicts, units_of(steps)),
        lacking=lacking(tables),
        qualities=tuple(
            (step.step, step.facts["source_qualities"])
            for step in record.steps
            if step.facts.get("source_qualities")
        ),
        said=words_said(tables, chosen, rows["id"]) | generated_words(tables, chosen, rows["id"]),
        knees=knees_of(record.steps, folder.path),
        settings=effects_of_report(folder),
        pairs=pair_columns(tables),
        pair_maps=pair_maps(tables, chosen),
    )


def state_of(folder: RunFolder, record: RunRecord) -> RunState:
    """The state of a run. A killed run could not record its end: it is "running" without a process that holds it."""
    # A running process holds a lock on the folder; a killed one has lost it.
    if record.state == "running" and not is_held(folder.path):
        return "interrupted"
    return record.state


def steps_to_come(folder: RunFolder, record: RunRecord) -> list[StepRecord]:
    """The steps of the recipe that a stopped run did not reach."""
    try:
        recipe = load_recipe(folder.path / "recipe.yaml").recipe
    # The recipe was written for another version: then only the finished steps are known.
    except RecipeError:
        return []
    done = {step.step for step in record.steps}
    return [
        StepRecord(step.name, step.kind, STEPS[step.kind].label(step.body), 0, 0, seconds=None)
        for step in recipe.steps
        if step.name not in done
    ]


def lacking(tables: RunTables) -> str:
    """The store's folder if values were measured and it does not exist; else ""."""
    measured = any(step.kind in ("measure", "annotate") for step in tables.record.steps)
    return str(tables.store.root.parent) if measured and not tables.store.root.is_dir() else ""


class Place(NamedTuple):
    """The place of values in the store; ``text`` and ``texts`` as in `groundglass.tables.columns.KnownColumn`."""

    key: str
    column: str
    text: str = ""
    texts: str = ""


def report_columns(tables: RunTables) -> dict[str, tuple[Column, list[Place]]]:
    """Every numeric column by its name: its meaning, and the places of its values in the store."""
    found: dict[str, tuple[Column, list[Place]]] = {}
    for column in tables.record.shown_columns:
        numeric = column["sql_type"] in ("DOUBLE", "BIGINT", "BOOLEAN")
        if not numeric or column["join"] not in ("content", "text"):
            continue
        meaning = Column(column["unit"], column["low"], column["high"], column["better"], column["meaning"])
        place = Place(column["key"], column["column"], column.get("text", ""), column.get("texts", ""))
        found.setdefault(column["name"], (meaning, []))[1].append(place)
    # Every row has these already, from its file.
    shadowed = ("width", "height")
    return {
        name: (meaning, list(dict.fromkeys(places)))
        for name, (meaning, places) in found.items()
        if name not in shadowed
    }


def with_measures(
    tables: RunTables, rows: pa.Table, columns: Mapping[str, tuple[Column, list[Place]]]
) -> pa.Table:
    """The rows with the values of every column."""
    table = rows.sort_by([("uri", "ascending"), ("region", "ascending")])
    asked: dict[str, list[str]] = {}
    for place in (place for _, places in columns.values() for place in places if not place.texts):
        asked.setdefault(place.key, []).append(place.column)
    said = {
        key: values_beside(tables, table, key, list(dict.fromkeys(names))) for key, names in asked.items()
    }
    fitting = {
        place: values_of_text(tables, table, place)
        for _, places in columns.values()
        for place in dict.fromkeys(places)
        if place.texts
    }
    table = table.drop_columns(["root", "sha256", "detail"])
    for name, (_, places) in columns.items():
        found = [
            fitting[place] if place.texts else said[place.key][place.column].cast(pa.float64())
            for place in places
        ]
        table = table.append_column(name, compute.coalesce(*found))
    return table


def words_said(tables: RunTables, chosen: pa.Table, ids: pa.ChunkedArray) -> dict[str, list[str | None]]:
    """All text columns that measures or models filled, for each of ``ids``; empty columns are left out."""
    images = chosen.take(find_keys(ids, chosen["id"]))
    found: dict[str, list[str | None]] = {}
    for column in tables.record.shown_columns:
        if column["sql_type"] != "VARCHAR" or column["join"] != "content":
            continue
        said = values_beside(tables, images, column["key"], [column["column"]])
        here = said[column["column"]].cast(pa.string()).to_pylist()
        before = found.get(column["name"], [None] * len(here))
        found[column["name"]] = [new if old is None else old for old, new in zip(before, here, strict=True)]
    return {name: texts for name, texts in found.items() if any(texts)}


def values_beside(tables: RunTables, images: pa.Table, key: str, columns: list[str]) -> pa.Table:
    """The values of a measure or a question for each image (sha256, region); null if it has none."""
    known = values_of(tables.store, key, columns)
    places = find_rows(images.select(["sha256", "region"]), known.select(["sha256", "region"]))
    return known.select(columns).take(places)


def values_of_text(tables: RunTables, rows: pa.Table, place: Place) -> pa.ChunkedArray:
    """A value of each row's image together with its text; null if one of them is not known."""
    images, known = tables.images, tables.store.read(place.texts)
    if VECTOR not in known.column_names or META + place.text not in images.column_names:
        return pa.chunked_array([pa.nulls(rows.num_rows, pa.float64())])
    texts = images[META + place.text].take(find_keys(rows["root"], images["id"])).to_pylist()
    about = look_up(texts, known)
    if place.column == READ:
        return about.read
    return fits(values_beside(tables, rows, place.key, [VECTOR])[VECTOR], about)


def values_of(store: MeasureStore, key: str, columns: list[str]) -> pa.Table:
    """sha256, region and columns of a measure; empty if the store no longer has them."""
    known = store.read(key, columns)
    if all(column in known.column_names for column in columns):
        return known
    empty = pa.schema(
        [("sha256", pa.string()), ("region", pa.string()), *((c, pa.float64()) for c in columns)]
    )
    return empty.empty_table()


class Thumbnails(Mapping[str, bytes]):
    """id → encoded image, from a table's column: an image is copied only when it is read."""

    def __init__(self, ids: list[str], images: pa.ChunkedArray) -> None:
        self._places = {key: place for place, key in enumerate(ids)}
        self._images = images

    def __getitem__(self, key: str) -> bytes:
        return self._images[self._places[key]].as_py()

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def thumbnails(tables: RunTables, rows: pa.Table) -> Mapping[str, bytes]:
    """id → encoded image, for the rows that have one."""
    known = tables.store.read(THUMBNAIL_ASK.key)
    if "thumbnail" not in known.column_names:
        return {}
    con = connect()
    con.register("chosen", rows)
    # Only names and places go through the database: it would copy every image twice.
    con.register(
        "thumbs",
        known.select(["sha256", "region"])
        .append_column("place", numbered(known))
        .filter(known["thumbnail"].is_valid()),
    )
    found = con.sql(
        "SELECT r.id, t.place FROM chosen r JOIN thumbs t ON t.sha256 = r.sha256 AND t.region = r.region ORDER BY place"
    ).to_arrow_table()
    return Thumbnails(found["id"].to_pylist(), known["thumbnail"].take(found["place"]))


def pair_columns(tables: RunTables) -> tuple[PairColumns, ...]:
    """The columns of the measure `pair`, as often as it was taken."""
    verdicts, reasons = (
        [column["name"] for column in _of_pairs(tables, field)] for field in PairColumns._fields
    )
    return tuple(PairColumns(*names) for names in dict.fromkeys(zip(verdicts, reasons, strict=True)))


def _of_pairs(tables: RunTables, field: str) -> list[Mapping[str, Any]]:
    return [column for column in tables.record.shown_columns if column["column"] == f"pair_{field}"]


def pair_maps(tables: RunTables, rows: pa.Table) -> Mapping[str, bytes]:
    """id → the map of the pair, for the rows that have one."""
    found: dict[str, bytes] = {}
    for key in dict.fromkeys(column["key"] for column in _of_pairs(tables, "verdict")):
        maps = values_beside(tables, rows, key, ["pair_map"])["pair_map"].to_pylist()
        ids = rows["id"].to_pylist()
        found |= {row: data for row, data in zip(ids, maps, strict=True) if isinstance(data, bytes)}
    return found


def failures(fates: pa.Table) -> list[Failure]:
    """A sample of the failed images."""
    rows = fates.filter(compute.equal(fates["status"], "failed")).slice(0, FAILURES).to_pylist()
    return [Failure(r["uri"], r["source"], r["left_at"], r["reason"] or "", r["detail"] or "") for r in rows]


def lock_hash(folder: RunFolder) -> str:
    path = folder.path / "recipe.lock"
    return file_sha256(path)[:8] if path.exists() else ""
