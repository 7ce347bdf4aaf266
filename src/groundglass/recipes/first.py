"""The flow of `groundglass init`: look at a folder, choose, and write a recipe that has been planned."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundglass.kernel.errors import RecipeError, UnreachableError
from groundglass.recipes.adapting import adapt
from groundglass.recipes.fields import RECIPE_NAME
from groundglass.recipes.filtering import bare, check_runs
from groundglass.recipes.load import load_recipe, load_text
from groundglass.recipes.looking import Look
from groundglass.recipes.plan import make_plan
from groundglass.recipes.shipped import shipped, shipped_names
from groundglass.recipes.starting import SEED, Choice, allowed_to_fail, choose_all, headline, written
from groundglass.sources.folder import existing_folder


@dataclass(frozen=True)
class Begun:
    """A recipe that was written, and what was noticed on the way."""

    path: Path
    look: Look
    choices: Sequence[Choice]


def recipe_place(name: str) -> Path:
    """The file that a recipe called ``name`` is written to. Raises RecipeError where that cannot be.

    >>> recipe_place("mine"), recipe_place("recipes/mine.yaml")
    (PosixPath('mine.yaml'), PosixPath('recipes/mine.yaml'))
    """
    path = Path(name)
    stem = path.stem if path.suffix in (".yaml", ".yml") else path.name
    if not re.match(RECIPE_NAME, stem):
        raise RecipeError(
            f"'{stem}' is no name for a recipe", "use letters, digits, -, _ and ., without blanks"
        )
    if stem in shipped_names():
        raise RecipeError(f"{stem} is a recipe that comes with groundglass", "give yours another name")
    path = path if path.suffix in (".yaml", ".yml") else path.with_name(f"{stem}.yaml")
    if path.exists():
        raise RecipeError(
            f"{path} is there already; nothing is overwritten", "give another name, or move it away"
        )
    if not path.parent.is_dir():
        raise RecipeError(f"there is no folder {path.parent}", f"make it first: mkdir -p {path.parent}")
    return path


def check_words(name: str, folder: str, like: str | None) -> Path:
    """Everything that can be wrong with what was typed, before any image is read. Raises RecipeError."""
    if Path(name).is_dir() and not Path(folder).exists():
        raise RecipeError(
            f"there is no folder {folder}", f"the name comes first: groundglass init {folder} {name}"
        )
    existing_folder(folder)
    if like is not None:
        shipped(like)
    path = recipe_place(name)
    check_runs(folder, Path("runs"))
    return path


def begin(path: Path, look: Look, like: str | None) -> Begun:
    """Choose by what was seen, and write the recipe. Raises RecipeError, UnreachableError."""
    choices = adapt(like, look) if like else choose_all(look)
    text = recipe_for(path.stem, look, like, choices)
    make_plan(load_text(text, str(path)))
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise RecipeError(f"{path} is there already; nothing is overwritten", "give another name") from None
    except OSError as error:
        raise UnreachableError(f"cannot write {path}: {error.strerror}", "choose another place") from error
    return Begun(path, look, choices)


def recipe_for(name: str, look: Look, like: str | None, choices: Sequence[Choice]) -> str:
    """The recipe's text, with what was noticed as comments."""
    made = f"A {f'recipe like {like}' if like else 'first recipe'} for {bare(look.folder)}, made by groundglass init"
    head = [f"{made} {headline(look)}"]
    if like is None:
        return written(name, head, {"seed": SEED, "limits": {"failed": f"{allowed_to_fail(look)}%"}}, choices)
    head.append(f"It is {like}, with the steps below in place of its steps of the same name.")
    return written(name, head, {"extends": like} | changed_limits(like, look), choices)


def changed_limits(like: str, look: Look) -> dict[str, Any]:
    """The limits of a shipped recipe where more files are broken than they allow to fail."""
    limits = load_recipe(shipped(like)).recipe.limits
    allowed = round(100 * limits.failed)
    needed = allowed_to_fail(look, allowed)
    if needed == allowed:
        return {}
    return {"limits": limits.model_dump(exclude_defaults=True) | {"failed": f"{needed}%"}}
