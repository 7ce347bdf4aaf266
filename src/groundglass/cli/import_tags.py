"""`groundglass import-tags`: tags that people gave in FiftyOne, as a table for a recipe."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from groundglass.cli.funnel import plain_line, print_next
from groundglass.cli.options import as_json, run_argument, runs_folder
from groundglass.plans.run_folder import find_run
from groundglass.text.format import some, thousands

MOST_SHOWN = 10
"""Samples without a row that are named one by one."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@run_argument
@click.option(
    "-o",
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="TABLE",
    help="The table to write, such as tags.jsonl.",
)
@runs_folder
@as_json
def command(file: Path, run: str, out: Path, runs: Path, as_json: bool) -> None:
    """Write the tags in FILE, for the images of RUN, as a table that a recipe can use.

    \b
    groundglass import-tags tagged.json faces -o tags.jsonl

    FILE is what `dataset.write_json("tagged.json")` writes in FiftyOne, or the folder of an export as FiftyOneDataset.
    RUN is the run that was exported and tagged. The table has a row for each image of RUN in FILE, and a column of
    true or false for each tag. In the recipe:

    \b
    - measure: [{table: tags.jsonl, key: uri}]
    - select: {where: "tag_blurry IS DISTINCT FROM true"}

    A sample that is not an image of RUN gives no row; the command counts it and says why.
    """
    from groundglass.runs.imported_tags import FAULTS, import_tags

    made = import_tags(file, find_run(run, runs), out)
    if as_json:
        plain = asdict(made) | {"file": str(made.file)}
        click.echo(json.dumps(plain, indent=2, ensure_ascii=False))
        return
    for reason, count in made.fault_counts.items():
        click.echo(f"note: {some(count, 'samples')} without a row, {reason}: {FAULTS[reason]}", err=True)
    for fault in made.faults[:MOST_SHOWN]:
        click.echo(f"  sample {fault.sample}: {fault.reason} {plain_line(fault.filepath)}", err=True)
    tags = " · ".join(f"{plain_line(tag)} {thousands(count)}" for tag, count in made.tags.items())
    click.echo(f"{some(made.rows, 'images')} with tags: {tags or 'none'}\n")
    print_next({"file": str(made.file), "next": f"- measure: [{{table: {made.file}, key: {made.key}}}]"})
