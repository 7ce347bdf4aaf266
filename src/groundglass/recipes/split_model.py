"""The step `split` as a recipe writes it."""

from __future__ import annotations

from typing import Annotated

from pydantic import (
    Field,
    model_validator,
)

from groundglass.settings.field_types import Record, Share
from groundglass.settings.key_rules import refuse


class SplitStep(Record):
    """Shares of the splits; near-duplicates and tiles of one photograph stay together."""

    train: Annotated[
        Share | None, Field(description="share of the train split; default: what the others leave")
    ] = None
    validation: Annotated[Share, Field(description="share of the validation split")] = 0.0
    test: Annotated[Share, Field(description="share of the test split")] = 0.0
    stratify: Annotated[str | None, Field(description="column whose values are split alike")] = None
    group: Annotated[
        str | None, Field(description="column whose equal values stay together; default: photograph")
    ] = None

    @model_validator(mode="after")
    def _check(self) -> SplitStep:
        check_split(self)
        return self


SHARES_TOLERANCE = 1e-6
"""Shares such as .7, .1, .2 do not add up to 1 exactly in floating point."""


def check_split(step: SplitStep) -> None:
    """The shares make a whole."""
    rest = step.validation + step.test
    if step.train is not None and abs(step.train + rest - 1) > SHARES_TOLERANCE:
        refuse(
            "train",
            f"the shares add up to {step.train + rest:.6g}, not to 1",
            "leave `train` out: it takes what is left",
        )
    if step.train is None and rest >= 1:
        refuse(
            "",
            f"validation and test take {rest:.6g} of the set: nothing is left to train on",
            "give smaller shares",
        )
