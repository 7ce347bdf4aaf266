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
from groundglass.plans.planner import quoted_word
from groundglass.plans.unknown_column import explain
from groundglass.recipes.errors import Mark, error_at
from groundglass.recipes.load import LoadedRecipe, load_text
from groundglass.releases.journal import check_place
from groundglass.sources.folder import existing_folder, lies_in, place_of
from groundglass.tables.columns import FACTS, Scope, measured_columns
from groundglass.tables.expressions import Expression, ExpressionError, UnknownColumn, check, parse
from groundglass.tables.value_ranges import why_impossible

WHERE = "EXPRESSION"
"""The name of the typed expression in errors."""
KNOWN = Scope(
    tuple(
        column
        for name, measure in MEASURES.items()
        for column in measured_columns(measure, f"{name}-", "", "measure", 0)
    )
)
"""Every column that an image of a folder can have: nothing is measured before the expression is known."""


@dataclass(frozen=True)
class FilterRequest:
    """The arguments of the command.

    folder      the images to filter; only read
    expression  the condition for keeping an image
    dedupe      "near", "exact" or "pixels": of images that are alike, one is kept; None keeps all
    tile        side of the tiles that kept images are cut into, px; None keeps images whole
    out         the folder that the kept images are written to; None is a folder in the run's folder
    limit       at most so many files are read
    """

    folder: str
    expression: str
    dedupe: str | None = None
    tile: int | None = None
    out: str | None = None
    limit: int | None = None


def filter_recipe(request: FilterRequest) -> str:
    """The recipe of a request, as YAML.

    Raises RecipeError if the folder does not exist, or for an expression that cannot judge an image.

    >>> print(filter_recipe(FilterRequest(".", "blockiness < 30")).splitlines()[3])
      - measure: [blockiness]
    """
    existing_folder(request.folder)
    measures = measures_of(request.expression)
    release: dict[str, Any] = {"format": "folder", "names": "keep", "image": "original"}
    release |= {"to": bare(request.out)} if request.out else {}
    steps: list[tuple[str, Any]] = [
        ("source", {"folder": bare(request.folder)} | ({"limit": request.limit} if request.limit else {})),
        *([("measure", measures)] if measures else []),
        ("select", {"where": request.expression}),
        *([("select", {"deduplicate": request.dedupe})] if request.dedupe else []),
        *([("transform", {"tile": request.tile})] if request.tile else []),
        ("release", release | {"allow_unknown_licence": True}),
    ]
    lines = [f"name: {run_name(request.folder)}", "steps:"]
    return "\n".join([*lines, *(f"  - {kind}: {flow(body)}" for kind, body in steps)]) + "\n"


def load_filter(request: FilterRequest, runs: Path) -> LoadedRecipe:
    """The recipe of a request, loaded and checked: nothing may be written into the folder that is read.

    Raises RecipeError.
    """
    check_networks(measures_of(request.expression))
    loaded = load_text(filter_recipe(request), f"{run_name(request.folder)}.yaml")
    check_runs(request.folder, runs)
    if request.out is not None:
        if lies_in(place_of(request.out), place_of(request.folder)):
            say = f"-o {request.out}: that is inside {request.folder}, the folder that is read"
            raise RecipeError(
                say, "choose a folder outside of it: the next run would read its images as yours"
            )
        check_place(place_of(request.out), loaded.text)
    return loaded


def check_networks(measures: list[str]) -> None:
    """Raises RecipeError for a measure with a network for which only a recipe can name the weights."""
    for name in measures:
        network = MEASURES[name].network
        if network is not None and not network.weights and network.find is None:
            raise RecipeError(
                f"{name} uses a network, and only a recipe can name its weights",
                f"--print-recipe > mine.yaml prints one; write [{{{name}: {{weights: FILE}}}}] after its `measure:`",
            )


def check_runs(folder: str, runs: Path) -> None:
    """Raises RecipeError if the runs would be inside the folder that is read: the next run would read their images."""
    if lies_in(runs, place_of(folder)):
        outside = Path(os.path.relpath(place_of(folder).resolve().parent / "runs"))
        raise RecipeError(
            f"the runs would be written to {runs}/, inside {folder}, the folder that is read",
            f"put them elsewhere: --runs {outside}",
        )


def run_name(folder: str) -> str:
    """The name of the runs on a folder: the folder's name without special characters, and `-filter`.

    >>> run_name("my photos/"), run_name("写真")
    ('my-photos-filter', 'images-filter')
    """
    name = Path(os.path.normpath(place_of(folder))).name
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")
    return f"{safe or 'images'}-filter"


def bare(folder: str) -> str:
    """A folder without the slash that shell completion adds: typed either way, it is the same recipe.

    >>> bare("photos/"), bare("/")
    ('photos', '/')
    """
    return folder.rstrip("/") or "/"


def measures_of(expression: str) -> list[str]:
    """The measures that have the columns of an expression, in the order of the catalog.

    Raises RecipeError that points into the expression, with the nearest word.

    >>> measures_of("laplacian_variance > 60 and blockiness < 30 and width >= 512")
    ['blockiness', 'sharpness']
    """
    refuse_unwritable(expression)
    try:
        parsed = parse(expression)
        types = KNOWN.types()
        behind_a_dot = {
            name for name in types if "." in name
        }  # `root.x` would be the same image under another name
        check(parsed, types, hidden=KNOWN.hidden() | behind_a_dot)
    except ExpressionError as error:
        raise _explained(expression, error) from None
    never = why_impossible(parsed.comparisons, KNOWN)
    if never is not None:
        atom, said, hint = never
        raise _pointed(expression, expression.find(atom.text), atom.text, said, hint)
    found = [name for name, measure in MEASURES.items() if _brings(measure, parsed)]
    for name in found:
        if MEASURES[name].of_pairs:
            word = next(path[-1] for path in parsed.columns if path[-1] in MEASURES[name].columns)
            said = f"{word} compares an image that a step of a recipe made with the image it was made from"
            hint = "groundglass check-pairs LQ_FOLDER HQ_FOLDER compares the files of two folders"
            raise _pointed(expression, expression.find(word), word, said, hint)
    return found


def _brings(measure: Measure, expression: Expression) -> bool:
    """Whether a column of an expression belongs to the measure, and is not one that every image has."""
    named = {path[-1] for path in expression.columns} - FACTS.keys()
    return not named.isdisjoint(measure.columns)


def _explained(expression: str, error: ExpressionError) -> RecipeError:
    """The error at its word, with the word that was probably meant.

    A single column may be the rest of an unquoted expression: the shell reads `<` as a redirection.
    """
    message, hint, word = error.message, error.hint, quoted_word(error.message)
    if isinstance(error, UnknownColumn):
        word = error.name
        message, hint = explain(error, KNOWN)
        if hint == error.hint and not error.near:  # all columns of all measures
            hint = (
                "groundglass measures lists what can be measured, and groundglass measures NAME its columns"
            )
    elif hint.startswith("compare it"):
        hint = f"{hint}, and put it all in quotes: otherwise the shell reads < and > as redirections"
    return _pointed(expression, error.offset or 0, word, message, hint)


def _pointed(expression: str, offset: int, word: str, message: str, hint: str) -> RecipeError:
    """An error that marks a word of the expression."""
    shown = " ".join(expression.splitlines())
    return error_at(Mark(WHERE, 0, max(0, offset) + 1, shown, max(1, len(word))), message, hint)
