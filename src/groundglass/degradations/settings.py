"""Shared by all families: the type of an image, and the check of a setting."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from groundglass.errors import RecipeError

Pixels = npt.NDArray[np.uint8]


def within(name: str, value: float, low: float, high: float) -> None:
    """Raise RecipeError where a setting is outside its range.

    >>> within("quality", 130, 1, 100)
    Traceback (most recent call last):
    groundglass.errors.RecipeError: quality is 130, but must be between 1 and 100
    """
    if not low <= value <= high:
        raise RecipeError(f"{name} is {value:g}, but must be between {low:g} and {high:g}")


def as_bytes(values: npt.NDArray[Any]) -> Pixels:
    """Grey levels as uint8: rounded to the nearest, clipped to 0..255.

    >>> as_bytes(np.array([-3.0, 0.6, 300.0])).tolist()
    [0, 1, 255]
    """
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
