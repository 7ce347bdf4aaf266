"""What the checks of a step's keys share: which keys belong together and which exclude each other.

The `check_` functions beside the records raise by `refuse` a `PydanticCustomError` of type "rule", whose context names
the `key` at fault, so that `errors` can point at it, and a `hint` that says what to write.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from pydantic_core import PydanticCustomError

from groundglass.settings.field_types import Record


def refuse(key: str, message: str, hint: str, other: str = "") -> NoReturn:
    """Stop with a sentence about a key; ``other`` is the key that it cannot stand beside."""
    raise PydanticCustomError("rule", "{say}", {"say": message, "key": key, "hint": hint, "other": other})


def given(record: Record, names: Sequence[str]) -> list[str]:
    """Those of the names that the record says something about, in the order of the names."""
    fields = type(record).model_fields
    return [name for name in names if getattr(record, name) != fields[name].default]


def listed(words: Sequence[str], last: str = "or") -> str:
    """The words in a sentence.

    >>> listed(["a", "b", "c"])
    '`a`, `b` or `c`'
    """
    quoted = [f"`{word}`" for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} {last} {quoted[-1]}"


def one_of(record: Record, names: Sequence[str]) -> str:
    """The one name of the group that is given; refused when it is none or several."""
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
