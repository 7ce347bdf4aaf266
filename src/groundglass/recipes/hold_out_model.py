"""The step `hold_out` of a recipe as frozen records."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    Field,
    PositiveInt,
    model_validator,
)

from groundglass.settings.field_types import Record, Share
from groundglass.settings.key_rules import given, one_of, refuse


class NextBest(Record):
    """The rows to hold out. Exactly one of `next`, `count`, `share`, `list`."""

    next: Annotated[PositiveInt | None, Field(description="the best n that a ranked selection dropped")] = (
        None
    )
    of: Annotated[
        str | None, Field(description="the ranked selection's step; default: the last one before this step")
    ] = None
    count: Annotated[
        PositiveInt | None, Field(description="the best n of the current set, or n drawn at random")
    ] = None
    share: Annotated[
        Share | None, Field(description="as `count`, but a share of the current set, such as 5%")
    ] = None
    list: Annotated[str | None, Field(description="a file that lists ids, uris or hashes")] = None
    by: Annotated[str | None, Field(description="the column to rank by")] = None
    order: Annotated[
        Literal["higher", "lower"] | None, Field(description="which way is better; default: the measure's")
    ] = None
    pick: Annotated[
        PositiveInt | tuple[str, ...] | None, Field(description="draw k of them at random, or a list of ids")
    ] = None

    @model_validator(mode="after")
    def _check(self) -> NextBest:
        check_hold_out(self)
        return self


class HoldOutStep(Record):
    """Named splits taken out of the current set."""

    splits: dict[str, NextBest]


HOLD_OUTS = ("next", "count", "share", "list")


def check_hold_out(split: NextBest) -> None:
    """Refuse two ways to choose the rows, and an order if nothing is ranked."""
    way = one_of(split, HOLD_OUTS)
    if split.of is not None and way != "next":
        refuse("of", f"`of` has no meaning with `{way}`", "`of` goes with `next`")
    if way == "list":
        for name in given(split, ("by", "order")):
            refuse(
                name, f"`{name}` has no meaning with `list`", f"`{name}` goes with `next`, `count` or `share`"
            )
    if split.order is not None and split.by is None:
        refuse("order", "`order` needs a column to rank by", "add `by: COLUMN`")
    if split.share is not None and not 0 < split.share < 1:
        said = "nothing is held out" if split.share == 0 else "nothing is left to train on"
        refuse("share", f"with a share of {split.share:.0%} {said}", "write a share between 0% and 100%")
    wanted = split.next or split.count
    if isinstance(split.pick, int) and wanted is not None and split.pick > wanted:
        refuse("pick", f"{split.pick:,} cannot be picked out of {wanted:,}", f"write {wanted} or less")
