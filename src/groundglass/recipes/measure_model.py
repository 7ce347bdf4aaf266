"""The step `measure` of a recipe as frozen records."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from groundglass.settings.field_types import Names, Record
from groundglass.settings.measure_request import MeasureRequest, text_of_list


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


class Prompts(Record):
    """Facts about the prompts that came with images: length, category, equal and nearly equal prompts."""

    text: Annotated[str, Field(description="the column of the prompts, such as meta.prompt")]
    near: Annotated[
        float,
        Field(gt=0, le=1, description="the share of words that nearly equal prompts have in common at least"),
    ] = 0.8
    categories: Annotated[
        str | None,
        BeforeValidator(text_of_list),
        Field(
            description="categories, as a list, a text with commas or a .txt file: adds `prompt_category`, by the text "
            "side of a CLIP or SigLIP network",
            json_schema_extra={"type": ["string", "array"], "items": {"type": "string"}},
        ),
    ] = None
    template: Annotated[str, Field(description="the sentence that each category is put into, at {}")] = (
        "an image of {}"
    )
    weights: Annotated[
        str | None, Field(description="the network of the categories; default: the one of `alignment`")
    ] = None
    device: Annotated[str, Field(description="auto, cpu, cuda, cuda:1 or mps")] = "auto"
    prefix: Annotated[str | None, Field(alias="as", description="a prefix for the names of its columns")] = (
        None
    )


class MeasureStep(Record):
    """Measures that share one decode of each image."""

    measures: tuple[MeasureRequest | ScoreTable | Prompts, ...]
