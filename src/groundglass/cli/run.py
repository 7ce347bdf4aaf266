"""`groundglass run`: run a recipe."""

from __future__ import annotations

from pathlib import Path

import click

from groundglass.cli.options import (
    as_json,
    max_failed,
    recipe_argument,
    recipe_options,
    retry,
    runs_folder,
    workers,
)
from groundglass.recipes.shipped import recipe_path


@click.command()
@recipe_argument
@recipe_options
@workers
@runs_folder
@max_failed
@retry
@as_json
def command(
    recipe: str,
    overrides: tuple[str, ...],
    profile: str | None,
    limit: int | None,
    workers: int,
    runs: Path,
    max_failed: float | None,
    retry: str | None,
    as_json: bool,
) -> None:
    """Run RECIPE: a file (faceup.yaml) or the name of a shipped recipe (quickstart).

    The run is written to runs/NAME/NUMBER/. You may stop it at any time: the same command goes on where it stopped. If
    you edit the recipe, the next run gets the next number, and only what is new is measured.
    """
    from groundglass.cli.running import run_and_tell
    from groundglass.recipes.load import load_recipe
    from groundglass.runs.run import RunOptions

    loaded = load_recipe(recipe_path(recipe), overrides, profile)
    options = RunOptions(runs, workers, max_failed, retry == "failed")
    run_and_tell(loaded, limit, options, as_json)
