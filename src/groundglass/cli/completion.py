"""Words that a shell completes: commands, shipped recipes, runs, measures and the like. Nothing heavy is imported here.

A shell shows what these functions return and nothing else, so whatever goes wrong ends in fewer words, not in an error.
An item of the type "file" comes first: it asks the shell for files, and bash does so where no word fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
RECIPES = ("*.yaml", "*.yml")


def _fitting(words: Iterable[str], typed: str, before: str = "") -> list[CompletionItem]:
    return [CompletionItem(before + word) for word in words if word.startswith(typed)]


def recipes(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Shipped recipes, and the recipes' files in the folder that is typed."""
    from groundglass.recipes.shipped import shipped_names

    folder = incomplete[: incomplete.rfind("/") + 1]
    try:
        here = sorted(folder + path.name for ending in RECIPES for path in Path(folder).glob(ending))
    except (OSError, ValueError):
        here = []
    return [CompletionItem(incomplete, type="file"), *_fitting([*here, *shipped_names()], incomplete)]


def shipped_recipes(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Shipped recipes alone."""
    from groundglass.recipes.shipped import shipped_names

    return _fitting(shipped_names(), incomplete)


def runs(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of recipes that have a run below `--runs`."""
    folder = Path(ctx.params.get("runs") or "runs")
    try:
        names = sorted({path.parent.parent.name for path in folder.glob("*/[0-9]*/run.json")})
    except OSError:
        names = []
    return [CompletionItem(incomplete, type="file"), *_fitting(names, incomplete)]


def recipes_or_runs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Recipes and runs, as `groundglass audit` takes either."""
    return [*recipes(ctx, param, incomplete), *runs(ctx, param, incomplete)[1:]]


def measures(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of measures with commas between; those that are typed already are left out."""
    from groundglass.measures.catalog import MEASURES

    before, comma, last = incomplete.rpartition(",")
    rest = [name for name in MEASURES if name not in before.split(",")]
    return _fitting(rest, last, before + comma)


def catalog(kind: str) -> Completer:
    """The names in one of the catalogs that `groundglass measures`, `selections`, … list."""

    def names(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return _fitting(_names(kind), incomplete)

    return names


def _names(kind: str) -> Iterable[str]:
    if kind == "measures":
        from groundglass.measures.catalog import MEASURES

        return MEASURES
    if kind == "questions":
        from groundglass.annotators.catalog import QUESTIONS

        return QUESTIONS
    from groundglass.recipes.families import entries

    return entries("select" if kind == "selections" else "transform")
