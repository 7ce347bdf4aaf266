"""The types of a recipe's values: the forms in which a value may be written, and its range."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

Scalar = float | int | str | bool | None

NAME = r"^[A-Za-z][A-Za-z0-9_-]*$"
"""Names of steps and splits: they become file names and parts of `--set`, so no dots, slashes or spaces."""

RECIPE_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""Names of recipes: they become the folder below `runs/`."""

PERCENT = r"^\s*[0-9]*\.?[0-9]+\s*%\s*$"


class Record(BaseModel):
    """A frozen record that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def as_tuple(value: Any) -> Any:
    """A list as a tuple, and a single value as a tuple of one."""
    if value is None or isinstance(value, tuple):
        return value
    return tuple(value) if isinstance(value, list) else (value,)


def _as_share(value: Any) -> Any:
    """'5%' is .05; any other value stays unchanged, and the type check judges it."""
    if not (isinstance(value, str) and value.strip().endswith("%")):
        return value
    try:
        return float(value.strip()[:-1]) / 100
    except ValueError:
        return value


_TEXT_SCHEMA = {"type": "string", "minLength": 1}
Names = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...],
    BeforeValidator(as_tuple),
    WithJsonSchema({"anyOf": [_TEXT_SCHEMA, {"type": "array", "items": _TEXT_SCHEMA}]}),
]
Share = Annotated[
    float,
    Field(ge=0, le=1),
    BeforeValidator(_as_share),
    WithJsonSchema(
        {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "string", "pattern": PERCENT}]}
    ),
]
SmallShare = Annotated[
    float,
    Field(ge=0, le=0.3),
    BeforeValidator(_as_share),
    WithJsonSchema(
        {"anyOf": [{"type": "number", "minimum": 0, "maximum": 0.3}, {"type": "string", "pattern": PERCENT}]}
    ),
]
"""A share of at most 30 %."""
_COUNTED = Annotated[int, Field(ge=0)]
_SHARED = Annotated[float, Field(ge=0, le=1)]
ShareOrCount = Annotated[
    _COUNTED | _SHARED,
    BeforeValidator(_as_share),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "number", "minimum": 0, "maximum": 1},
                {"type": "string", "pattern": PERCENT},
            ]
        }
    ),
]
"""A whole number is a count, also 1; the share "all" is written 1.0 or 100%."""


def count_of(said: float, total: int) -> int:
    """The number of rows that a count or a share means, for ``total`` rows; a half is rounded up.

    >>> count_of(2000, 130_000), count_of(0.1, 25)
    (2000, 3)
    """
    return said if isinstance(said, int) else int(said * total + 0.5)


Scale = Annotated[int, Field(ge=2)]
_SCALES_SCHEMA = {"type": "integer", "minimum": 2}
Scales = Annotated[
    tuple[Scale, ...],
    BeforeValidator(as_tuple),
    WithJsonSchema({"anyOf": [_SCALES_SCHEMA, {"type": "array", "items": _SCALES_SCHEMA}]}),
]
_FACTOR_SCHEMA = {"type": "number", "exclusiveMinimum": 0, "maximum": 1}
Factors = Annotated[
    tuple[Annotated[float, Field(gt=0, le=1)], ...],
    BeforeValidator(as_tuple),
    WithJsonSchema({"anyOf": [_FACTOR_SCHEMA, {"type": "array", "minItems": 1, "items": _FACTOR_SCHEMA}]}),
]


class Member(Record):
    """A record of a family: one key in a recipe selects the member; the other keys are its settings.

    keys       the fields that name it: at least one of them is given
    reference  the origin of its definition
    nested     keys that hold a list of members, and their family
    example    one use, as written in a recipe; shown in the reference and run by the contract tests
    """

    keys: ClassVar[tuple[str, ...]]
    reference: ClassVar[str]
    example: ClassVar[str]
    nested: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def summary(cls) -> str:
        """The first sentence of its docstring."""
        return (cls.__doc__ or "").strip().splitlines()[0]
