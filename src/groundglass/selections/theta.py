"""A threshold that a run chooses: `{theta}` in a rule, its candidates, and the rule with one of them in its place."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, FiniteFloat, WithJsonSchema, model_validator

from groundglass.settings.field_types import Names, Record, as_tuple
from groundglass.settings.key_rules import refuse
from groundglass.tables.conditions import Atom
from groundglass.tables.expressions import parse
from groundglass.text.format import exact

THETA = "{theta}"
"""The place of the threshold in a rule."""
FEWEST, MOST = 2, 20
"""Candidates."""
_MARK = 987_654_321.25
"""A number that no author writes: it shows where in an expression the threshold is."""

Candidates = Annotated[
    tuple[int | FiniteFloat, ...],
    BeforeValidator(as_tuple),
    WithJsonSchema({"type": "array", "items": {"type": "number"}, "minItems": FEWEST, "maxItems": MOST}),
]


class Theta(Record):
    """The threshold in a rule is chosen from candidates."""

    choose_by: Annotated[
        Literal["proof"],
        Field(description="proof: the candidate whose images train a better upscaler, if one is shown to"),
    ]
    candidates: Annotated[Candidates, Field(alias="from", description="2 to 20 numbers, in any order")]
    preset: Annotated[
        Literal["instant", "quick", "standard"],
        Field(
            description="instant: a closed-form regressor, seconds a candidate; quick and standard: small networks, "
            "minutes a candidate"
        ),
    ] = "instant"
    score_on: Annotated[
        Names,
        Field(
            description="folders of trusted images that the candidates are scored on; default: photos held out from "
            "those that pass the strictest candidate"
        ),
    ] = ()
    images: Annotated[
        int,
        Field(ge=8, description="most images of each candidate; of more, a random sample is used"),
    ] = 400

    @model_validator(mode="after")
    def _check(self) -> Theta:
        count = len(self.candidates)
        if not FEWEST <= count <= MOST:
            said = "1 candidate" if count == 1 else f"{count} candidates"
            refuse("from", f"`from` has {said}", f"write {FEWEST} to {MOST} numbers, such as [0, 50, 100]")
        doubled = next((one for one in self.candidates if self.candidates.count(one) > 1), None)
        if doubled is not None:
            refuse("from", f"`from` contains {exact(doubled)} twice", "write each candidate once")
        return self


def with_theta(where: str, value: float) -> str:
    """A rule with a number in the place of its threshold.

    >>> with_theta("objects_sam >= {theta}", 50), with_theta("b < {theta}", -0.5)
    ('objects_sam >= 50', 'b < -0.5')
    """
    return where.replace(THETA, repr(value))


def threshold_atom(where: str, value: float = _MARK) -> Atom | None:
    """The condition in which a rule compares something with its threshold; None if no condition is just that.

    The condition must be joined to the others by AND: then a stricter threshold keeps a part of what a looser one
    keeps. ``value`` is put in the place of the threshold. Raises ExpressionError if the rule cannot be read.

    >>> atom = threshold_atom("width > 99 and {theta} <= objects_sam")
    >>> atom.subject_text, atom.operator
    ('objects_sam', '>=')
    >>> [threshold_atom(text) for text in ("a > 2 * {theta}", "a > {theta} or b", "a between 0 and {theta}")]
    [None, None, None]
    """
    marked = parse(with_theta(where, _MARK)).comparisons
    for place, atom in enumerate(marked):
        if atom.operator in ("<", "<=", ">", ">=") and atom.limits == (_MARK,):
            return parse(with_theta(where, value)).comparisons[place]
    return None


def from_loose_to_strict(where: str, candidates: tuple[float, ...]) -> tuple[float, ...]:
    """The candidates in the order in which they keep fewer and fewer rows.

    >>> from_loose_to_strict("blockiness < {theta}", (10, 40, 20))
    (40, 20, 10)
    """
    atom = threshold_atom(where)
    return tuple(sorted(candidates, reverse=atom is not None and atom.operator in ("<", "<=")))
