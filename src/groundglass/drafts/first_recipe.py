"""The steps of `groundglass init`: look at a folder, choose steps, check the recipe by planning it, and write it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from groundglass.drafts.adapt_shipped import adapt
from groundglass.drafts.filter_recipe import bare
from groundglass.drafts.flow_style import comment, flow, refuse_unwritable
from groundglass.drafts.look_at_folder import SEED, Look
from groundglass.drafts.start_recipe import Choice, choose_all
from groundglass.errors import RecipeError, cannot_write
from groundglass.recipes.load import load_recipe, load_text
from groundglass.recipes.shipped import shipped, shipped_names
from groundglass.runs.make_plan import make_plan
from groundglass.settings.field_types import RECIPE_NAME
from groundglass.sources.folder import existing_folder, lies_in, place_of
from groundglass.sources.generate import Generate
from groundglass.text.format import command, share, some, thousands


@dataclass(frozen=True)
class Begun:
    """A recipe that was written, and the choices that led to it."""

    path: Path
    look: Look
    choices: Sequence[Choice]


def recipe_place(name: str) -> Path:
    """The file that a recipe called ``name`` is written to. Raises RecipeError if it cannot be written there.

    >>> recipe_place("mine"), recipe_place("recipes/mine.yaml")
    (PosixPath('mine.yaml'), PosixPath('recipes/mine.yaml'))
    """
    path = Path(name)
    stem = path.stem if path.suffix in (".yaml", ".yml") else path.name
    if not re.match(RECIPE_NAME, stem):
        raise RecipeError(
            f"'{stem}' cannot be the name of a recipe", "use letters, digits, -, _ and ., without spaces"
        )
    if stem in shipped_names():
        raise RecipeError(f"{stem} is a recipe that comes with groundglass", "give yours another name")
    path = path if path.suffix in (".yaml", ".yml") else path.with_name(f"{stem}.yaml")
    if path.exists():
        raise RecipeError(
            f"{path} exists already; nothing is overwritten", "give another name, or move it away"
        )
    if not path.parent.is_dir():
        raise RecipeError(f"there is no folder {path.parent}", f"make it first: mkdir -p {path.parent}")
    return path


def check_words(name: str, folder: str, like: str | None) -> Path:
    """Check all arguments before any image is read. Returns the recipe's path; raises RecipeError."""
    if Path(name).is_dir() and not Path(folder).exists():
        raise RecipeError(
            f"there is no folder {folder}", f"the name comes first: groundglass init {folder} {name}"
        )
    existing_folder(folder)
    refuse_unwritable(folder)
    if like is not None:
        refuse_generated(like)
    path = recipe_place(name)
    if lies_in(path.parent, place_of(folder)):
        say = f"{path} would be written inside {folder}, the folder that is read, and its runs next to it"
        raise RecipeError(say, "run the command from a folder outside, for example the one above: cd ..")
    return path


def refuse_generated(like: str) -> None:
    """Raises RecipeError for a shipped recipe that makes its images itself: a folder cannot fill its place."""
    if any(isinstance(step.body, Generate) for step in load_recipe(shipped(like)).recipe.steps):
        say = f"{like} makes its images from prompts, so it cannot start from a folder"
        raise RecipeError(say, f"use the recipe itself: {command('groundglass', 'plan', like)}")


def begin(path: Path, look: Look, like: str | None) -> Begun:
    """Choose steps for the sample, and write the recipe. Raises RecipeError, UnreachableError."""
    choices = adapt(like, look) if like else choose_all(look)
    text = recipe_for(path.stem, look, like, choices)
    # Planned before it is written: `init` must not leave a recipe that `plan` refuses.
    make_plan(load_text(text, str(path)))
    try:
        # Mode x: a file that appeared meanwhile is not overwritten.
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise RecipeError(f"{path} exists already; nothing is overwritten", "give another name") from None
    except OSError as error:
        raise cannot_write(path, error) from error
    return Begun(path, look, choices)


def recipe_for(name: str, look: Look, like: str | None, choices: Sequence[Choice]) -> str:
    """The recipe's text, with the remarks as comments."""
    made = f"A {f'recipe like {like}' if like else 'first recipe'} for {bare(look.folder)}, made by groundglass init"
    head = [f"{made} {headline(look)}"]
    if like is None:
        return written(name, head, {"seed": SEED, "limits": {"failed": f"{allowed_to_fail(look)}%"}}, choices)
    head.append(f"It is {like}, but the steps below replace its steps of the same name.")
    return written(name, head, {"extends": like} | changed_limits(like, look), choices)


def changed_limits(like: str, look: Look) -> dict[str, Any]:
    """The limits of a shipped recipe, raised if more files are broken than it allows to fail; else nothing."""
    limits = load_recipe(shipped(like)).recipe.limits
    allowed = round(100 * limits.failed)
    needed = allowed_to_fail(look, allowed)
    if needed == allowed:
        return {}
    return {"limits": limits.model_dump(exclude_defaults=True) | {"failed": f"{needed}%"}}


def allowed_to_fail(look: Look, least: int = 5) -> int:
    """Per cent of files that may fail before a run ends with exit code 4: twice what the sample shows, or ``least``.

    Rounded up to fives, so that it reads as the guess that it is.
    """
    return min(100, max(least, 5 * ceil(2 * 100 * len(look.broken) / look.sampled / 5)))


def headline(look: Look) -> str:
    """How many files were looked at, and how common a fault may be that the sample does not show.

    By the rule of three, a fault that n sampled files do not show is in at most 3 / n of all (95 % confidence).
    """
    if look.whole:
        return f"from a look at {'all of ' if look.files > 1 else ''}its {some(look.files, 'files')}."
    rare = share(min(3, look.sampled), look.sampled)
    return (
        f"from a look at {thousands(look.sampled)} of its {some(look.files, 'files')}, drawn by seed {SEED}. A "
        f"fault that none of them shows may still be in up to {rare} of the folder (with 95 % confidence)."
    )


def written(name: str, head: Iterable[str], keys: Mapping[str, Any], choices: Sequence[Choice]) -> str:
    """The recipe as text: each remark is above the step that follows from it; remarks without a step are at the top.

    ``keys`` are those of the recipe besides its name and steps.
    """
    lines = [line for text in head for line in comment(text)]
    notes = [choice.said for choice in choices if choice.step is None]
    lines += ["#", "# Also noticed:"] if notes else []
    lines += [line for note in notes for line in comment(f"- {note}", hang=2)]
    lines += ["#", f"name: {name}"]
    lines += [f"{key}: {flow(value) if isinstance(value, dict) else value}" for key, value in keys.items()]
    lines += ["", "steps:"]
    for choice in choices:
        if choice.step is not None:
            lines += step_lines(choice)
    return "\n".join(lines).rstrip() + "\n"


def step_lines(choice: Choice) -> Iterator[str]:
    """The lines of a step with its comment above; a step that is off is written as a comment."""
    assert choice.step is not None
    if choice.said:
        yield from comment(choice.said, indent=2)
    off = "# " if choice.off else ""
    for place, (key, value) in enumerate(choice.step.items()):
        yield f"  {off}{'  ' if place else '- '}{flow({key: value})[1:-1]}"
    yield ""
