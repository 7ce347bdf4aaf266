"""`groundglass plan`: what a recipe would do, before anything is done."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from groundglass.cli.options import as_json, recipe_options, runs_folder

if TYPE_CHECKING:
    from groundglass.recipes.forecast import Forecast


@click.command()
@click.argument("recipe")
@recipe_options
@runs_folder
@as_json
def command(
    recipe: str, overrides: tuple[str, ...], profile: str | None, limit: int | None, runs: Path, as_json: bool
) -> None:
    """Check RECIPE and show what running it would do: how many images, what is known already, time and space.

    Nothing is measured and nothing is written, but for the sample photographs of a `sample` source.
    """
    from groundglass.recipes.forecast import make_forecast
    from groundglass.recipes.load import load_recipe
    from groundglass.recipes.plan import make_plan, with_limit
    from groundglass.recipes.shipped import recipe_path

    plan = make_plan(with_limit(load_recipe(recipe_path(recipe), overrides, profile), limit))
    forecast = make_forecast(plan, runs)
    if as_json:
        click.echo(json.dumps(forecast.plain(), indent=2, ensure_ascii=False))
    else:
        _print_forecast(forecast, _words(recipe, overrides, profile, limit, runs))


def _words(
    recipe: str, overrides: tuple[str, ...], profile: str | None, limit: int | None, runs: Path
) -> list[str]:
    """What to type after `run` so that it does what was planned."""
    words = [recipe, *(word for override in overrides for word in ("--set", override))]
    words += ["--profile", profile] if profile else []
    words += ["--limit", str(limit)] if limit else []
    return words + ([] if runs == Path("runs") else ["--runs", str(runs)])


def _print_forecast(forecast: Forecast, words: list[str]) -> None:
    from groundglass.cli.funnel import print_next, print_table, program, shorten
    from groundglass.kernel.words import duration, size, thousands

    click.echo(f"{forecast.name} · {'goes on with' if forecast.resumes else 'would be'} {forecast.folder}\n")
    rows = [
        (
            step.kind,
            step.name,
            shorten(step.label),
            ("" if step.exact else "≤ ") + thousands(step.into),
            thousands(step.to_do) if step.to_do is not None else "",
            thousands(step.cached) if step.cached is not None else "",
        )
        for step in forecast.steps
    ]
    print_table(("step", "name", "", "in", "to do", "known already"), rows, right=(3, 4, 5))
    click.echo()
    for note in forecast.notes:
        click.echo(f"  note: {note}")
    lines = {"time": f"about {duration(forecast.seconds)} on this machine"}
    if forecast.bytes:
        lines["space"] = f"about {size(forecast.bytes)} for the release at most"
    lines["next"] = shlex.join([program(), "run", *words])
    print_next(lines)
