"""`groundglass quickstart`: from photographs to a released dataset, in one command."""

from __future__ import annotations

import json
from pathlib import Path

import click

from groundglass.cli.options import as_json, runs_folder, workers


@click.command()
@click.argument("photos", required=False, type=click.Path(path_type=Path))
@workers
@runs_folder
@as_json
def command(photos: Path | None, workers: int, runs: Path, as_json: bool) -> None:
    """Run the shipped recipe `quickstart` on the folder PHOTOS, and show what was kept and why.

    Without PHOTOS it takes a few freely licensed photographs and faulty versions of them made on the spot, so that
    there is something to catch. PHOTOS is only read.
    """
    from groundglass.cli.running import run_and_tell
    from groundglass.recipes.load import load_recipe
    from groundglass.recipes.run import RunOptions
    from groundglass.recipes.shipped import shipped
    from groundglass.sources.folder import existing_folder

    changes: list[str] = []
    if photos is not None:
        source = {"folder": [str(existing_folder(str(photos)))]}
        changes.append(f"steps.photos.source={json.dumps(source)}")
    loaded = load_recipe(shipped("quickstart"), changes)
    run_and_tell(loaded, None, RunOptions(runs, workers), as_json)
