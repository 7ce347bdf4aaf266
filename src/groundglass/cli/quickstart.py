"""`groundglass quickstart`: from photographs to a released dataset, in one command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from groundglass.cli.options import as_json, runs_folder, workers

if TYPE_CHECKING:
    from groundglass.recipes.folder import RunFolder


@click.command()
@click.argument("photos", required=False, type=click.Path(path_type=Path))
@workers
@runs_folder
@as_json
def command(photos: Path | None, workers: int, runs: Path, as_json: bool) -> None:
    """Run the shipped recipe `quickstart`, and show what it kept and why.

    PHOTOS is a folder of your own photographs; they are only read. Without PHOTOS, the command takes a few freely
    licensed photographs and makes damaged versions of them, so that there is something to find.
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
    folder = run_and_tell(loaded, None, RunOptions(runs, workers), as_json)
    if photos is None and not as_json:
        _print_planted(folder)


def _print_planted(folder: RunFolder) -> None:
    """What was planted among the sample's photographs, and how much of it is still there."""
    from groundglass.cli.funnel import print_table
    from groundglass.recipes.folder import load_record
    from groundglass.recipes.story import fates_by
    from groundglass.sources.sample import FAULTS

    fates = fates_by(folder, load_record(folder), "meta.fault")
    rows = [
        (fault, what, str(sum(fates[fault].values())), str(fates[fault]["kept"]))
        for fault, what in FAULTS.items()
    ]
    click.echo()
    print_table(("planted", "", "files", "kept"), rows, right=(2, 3))
