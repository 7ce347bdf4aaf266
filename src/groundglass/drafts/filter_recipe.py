"""The recipe of `groundglass filter`: one folder, one expression, and the images that it keeps."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundglass.catalog import Measure
from groundglass.drafts.flow_style import flow, refuse_unwritable
from groundglass.errors import RecipeError
from groundglass.measures.catalog import MEASURES
from groundglass.recipes.errors import Mark, error_at
from groundglass.recipes.load import LoadedRecipe, load_text
from groundglass.releases.journal import check_place
from groundglass.sources.folder import existing_folder, lies_in, place_of
from groundglass.tables.columns import FACTS, IMAGE_FACTS, SQL_TYPES
from groundglass.tables.expressions import Expression, ExpressionError, check, parse

WHERE = "EXPRESSION"
"""What an error calls the expression that was typed."""
OWN = {"": FACTS | IMAGE_FACTS, "root.": {"width": "BIGINT", "height": "BIGINT"}}
"""Columns that need no measure, by what stands before them."""


@dataclass(frozen=True)
class Wish:
    """What was typed.

    folder      the images to filter; only read
    expression  which of them to keep
    dedupe      "near", "exact" or "pixels": of images that are alike, one stays; None keeps all
    tile        side of the tiles that kept images are cut into, px; None keeps images whole
    out         the folder that the kept images are written to; None is in the folder of the run
    limit       only so many files
    """

    folder: str
    expression: str
    dedupe: str | None = None
    tile: int | None = None
    out: str | None = None
    limit: int | None = None


def filter_recipe(wish: Wish) -> str:
    """The recipe of a wish, as YAML.

    Raises RecipeError where there is no such folder, or for an expression that no image can be judged by.

    >>> print(filter_recipe(Wish(".", "blockiness < 30")).splitlines()[3])
      - measure: [blockiness]
    """
    existing_folder(wish.folder)
    measures = measures_of(wish.expression)
    release: dict[str, Any] = {"format": "folder", "names": "keep", "image": "original"}
    release |= {"to": bare(wish.out)} if wish.out else {}
    steps: list[tuple[str, Any]] = [
        ("source", {"folder": bare(wish.folder)} | ({"limit": wish.limit} if wish.limit else {})),
        *([("measure", measures)] if measures else []),
        ("select", {"where": wish.expression}),
        *([("select", {"deduplicate": wish.dedupe})] if wish.dedupe else []),
        *([("transform", {"tile": wish.tile})] if wish.tile else []),
        ("release", release | {"allow_unknown_licence": True}),
    ]
    lines = [f"name: {run_name(wish.folder)}", "steps:"]
    return "\n".join([*lines, *(f"  - {kind}: {flow(body)}" for kind, body in steps)]) + "\n"


def load_filter(wish: Wish, runs: Path) -> LoadedRecipe:
    """The recipe of a wish, read, and its places looked at: nothing may be written into the folder that is read.

    Raises RecipeError.
    """
    check_networks(measures_of(wish.expression))
    loaded = load_text(filter_recipe(wish), f"{run_name(wish.folder)}.yaml")
    check_runs(wish.folder, runs)
    if wish.out is not None:
        if lies_in(place_of(wish.out), place_of(wish.folder)):
            say = f"-o {wish.out}: that is inside {wish.folder}, the folder that is read"
            raise RecipeError(
                say, "choose a folder outside of it: the next run would take its images for yours"
            )
        check_place(place_of(wish.out), loaded.text)
    return loaded


def check_networks(measures: list[str]) -> None:
    """Raises RecipeError for a measure that asks a network whose weights only a recipe can name."""
    for name in measures:
        network = MEASURES[name].network
        if network is not None and not network.weights and network.find is None:
            raise RecipeError(
                f"{name} asks a network whose weights must be named, and that takes a recipe",
                f"--print-recipe > mine.yaml prints one; write [{{{name}: {{weights: FILE}}}}] behind its `measure:`",
            )


def check_runs(folder: str, runs: Path) -> None:
    """Raises RecipeError where the runs would lie among the images that are read: the next run would find them."""
    if lies_in(runs, place_of(folder)):
        outside = Path(os.path.relpath(place_of(folder).resolve().parent / "runs"))
        raise RecipeError(
            f"the runs would be written to {runs}/, inside {folder}, the folder that is read",
            f"put them elsewhere: --runs {outside}",
        )


def run_name(folder: str) -> str:
    """What the runs on a folder are called: its name made safe, and what was done.

    >>> run_name("my photos/"), run_name("写真")
    ('my-photos-filter', 'images-filter')
    """
    name = Path(os.path.normpath(place_of(folder))).name
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")
    return f"{safe or 'images'}-filter"


def bare(folder: str) -> str:
    """A folder without the slash that completion puts behind it: typed either way, it is the same recipe.

    >>> bare("photos/"), bare("/")
    ('photos', '/')
    """
    return folder.rstrip("/") or "/"


def measures_of(expression: str) -> list[str]:
    """The measures that bring the columns of an expression, in the order of the catalog.

    Raises RecipeError that points into the expression, with the nearest word.

    >>> measures_of("laplacian_variance > 60 and blockiness < 30 and width >= 512")
    ['blockiness', 'sharpness']
    """
    refuse_unwritable(expression)
    try:
        parsed = parse(expression)
        check(parsed, known_columns())
    except ExpressionError as error:
        raise _pointed(expression, error) from None
    return [name for name, measure in MEASURES.items() if _brings(measure, parsed)]


def known_columns() -> dict[str, str]:
    """Every column that an image of a folder can have, with its SQL type."""
    measured = {
        name: SQL_TYPES[column.kind]
        for measure in MEASURES.values()
        for name, column in measure.columns.items()
    }
    return {f"{whose}{name}": kind for whose, own in OWN.items() for name, kind in (measured | own).items()}


def _brings(measure: Measure, expression: Expression) -> bool:
    """Whether a column of an expression is the measure's, and not one that every image has."""
    named = {path[-1] for path in expression.columns} - FACTS.keys()
    return not named.isdisjoint(measure.columns)


def _pointed(expression: str, error: ExpressionError) -> RecipeError:
    """The error at its word. A measure's name is no column; a bare column may be what a shell left of `<`."""
    found = re.search(r"'([^']+)'", error.message)
    word = found[1] if found else ""
    hint = error.hint
    message = error.message
    if message.startswith("there is no column") and word in MEASURES:
        message = f"'{word}' is a measure; an expression names its columns"
        hint = f"one of: {', '.join(MEASURES[word].columns)}"
    elif hint.startswith("the columns there are"):
        hint = "groundglass measures lists what can be measured, and groundglass measures NAME its columns"
    elif hint.startswith("compare it"):
        hint = f"{hint}, all of it in quotes: the shell takes < and > for itself"
    shown = " ".join(expression.splitlines())
    return error_at(Mark(WHERE, 0, (error.offset or 0) + 1, shown, max(1, len(word))), message, hint)
