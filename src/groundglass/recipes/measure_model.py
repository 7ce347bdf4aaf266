"""The step `measure` as a recipe writes it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from groundglass.settings.field_types import Names, Record
from groundglass.settings.measure_request import MeasureRequest


class ScoreTable(Record):
    """Scores made elsewhere: a CSV, JSON or Parquet file whose column `key` names the image."""

    table: Annotated[
        str, Field(description="the file: a table as a source takes it, such as .csv, .jsonl or .parquet")
    ]
    key: Annotated[
        Literal["uri", "sha256", "id"], Field(description="what its column of that name holds")
    ] = "uri"
    columns: Annotated[Names, Field(description="which columns; default: all but the key")] = ()
    prefix: Annotated[str | None, Field(alias="as", description="put before the names of its columns")] = None


class MeasureStep(Record):
    """Measures taken in one decode."""

    measures: tuple[MeasureRequest | ScoreTable, ...]
