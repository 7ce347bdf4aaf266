"""The step `split` of a recipe as a frozen record."""

from __future__ import annotations

from typing import Annotated

from pydantic import (
    Field,
    model_validator,
)

from groundglass.settings.field_types import Record, ShareOrCount
from groundglass.settings.key_rules import listed, refuse


class SplitStep(Record):
    """Shares of the splits, or exact counts of images; near-duplicates and tiles of one photo stay together."""

    train: Annotated[
        ShareOrCount | None,
        Field(description="share or count of the train split; default: the rest"),
    ] = None
    validation: Annotated[
        ShareOrCount, Field(description="share of the validation split, or its count of images, such as 2000")
    ] = 0.0
    test: Annotated[
        ShareOrCount, Field(description="share of the test split, or its count of images, such as 2000")
    ] = 0.0
    stratify: Annotated[
        str | None, Field(description="a column; each of its values gets the same shares")
    ] = None
    group: Annotated[
        str | None, Field(description="a column; rows with equal values stay together; default: the photo")
    ] = None

    @property
    def counted(self) -> bool:
        """Whether a split has an exact count. Then all splits do: a share becomes a count of the whole set."""
        return any(is_count(said) for said in (self.train, self.validation, self.test))

    @model_validator(mode="after")
    def _check(self) -> SplitStep:
        check_split(self)
        return self


def is_count(said: float | None) -> bool:
    """Whether this is a count, a whole number from 1 on; 0 means no image, as a share or as a count."""
    return isinstance(said, int) and said > 0


SHARES_TOLERANCE = 1e-6
"""Shares such as .7, .1, .2 do not add up to 1 exactly in floating point."""


def check_split(step: SplitStep) -> None:
    """Refuse shares that do not add up to 1, and a train split without a place next to counts."""
    others = {"validation": step.validation, "test": step.test}
    shares = {name: said for name, said in others.items() if not is_count(said)}
    rest = sum(shares.values())
    if step.counted and step.train is not None:
        mixed = [
            name for name, said in {"train": step.train, **others}.items() if said and not is_count(said)
        ]
        if mixed or not step.train:
            refuse(
                "train",
                f"with {listed(mixed or ['train'], 'and')} as a share next to counts, no split takes the rest",
                "leave `train` out: it takes the rest",
            )
    elif step.train is not None and abs(step.train + rest - 1) > SHARES_TOLERANCE:
        refuse(
            "train",
            f"the shares add up to {step.train + rest:.6g}, not to 1",
            "leave `train` out: it takes the rest",
        )
    if step.train is None and rest >= 1:
        refuse(
            "",
            f"{' and '.join(shares)} {'take' if len(shares) > 1 else 'takes'} {rest:.6g} of the set: "
            "nothing is left to train on",
            "give smaller shares",
        )
