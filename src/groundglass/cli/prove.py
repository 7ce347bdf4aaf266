"""`groundglass prove`: does a selection train better upscalers than as many random images?"""

from __future__ import annotations

import json
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from groundglass.cli.funnel import print_next, print_table, print_wrapped, program
from groundglass.cli.options import as_json, runs_folder, workers
from groundglass.engines.progress import choose_progress
from groundglass.errors import NothingProduced
from groundglass.plans.run_folder import RunFolder
from groundglass.text.format import duration

if TYPE_CHECKING:
    from groundglass.proofs.prove import Proof


@click.command()
@click.argument("what", metavar="RECIPE|RUN", required=False)
@click.option(
    "--folder",
    "folders",
    multiple=True,
    metavar="NAME=DIR",
    help="Compare folders instead; give it twice or more. The first one is the reference.",
)
@click.option(
    "--preset",
    type=click.Choice(["instant", "quick", "standard", "gpu"]),
    default="instant",
    show_default=True,
    help="Train a closed-form regressor (a minute), small networks (minutes to an hour), or EDSR on a GPU.",
)
@click.option(
    "--network",
    type=click.Choice(["edsr", "edsr_large", "msrresnet"]),
    default="edsr",
    show_default=True,
    help="The network of the preset gpu.",
)
@click.option(
    "--start",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Weights that the trainings of the preset gpu start from.  [default: random ones]",
)
@click.option(
    "--arms",
    default="selected,without",
    show_default=True,
    metavar="NAMES",
    help="Comparisons: selected, without, sizes, resolution, turned, best:COLUMN, balanced:COLUMN.",
)
@click.option(
    "--score-on",
    multiple=True,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Trusted images that the results are scored on, such as Urban100.  [default: photos held out]",
)
@click.option(
    "--images",
    default=400,
    show_default=True,
    type=click.IntRange(min=8),
    metavar="N",
    help="The most images of each arm; of more, a random sample is used.",
)
@click.option(
    "--seed", type=int, metavar="N", help="Decides every random choice.  [default: the recipe's seed]"
)
@workers
@runs_folder
@as_json
def command(
    what: str | None,
    folders: tuple[str, ...],
    preset: str,
    network: str,
    start: Path | None,
    arms: str,
    score_on: tuple[Path, ...],
    images: int,
    seed: int | None,
    workers: int,
    runs: Path,
    as_json: bool,
) -> None:
    """Train x2 upscalers on a selection and on what it should be better than, and score the results.

    RECIPE|RUN is a run's folder (runs/faceup/0003), a recipe's name (faceup: its last run) or a recipe's file, which
    is run first. The arms are the selected images against as many random ones, and the recipe without each of its
    gates against the selected images. An arm is called better or worse only if its effect is more than three times
    as large as what random selections of the same images give. The result is added to the run's folder and to its
    report. The exit code is 4 if every comparison failed.
    """
    from groundglass.recipes.prove_model import ProveStep
    from groundglass.runs.prove_run import ProveOptions, prove_folders, prove_selection

    if (what is None) is not bool(folders):
        raise click.UsageError("give a recipe or a run, or --folder NAME=DIR twice or more")
    begun = time.perf_counter()
    names = tuple(word.strip() for word in arms.split(",") if word.strip())
    body = ProveStep.model_validate(
        {
            "preset": preset,
            "network": network,
            "start": start and str(start),
            "arms": names,
            "score_on": [str(folder) for folder in score_on],
            "images": images,
        }
    )
    options = ProveOptions(body, seed, workers)
    if what is None:
        proved = prove_folders(_named(folders), runs, options, choose_progress)
    else:
        proved = prove_selection(what, runs, options, choose_progress)
    page = _report(proved.folder)
    if as_json:
        more = {"run": str(proved.folder.path), "report": str(page)}
        click.echo(json.dumps(proved.proof.plain() | more, indent=2, ensure_ascii=False))
    else:
        _print_proof(proved.folder.name, proved.proof)
        print_next(
            {
                "time": duration(time.perf_counter() - begun),
                "report": str(page),
                "next": f"{program()} show {shlex.quote(str(proved.folder.path))}",
            }
        )
    # One failed arm costs only itself; a script must notice a proof without any answer.
    reasons = [arm.reason for arm in proved.proof.arms if arm.verdict == "failed"]
    if len(reasons) == len(proved.proof.arms):
        raise NothingProduced("every comparison failed", reasons[0])


def _report(folder: RunFolder) -> Path:
    """Write the run's report, now with the proof's page."""
    from groundglass.reports.read_run import write_report

    return write_report(folder).with_name("proof.html")


def _named(folders: tuple[str, ...]) -> dict[str, str]:
    """NAME=DIR as a mapping. Raises UsageError for anything else, and for a name that appears twice."""
    import re

    from groundglass.settings.field_types import NAME

    found: dict[str, str] = {}
    for text in folders:
        name, equals, folder = text.partition("=")
        if not equals or not folder or not re.fullmatch(NAME, name):
            raise click.UsageError(
                f"--folder {text}: write NAME=DIR, with a name of letters, digits, - and _"
            )
        if name in found:
            raise click.UsageError(f"--folder {text}: the name {name} appears twice")
        found[name] = folder
    return found


def _print_proof(name: str, proof: Proof) -> None:
    """Print the answer, then the numbers behind it."""
    from groundglass.proofs.sentences import (
        alarms_in_words,
        gates_in_words,
        headline,
        label,
        numbers,
        preset_in_words,
        reasons_in_words,
        scored_in_words,
        short_verdict,
    )

    click.echo(f"{name} · preset {preset_in_words(proof)} · scored on {scored_in_words(proof)}\n")
    print_wrapped(f"  {headline(proof)}.", 2)
    gates = gates_in_words(proof)
    if gates:
        print_wrapped(f"  {gates}", 2)
    click.echo()
    head = ("arm", "effect dB", "95 % interval", "could show", "difference")
    rows = [(label(arm), *numbers(arm), short_verdict(arm)) for arm in proof.arms]
    print_table(head, rows, right=(1, 2, 3), shrink=0)
    click.echo()
    for reason in reasons_in_words(proof):
        print_wrapped(f"  {reason}", 4)
    for note in (*proof.notes, alarms_in_words(proof)):
        print_wrapped(f"  note: {note}", 4)
    click.echo()
