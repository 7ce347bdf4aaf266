"""`groundglass export`: the photos of a run, for another program."""

from __future__ import annotations

import json
from pathlib import Path

import click

from groundglass.cli.funnel import print_next, program
from groundglass.cli.options import as_json, run_argument, runs_folder
from groundglass.plans.run_folder import find_run
from groundglass.text.format import command as typed
from groundglass.text.format import thousands


@click.command()
@run_argument
@click.option(
    "--format",
    type=click.Choice(["fiftyone"]),
    default="fiftyone",
    expose_value=False,
    show_default=True,
    help="The program that reads the file.",
)
@click.option(
    "-o", "--out", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The file to write."
)
@runs_folder
@as_json
def command(run: str, out: Path, runs: Path, as_json: bool) -> None:
    """Write the photos of RUN, and what became of each, as a dataset of FiftyOne.

    \b
    groundglass export faces -o faces.json

    In Python: fiftyone.launch_app(fiftyone.Dataset.from_json("faces.json")).

    RUN is a run's folder (runs/faceup/0003) or a recipe's name (faceup: its last run). Each photo is one sample with
    its path, its measured values and a tag: kept, dropped, held out or failed. The fields left_at and reason say where
    and why it left. No image is copied. `groundglass import-tags` brings your tags back.
    """
    from groundglass.reports.fiftyone_dataset import export_fiftyone

    folder = find_run(run, runs)
    written = export_fiftyone(folder, out)
    if as_json:
        plain = {
            "file": str(written.file),
            "samples": written.samples,
            "fates": written.fates,
            "left_out": written.left_out,
        }
        click.echo(json.dumps(plain, indent=2, ensure_ascii=False))
        return
    for reason, count in written.left_out.items():
        click.echo(f"note: {thousands(count)} left out: {reason}", err=True)
    fates = " · ".join(f"{fate} {thousands(count)}" for fate, count in written.fates.items())
    click.echo(f"{thousands(written.samples)} samples: {fates}\n")
    back = typed("import-tags", "tagged.json", str(folder.path), "-o", "tags.jsonl")
    print_next(
        {
            "file": str(written.file),
            "open": f"fiftyone.Dataset.from_json({str(written.file)!r})",
            "next": f"{program()} {back}",
        }
    )
