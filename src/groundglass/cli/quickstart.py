"""`groundglass quickstart`: from photos to a released dataset, in one command."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import click

from groundglass.cli.funnel import print_table
from groundglass.cli.options import as_json, runs_folder, workers
from groundglass.errors import RecipeError
from groundglass.plans.run_folder import RunFolder, RunRecord, run_numbers
from groundglass.recipes.shipped import shipped

if TYPE_CHECKING:
    from groundglass.plans.image_history import Fate

MOST_NAMED = 5
"""Images that are named one by one; if there are more, only their number is printed."""


@click.command()
@click.argument("photos", required=False, type=click.Path(path_type=Path))
@workers
@runs_folder
@as_json
def command(photos: Path | None, workers: int, runs: Path, as_json: bool) -> None:
    """Run the shipped recipe `quickstart`, and show what it kept and why.

    PHOTOS is a folder of your own photos. They are only read. Their runs get another name, made from the folder's:
    quickstart-holiday for a folder named holiday. Without PHOTOS, the command takes a few freely licensed photos and
    makes damaged versions of them, so that there is something to find.
    """
    from groundglass.cli.running import run_and_tell
    from groundglass.drafts.filter_recipe import check_runs
    from groundglass.recipes.load import load_recipe
    from groundglass.runs.run import RunOptions
    from groundglass.sources.folder import existing_folder

    changes: list[str] = []
    if photos is not None:
        folder = existing_folder(str(photos)).resolve()
        check_runs(str(folder), runs)
        # JSON is valid YAML, so quotes or colons in the folder's name cannot break the recipe.
        source = json.dumps({"folder": [str(folder)]})
        changes = [f"steps.photos.source={source}", f"name={_run_name(runs, folder)}"]
    loaded = load_recipe(shipped("quickstart"), changes)
    run_and_tell(loaded, None, RunOptions(runs, workers), as_json, print_planted if photos is None else None)


def _run_name(runs: Path, folder: Path) -> str:
    """`quickstart-holiday`; with a number after it if the runs of that name are of another folder."""
    plain = re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-") or "photos"
    names = (f"quickstart-{plain}{f'-{n}' if n > 1 else ''}" for n in count(1))
    return next(name for name in names if _folder_of(runs / name) in (None, folder))


def _folder_of(runs: Path) -> Path | None:
    """The folder that the last run here took its photos from; None if there is no run."""
    from groundglass.recipes.load import load_recipe
    from groundglass.sources.folder import Folder

    numbers = run_numbers(runs)
    if not numbers:
        return None
    try:
        recipe = load_recipe(runs / f"{numbers[-1]:04d}" / "recipe.yaml").recipe
    except RecipeError:  # it never began, or another version wrote it
        return runs
    source = recipe.steps[0].body
    return Path(source.folder[0]) if isinstance(source, Folder) else runs


def print_planted(folder: RunFolder, record: RunRecord) -> None:
    """Print how many versions of the sample's photos were kept, for each kind of damage."""
    from groundglass.plans.image_history import fates_of
    from groundglass.sources.sample import FAULTS, WHOLE

    fates = fates_of(folder, record, ["meta.fault", "meta.photograph"])
    rows: list[tuple[str, ...]] = []
    for fault, what in FAULTS.items():
        versions = [fate for fate in fates if fate.columns["meta.fault"] == fault]
        ends = Counter(
            f"{fate.step}: {fate.reason}" if fate.failed else fate.step for fate in versions if not fate.kept
        )
        gone = ", ".join(f"{step} {n}" for step, n in ends.most_common())
        rows.append((fault, what, str(len(versions)), str(sum(fate.kept for fate in versions)), gone))
    print_table(("version", "what was done", "files", "kept", "left at"), rows, right=(2, 3))
    click.echo()
    whole = [fate for fate in fates if fate.columns["meta.fault"] in WHOLE]
    damaged = [fate for fate in fates if fate.columns["meta.fault"] not in WHOLE]
    for line in (*photographs_in_words(whole), *damage_in_words(damaged)):
        click.echo(f"  {line}")
    click.echo()


def photographs_in_words(whole: Sequence[Fate]) -> list[str]:
    """How many photos were kept, how often, and which were lost; ``whole`` are their undamaged versions."""
    names = dict.fromkeys(fate.columns["meta.photograph"] for fate in whole)
    kept = Counter(fate.columns["meta.photograph"] for fate in whole if fate.kept)
    originals = [fate for fate in whole if fate.columns["meta.fault"] == "original"]
    as_came = sum(fate.kept for fate in originals)
    once = "each once" if all(n == 1 for n in kept.values()) else f"{sum(kept.values())} times in all"
    how = f", {once}, {'all' if as_came == len(kept) else as_came} as the original file" if kept else ""
    lines = [f"{len(kept)} of {len(names)} photos are kept{how}."]
    lost = [fate for fate in originals if fate.columns["meta.photograph"] not in kept]
    lines += [f"Lost: {fate.uri}, at {fate.step}: {fate.reason}" for fate in lost[:MOST_NAMED]]
    return lines + ([f"Lost: {len(lost) - MOST_NAMED} more"] if len(lost) > MOST_NAMED else [])


def damage_in_words(damaged: Sequence[Fate]) -> list[str]:
    """How many damaged versions were kept, and which."""
    through = [fate.uri for fate in damaged if fate.kept]
    lines = [f"{len(through)} of {len(damaged)} damaged versions are kept."]
    if through:
        more = f" and {len(through) - MOST_NAMED} more" if len(through) > MOST_NAMED else ""
        lines.append(f"No gate caught: {', '.join(through[:MOST_NAMED])}{more}")
    return lines
