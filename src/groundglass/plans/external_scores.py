"""Scores made elsewhere: a CSV, JSONL or Parquet file, each row of which names an image."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from groundglass.errors import RecipeError
from groundglass.recipes.measure_model import ScoreTable
from groundglass.sources.table_files import check_format, column_names
from groundglass.sources.table_listing import read_table, table_notes
from groundglass.tables.columns import KnownColumn
from groundglass.tables.parquet import compute
from groundglass.text.suggest import did_you_mean


def read_scores(request: ScoreTable) -> pa.Table:
    """The table of a request: its key column as text and its wanted columns as numbers, text or true/false.

    Of several rows for one image the last one counts. Raises RecipeError if the file cannot be used.
    """
    path = Path(request.table).expanduser()
    check_format(path)
    if not path.is_file():
        raise RecipeError(f"there is no file {path.absolute()}", "paths are taken from the working folder")
    table = read_table(path, [request.key], request.columns or None)
    if request.key not in table.column_names:
        there = column_names(path, [request.key]) or read_table(path).column_names
        raise RecipeError(
            f"{path} has no column '{request.key}' to find the images by",
            f"its columns are {', '.join(there)}; name the one that identifies the image: key: uri, sha256 or id",
        )
    for name in request.columns:
        if name not in table.column_names:
            there = column_names(path, [request.key]) or read_table(path).column_names
            raise RecipeError(f"{path} has no column '{name}'.{did_you_mean(name, there)}")
    wanted = list(request.columns) or [name for name in table.column_names if name != request.key]
    return _last_of_each(table.select([request.key, *wanted]), request.key)


def no_row_is_scored(request: ScoreTable, scores: pa.Table, rows: pa.Table) -> bool:
    """Whether no image has a line in a table of scores: its key is probably written in another way."""
    return not compute.any(compute.is_in(rows[request.key], scores[request.key])).as_py()


def score_notes(request: ScoreTable, scores: pa.Table, rows: pa.Table) -> list[str]:
    """Sentences on scores without an image, images without a score, and columns that are unknown or left out."""
    known = compute.is_in(scores[request.key], rows[request.key])
    strangers = scores.num_rows - int(compute.sum(known).as_py() or 0)
    scored = int(compute.sum(compute.is_in(rows[request.key], scores[request.key])).as_py() or 0)
    path = Path(request.table).expanduser()
    about = table_notes(path, [request.key], request.columns or None)
    notes = [f"{request.table}: {note}" for note in about]
    notes += [f"{strangers:,} lines of {request.table} name no image of this run"] if strangers else []
    if scored < rows.num_rows:
        notes.append(f"{rows.num_rows - scored:,} images have no line in {request.table}")
    return notes


def score_columns(request: ScoreTable, step: str, generation: int) -> list[KnownColumn]:
    """The columns that a score table adds, under their names in the recipe."""
    table = read_scores(request)
    return [
        KnownColumn(
            name=f"{request.prefix or ''}{field.name}",
            key=request.table,
            column=field.name,
            sql_type=_sql_type(field.type),
            better="neither",
            unit="",
            step=step,
            generation=generation,
            join=request.key,
            meaning=f"from {request.table}",
        )
        for field in table.schema
        if field.name != request.key
    ]


def _last_of_each(table: pa.Table, key: str) -> pa.Table:
    place = pa.array(range(table.num_rows), pa.int64())
    last = pa.table({"key": table[key], "place": place}).group_by("key").aggregate([("place", "max")])
    return table.take(last["place_max"].sort())


def _sql_type(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "BOOLEAN"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "DOUBLE"
    return "VARCHAR"
