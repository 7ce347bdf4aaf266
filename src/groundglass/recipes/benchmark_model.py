"""The step `benchmark` of a recipe as a frozen record."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, NonNegativeInt, WithJsonSchema, model_validator

from groundglass.settings.field_types import Names, Record, as_tuple
from groundglass.settings.key_rules import refuse

ALL = "all"
"""The value of `iqa` that means every column with a direction."""

_TEXT = {"type": "string", "minLength": 1}


class BenchmarkStep(Record):
    """Image-quality measures of the images selected so far are compared with the opinions of people.

    Nothing is kept or dropped. The result goes into the run's folder, its report, and the card of a release after it.
    """

    iqa: Annotated[
        Literal["all"] | tuple[Annotated[str, Field(min_length=1)], ...],
        BeforeValidator(lambda value: value if value == ALL else as_tuple(value)),
        WithJsonSchema({"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}),
        Field(
            description="the columns to compare, such as naturalness or sharpness.tenengrad; `all`: every measured "
            "column of which higher or lower is better"
        ),
    ]
    mos: Annotated[
        str | None,
        Field(
            min_length=1,
            description="the column with people's opinions, higher is better; default: the first score of the last "
            "study",
        ),
    ] = None
    content: Annotated[
        str | None,
        Field(
            min_length=1,
            description="a column whose equal values mean the same content, which resamples keep together; default: "
            "the study's `content`, or the photo",
        ),
    ] = None
    strata: Annotated[
        Names, Field(description="columns; the scores are also compared within each of their values")
    ] = ()
    split: Annotated[
        str | None, Field(min_length=1, description="only images of this split; default: all images")
    ] = None
    lower: Annotated[Names, Field(description="columns of `iqa` of which lower is better")] = ()
    higher: Annotated[
        Names, Field(description="columns of `iqa` of which higher is better, whatever their measure says")
    ] = ()
    bootstrap: Annotated[
        NonNegativeInt,
        Field(
            description="resamples of the contents for intervals and differences; 0: no intervals, no groups"
        ),
    ] = 2000

    @property
    def asked(self) -> tuple[str, ...]:
        """The columns that `iqa` names, each once; () for all."""
        return () if self.iqa == ALL else tuple(dict.fromkeys(self.iqa))

    @model_validator(mode="after")
    def _check(self) -> BenchmarkStep:
        if self.iqa == ():
            refuse("iqa", "`iqa` names no column", "write for example `iqa: [tenengrad]`, or `iqa: all`")
        for name in self.lower:
            if name in self.higher:
                refuse("lower", f"'{name}' is in `lower` and in `higher`", "keep one of them", "higher")
        if self.mos is not None and self.mos in self.asked:
            refuse(
                "mos", f"'{self.mos}' is the MOS: it cannot be compared with itself", "take it out of `iqa`"
            )
        return self
