"""The step `measure` of a recipe as frozen records."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from groundglass.settings.field_types import Names, Record
from groundglass.settings.measure_request import MeasureRequest


class ScoreTable(Record):
    """Scores made elsewhere: a CSV, JSON or Parquet file with a column that identifies the image: `key`."""

    table: Annotated[
        str, Field(description="the file: any table that a source can read, such as .csv, .jsonl or .parquet")
    ]
    key: Annotated[
        Literal["uri", "sha256", "id"], Field(description="the column of the table that identifies the image")
    ] = "uri"
    columns: Annotated[Names, Field(description="the columns to take; default: all except the key")] = ()
    prefix: Annotated[str | None, Field(alias="as", description="a prefix for the names of its columns")] = (
        None
    )


class MeasureStep(Record):
    """Measures that share one decode of each image."""

    measures: tuple[MeasureRequest | ScoreTable, ...]
