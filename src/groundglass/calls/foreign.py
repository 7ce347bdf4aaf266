"""Reads the untrusted data of a server: its JSON, and the types of fields that the schemas of replies share.

A field that only informs (counts of tokens, probabilities, the reason for ending) is None if it cannot be parsed, so
that it never costs an answer. The answer itself is taken literally, or it does not count.
"""

from __future__ import annotations

import json
import math
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, ValidatorFunctionWrapHandler
from pydantic.functional_validators import WrapValidator

MOST_TOKENS = 10**9
"""No call takes more: a larger number is not a count of tokens."""


class Foreign(BaseModel):
    """A part of a reply: unknown keys are ignored, missing keys are None."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class DoubledKey(ValueError):
    """One object has a key twice, with different values, and nothing says which of them is meant."""


def load_json(text: str | bytes) -> Any:
    """Parses JSON text. Raises ValueError if it is not JSON, is nested too deeply or has a key with two values.

    >>> load_json('{"a": 1, "a": 1}')
    {'a': 1}
    >>> load_json('{"a": 1, "a": 2}')
    Traceback (most recent call last):
    groundglass.calls.foreign.DoubledKey: the key 'a' appears twice
    """
    try:
        return json.loads(text, object_pairs_hook=_one_of_each)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def decoder() -> json.JSONDecoder:
    """Decodes JSON that begins inside another text, by the rules of `load_json`.

    A string may contain line breaks, because models write them.

    >>> decoder().raw_decode('{"a": "one\\ntwo"} and more')[0]
    {'a': 'one\\ntwo'}
    """
    return json.JSONDecoder(object_pairs_hook=_one_of_each, strict=False)


def _one_of_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        # Some servers repeat a key with the same value, which is harmless.
        if key in found and found[key] != value:
            raise DoubledKey(f"the key {key[:60]!r} appears twice")
        found[key] = value
    return found


def _count(value: Any) -> int | None:
    """A count of tokens, also if it is written as text.

    >>> _count("120"), _count(12.0), _count("many"), _count(-3), _count(True), _count(float("inf"))
    (120, 12, None, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return int(number) if 0 <= number <= MOST_TOKENS and number == int(number) else None


def _logarithm(value: Any) -> float | None:
    """The logarithm of a probability; None is that of an impossible token.

    >>> _logarithm(-0.5), _logarithm("-0.5"), _logarithm(None), _logarithm("?")
    (-0.5, -0.5, -inf, nan)
    """
    if value is None:
        return -math.inf
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return math.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan


def _words(value: Any) -> str:
    """A word, or "" for any other value.

    >>> _words("stop"), _words(None), _words(429), _words([1])
    ('stop', '', '429', '')
    """
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _or_none(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    try:
        return handler(value)
    except ValidationError:
        return None


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


Count = Annotated[int | None, BeforeValidator(_count)]
Logarithm = Annotated[float, BeforeValidator(_logarithm)]
Words = Annotated[str, BeforeValidator(_words)]
OrNone = WrapValidator(_or_none)
"""Marks a field that is None if it does not fit."""
Listed = BeforeValidator(_listed)
"""Marks a list that is empty if there is none."""


def positions_of(places: list[list[tuple[str, float]]]) -> tuple[dict[str, float], ...]:
    """The alternatives at each place; a token that is named twice has the greater probability.

    >>> positions_of([[("good", -0.2), ("good", -0.2), ("bad", float("-inf"))]])
    ({'good': -0.2, 'bad': -inf},)
    """
    found: list[dict[str, float]] = []
    for place in places:
        position: dict[str, float] = {}
        for token, logarithm in place:
            position[token] = max(position.get(token, -math.inf), logarithm, key=_rank)
        found.append(position)
    return tuple(found)


def _rank(logarithm: float) -> float:
    """NaN ranks highest, so that a fault is not hidden by a valid number."""
    return math.inf if math.isnan(logarithm) else logarithm
