"""`groundglass run`: do what a recipe says."""

from __future__ import annotations

from pathlib import Path

import click

from groundglass.cli.options import Share, as_json, recipe_options, runs_folder, workers


@click.command()
@click.argument("recipe")
@recipe_options
@workers
@runs_folder
@click.option(
    "--max-failed", type=Share(), metavar="SHARE", help="End with exit code 4 when more images fail, e.g. 5%."
)
@click.option("--retry", type=click.Choice(["failed"]), help="Try again what failed before.")
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
    """Do what RECIPE says: a file (faceup.yaml) or the name of a shipped recipe (quickstart).

    The run goes into runs/NAME/NUMBER/. Started again, an unfinished run of the same recipe goes on where it
    stopped; an edited recipe opens the next number and measures only what is new.
    """
    from groundglass.cli.running import run_and_tell
    from groundglass.recipes.load import load_recipe
    from groundglass.recipes.run import RunOptions
    from groundglass.recipes.shipped import recipe_path

    loaded = load_recipe(recipe_path(recipe), overrides, profile)
    options = RunOptions(runs, workers, max_failed, retry == "failed")
    run_and_tell(loaded, limit, options, as_json)
