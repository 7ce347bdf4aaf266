"""Shared parts of the checks of a step's keys: keys that belong together and keys that exclude each other.

The `check_` functions next to the records call `refuse`: a `PydanticCustomError` of type "rule". Its context holds
the `key` at fault, so that `errors` can point at it, and a `hint` with the correct form.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from pydantic_core import PydanticCustomError

from groundglass.settings.field_types import Record


def refuse(key: str, message: str, hint: str, other: str = "") -> NoReturn:
    """Raise an error about a key; ``other`` is the key that it conflicts with."""
    raise PydanticCustomError("rule", "{say}", {"say": message, "key": key, "hint": hint, "other": other})


def given(record: Record, names: Sequence[str]) -> list[str]:
    """The names of fields that were given (differ from their defaults), in the order of ``names``."""
    fields = type(record).model_fields
    return [name for name in names if getattr(record, name) != fields[name].default]


def listed(words: Sequence[str], last: str = "or") -> str:
    """The words as a list within a sentence.

    >>> listed(["a", "b", "c"])
    '`a`, `b` or `c`'
    """
    quoted = [f"`{word}`" for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} {last} {quoted[-1]}"


def one_of(record: Record, names: Sequence[str]) -> str:
    """The one name of the group that is given; an error if none or several are."""
    found = given(record, names)
    if not found:
        refuse("", f"one of {listed(names)} is needed here", f"give one of {listed(names)}")
    if len(found) > 1:
        say = f"{listed(found, 'and')} cannot go together"
        refuse(found[1], say, "keep one of them; use one step for each", found[0])
    return found[0]


def not_empty(record: Any, names: Sequence[str]) -> None:
    for name in names:
        value = getattr(record, name)
        if value is not None and not value:
            refuse(name, f"`{name}` is empty", f"give `{name}` at least one entry")
