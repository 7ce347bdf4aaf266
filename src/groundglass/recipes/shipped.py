"""The recipes that come with groundglass, by name."""

from __future__ import annotations

import os
from pathlib import Path

from groundglass.errors import RecipeError
from groundglass.recipes.errors import choose

INSTALLED = Path(__file__).parent / "shipped"
CHECKOUT = Path(__file__).resolve().parents[3] / "recipes"


def recipe_path(word: str) -> Path:
    """The path for the argument RECIPE: a file, or else the name of a shipped recipe.

    >>> recipe_path("mine/faceup.yaml").name, recipe_path("bhi").name
    ('faceup.yaml', 'bhi.yaml')
    """
    # Only a bare word can name a shipped recipe: anything with an ending or a slash is a path.
    path = Path(word)
    return path if path.suffix or os.sep in word or path.is_file() else shipped(word)


def shipped(name: str) -> Path:
    """The file of a shipped recipe. Raises RecipeError with the nearest name if there is none.

    >>> shipped("quickstart").name
    'quickstart.yaml'
    """
    names = shipped_names()
    if name not in names:
        end, hint = choose(name, names, "give the path of a file, or one of")
        raise RecipeError(f"no recipe is called `{name}`{end}", hint)
    return _folder() / f"{name}.yaml"


def shipped_names() -> list[str]:
    """The names of all shipped recipes.

    >>> {"quickstart", "faceup", "bhi"} <= set(shipped_names())
    True
    """
    return sorted(path.stem for path in _folder().glob("*.yaml"))


def _folder() -> Path:
    """Their folder: next to this module in an installed package, at the top of a checkout."""
    return INSTALLED if INSTALLED.is_dir() else CHECKOUT
