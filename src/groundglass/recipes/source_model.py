"""The step `source` as a recipe writes it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    Field,
    PositiveInt,
    model_validator,
)

from groundglass.settings.field_types import Names, Record
from groundglass.settings.key_rules import given, not_empty, one_of, only_with, refuse


class SourceStep(Record):
    """Where images come from. Exactly one of `folder`, `archive`, `table`, `sample`."""

    folder: Annotated[Names, Field(description="one folder or several; searched through all levels")] = ()
    archive: Annotated[
        Names,
        Field(description="zip or uncompressed tar files, WebDataset shards too; `*` stands for any name"),
    ] = ()
    table: Annotated[
        Names, Field(description="Parquet, CSV or JSONL files whose rows are images; `*` stands for any name")
    ] = ()
    sample: Annotated[
        Literal["skimage"] | None, Field(description="photographs inside scikit-image, and faults")
    ] = None
    path: Annotated[
        str | None, Field(description="the table's column of files, each taken from the table's folder")
    ] = None
    bytes: Annotated[
        str | None, Field(description="the Parquet table's column of whole files, or its struct with `bytes`")
    ] = None
    columns: Annotated[
        dict[str, Literal["TEXT", "INTEGER", "DOUBLE", "BOOLEAN"]] | None,
        Field(description="which columns become `meta.x`, and of which type; default: all, as they are"),
    ] = None
    where: Annotated[
        str | None,
        Field(
            description="an SQL expression over those columns; what it refuses is on record but never read"
        ),
    ] = None
    glob: Annotated[Names, Field(description="which files, e.g. '**/*.jpg'; default: all")] = ()
    licence: Annotated[
        str | None, Field(description="SPDX id, e.g. CC-BY-4.0; default: the column `licence` or `license`")
    ] = None
    author: Annotated[
        str | None,
        Field(
            description="whom to credit; goes into the card and the attribution file; default: the column `author`"
        ),
    ] = None
    limit: Annotated[
        PositiveInt | None, Field(description="only the first n by uri, of those that `where` lets pass")
    ] = None

    @model_validator(mode="after")
    def _check(self) -> SourceStep:
        check_source(self)
        return self


SOURCES = ("folder", "archive", "table", "sample")


SOURCE_SETTINGS: dict[str, tuple[str, ...]] = {
    "folder": ("glob",),
    "archive": ("glob", "columns", "where"),
    "table": ("path", "bytes", "columns", "where"),
    "sample": (),
}


def check_source(step: SourceStep) -> None:
    """One place, with the settings that it takes; a table says where in it the pictures are."""
    place = one_of(step, SOURCES)
    only_with(step, place, SOURCE_SETTINGS)
    if place == "table" and not given(step, ("path", "bytes")):
        refuse(
            "table", "`table` needs the column of the pictures", "add `path: COLUMN` or `bytes: COLUMN` to it"
        )
    if place == "table":
        one_of(step, ("path", "bytes"))
    not_empty(step, ("columns",))
