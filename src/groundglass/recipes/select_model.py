"""The step `select` as a recipe writes it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    Field,
    NonNegativeInt,
    PositiveInt,
    model_validator,
)

from groundglass.recipes.field_types import Names, Record, Share
from groundglass.recipes.key_rules import not_empty, one_of, only_with, refuse
from groundglass.recipes.measure_model import Requested


class SourceDivergence(Record):
    """Whole sources are kept or dropped by the JPEG quality that their photographs' blockiness betrays."""

    reference: Annotated[
        str,
        Field(
            min_length=1, description="a profile, a folder of photographs that were never compressed, or df2k"
        ),
    ]
    least: Annotated[Share, Field(description="the least quality of a source; .95 is JPEG at quality 95")] = (
        0.9
    )
    unknown: Annotated[
        Literal["keep", "drop"], Field(description="sources that no quality can be given of: too few images")
    ] = "keep"


class Cascade(Record):
    """A costly measure is taken only of the rows of which a cheap column leaves doubt."""

    by: Annotated[str, Field(min_length=1, description="the cheap column, known before this step")]
    recall: Annotated[
        Share,
        Field(
            description="share of what the costly rule keeps that must be kept, shown with 95 % confidence"
        ),
    ] = 0.95
    budget: Annotated[
        Share,
        Field(description="share of the rows that may be measured; the run stops where that is too little"),
    ] = 1.0
    measure: Annotated[
        Requested | None,
        Field(description="the costly measure; default: the one that brings the column of `where`"),
    ] = None

    @model_validator(mode="after")
    def _check(self) -> Cascade:
        check_cascade(self)
        return self


class SelectStep(Record):
    """One rule that keeps or drops rows. Exactly one rule key is given; `keep` and `drop` may go together."""

    where: Annotated[str | None, Field(description="an SQL expression over the row's columns")] = None
    quantile: Annotated[Share | None, Field(description="keep values at or above this quantile")] = None
    top_k: Annotated[PositiveInt | None, Field(description="keep the best k, per group if `per`")] = None
    quota: Annotated[
        dict[str, NonNegativeInt] | None, Field(description="how many to keep of each group")
    ] = None
    intersect: Annotated[
        tuple[SelectStep, ...] | None,
        Field(description="rules judged on the same pool, all of them required"),
    ] = None
    deduplicate: Annotated[
        Literal["exact", "pixels", "near"] | None, Field(description="keep the best of each cluster")
    ] = None
    decontaminate: Annotated[
        Names,
        Field(description="drop photographs that show images of these test sets, or of such files; or all"),
    ] = ()
    source_divergence: Annotated[
        SourceDivergence | None, Field(description="keep sources of this least JPEG quality")
    ] = None
    keep: Annotated[str | None, Field(description="file that lists ids, uris or hashes to keep")] = None
    drop: Annotated[str | None, Field(description="file that lists ids, uris or hashes to drop")] = None
    by: Annotated[str | None, Field(description="the column to rank by")] = None
    order: Annotated[
        Literal["higher", "lower"] | None, Field(description="which way is better; default: the measure's")
    ] = None
    per: Annotated[str | None, Field(description="the column that groups rows")] = None
    distance: Annotated[
        Annotated[int, Field(ge=0, le=32)] | None,
        Field(description="bits of 64 that near-duplicates may differ in"),
    ] = None
    cascade: Annotated[
        Cascade | None, Field(description="measure for `where` only where a cheap column leaves doubt")
    ] = None

    @property
    def is_ranked(self) -> bool:
        """Whether it ranks rows, so that a hold-out can take the next best of what it drops."""
        return bool(self.top_k) or self.quota is not None or self.quantile is not None

    @model_validator(mode="after")
    def _check(self) -> SelectStep:
        check_select(self)
        return self


SELECTIONS = (
    "where",
    "quantile",
    "top_k",
    "quota",
    "intersect",
    "deduplicate",
    "decontaminate",
    "source_divergence",
    "keep",
    "drop",
)


SELECTION_SETTINGS: dict[str, tuple[str, ...]] = {
    "quantile": ("by", "order", "per"),
    "top_k": ("by", "order", "per"),
    "quota": ("by", "order", "per"),
    "deduplicate": ("by", "order", "distance"),
    "source_divergence": ("per",),
    "where": ("cascade",),
}
"""Which further keys each selection takes; the others take none."""


def check_select(step: SelectStep) -> None:
    """One rule, with the settings that it needs and no others."""
    pair = step.keep is not None and step.drop is not None
    rule = one_of(step, [name for name in SELECTIONS if not (pair and name == "drop")])
    only_with(step, rule, SELECTION_SETTINGS)
    if rule in ("quantile", "top_k", "quota") and step.by is None:
        refuse(rule, f"`{rule}` needs a column to rank by", "add `by: COLUMN`, for example `by: tenengrad`")
    if rule == "quota" and step.per is None:
        refuse("quota", "`quota` needs the column that groups the rows", "add `per: COLUMN`")
    if step.distance is not None and step.deduplicate != "near":
        no = f"`distance` has no meaning with `deduplicate: {step.deduplicate}`"
        refuse("distance", no, "write `deduplicate: near`")
    if step.order is not None and step.by is None:
        refuse("order", "`order` needs a column to rank by", "add `by: COLUMN`")
    not_empty(step, ("quota", "intersect"))
    for inner in step.intersect or ():
        if inner.decontaminate:
            say = "`decontaminate` cannot stand inside `intersect`"
            refuse("intersect", say, "give it a step of its own: it judges each photograph by itself")
        if inner.cascade:
            say = "`cascade` cannot stand inside `intersect`"
            refuse("intersect", say, "give its `where` a step of its own: both judge each row by itself")


def check_cascade(cascade: Cascade) -> None:
    """The recall and the budget are above 0, and fit each other."""
    for key in ("recall", "budget"):
        if not getattr(cascade, key):
            refuse(key, f"`{key}` must be above 0", f"write for example `{key}: 0.95`")
    if cascade.recall == 1 and cascade.budget < 1:
        say = "a recall of 1 can only be had by measuring every row"
        refuse("recall", say, "write for example `recall: 0.99`, or leave `cascade` out")
