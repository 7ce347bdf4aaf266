"""Errors as a notebook shows them: with the hint that the command line prints under the message."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from groundglass.errors import GroundglassError

P = ParamSpec("P")
T = TypeVar("T")


def shows_hints(function: Callable[P, T]) -> Callable[P, T]:
    """The function, with errors that carry their hint as a note: Python prints notes under the message."""

    @wraps(function)
    def call(*args: P.args, **settings: P.kwargs) -> T:
        try:
            return function(*args, **settings)
        except GroundglassError as error:
            note = f"→ {error.hint}"
            if error.hint and note not in getattr(error, "__notes__", ()):  # one function may call another
                error.add_note(note)
            raise

    return call
