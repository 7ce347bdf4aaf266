"""A recipe as a program gives it: a path, the name of a shipped recipe, YAML text, or plain values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from groundglass.errors import RecipeError
from groundglass.recipes.load import LoadedRecipe, load_recipe, load_text
from groundglass.recipes.shipped import recipe_path
from groundglass.recipes.to_yaml import yaml_text

IN_MEMORY = "<recipe>"
"""The name, in messages, of a recipe that is in no file."""

Given = str | Path | Mapping[str, Any]


def load_given(
    recipe: Given, overrides: Mapping[str, Any] | None = None, profile: str | None = None
) -> LoadedRecipe:
    r"""The recipe that a program gives.

    A `Path` is a file. Text of several lines, or in braces, is YAML; other text is a path or the name of a shipped
    recipe, as the command reads it. A mapping holds the recipe's keys and plain values. A recipe that is in no file
    finds what it ``extends`` from the working folder. Raises RecipeError as `load_recipe` does.

    >>> text = "name: faces\nsteps:\n  - source: {folder: photos}\n"
    >>> values = {"name": "faces", "steps": [{"source": {"folder": "photos"}}]}
    >>> load_given(text).recipe == load_given(values).recipe
    True
    >>> load_given(values, {"seed": 3}).recipe.seed
    3
    """
    typed = [f"{path}={json.dumps(_plain(value, path))}" for path, value in (overrides or {}).items()]
    if isinstance(recipe, Mapping):
        return load_text(yaml_text(_plain(recipe, "the recipe")), IN_MEMORY, typed, profile)
    if isinstance(recipe, str) and ("\n" in recipe or recipe.lstrip().startswith("{")):
        return load_text(recipe, IN_MEMORY, typed, profile)
    if not isinstance(recipe, (str, Path)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise RecipeError(
            f"a recipe is a path, YAML text or a dict, not {type(recipe).__name__}",
            'write for example plan("faces.yaml")',
        )
    return load_recipe(recipe if isinstance(recipe, Path) else recipe_path(recipe), typed, profile)


def _plain(value: Any, where: str) -> Any:
    """A value as YAML can hold it: tuples as lists, paths as text, numpy's numbers as Python's."""
    if isinstance(value, Mapping):
        return {key: _plain(inner, f"{where}, {key}") for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner, f"{where}, item {place}") for place, inner in enumerate(value, 1)]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise RecipeError(
        f"{where}: a recipe holds text, numbers, true or false, lists and dicts, not {type(value).__name__}",
        "convert it first, for example with .tolist()",
    )
