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
    "--max-failed",
    type=Share(),
    metavar="SHARE",
    help="End with exit code 4 if more images fail than this, such as 5%.",
)
@click.option("--retry", type=click.Choice(["failed"]), help="Try the images again that failed before.")
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

    The run is written to runs/NAME/NUMBER/. You may stop it at any time: the same command goes on where it stopped. If
    you edit the recipe, the next run gets the next number, and only what is new is measured.
    """
    from groundglass.cli.running import run_and_tell
    from groundglass.recipes.load import load_recipe
    from groundglass.recipes.run import RunOptions
    from groundglass.recipes.shipped import recipe_path

    loaded = load_recipe(recipe_path(recipe), overrides, profile)
    options = RunOptions(runs, workers, max_failed, retry == "failed")
    run_and_tell(loaded, limit, options, as_json)
