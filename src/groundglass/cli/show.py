"""`groundglass show`: what a run did, step by step."""

from __future__ import annotations

import json
from pathlib import Path

import click

from groundglass.cli import completion
from groundglass.cli.funnel import print_funnel, print_next, print_table, program
from groundglass.cli.options import as_json, runs_folder
from groundglass.plans.run_folder import RunFolder, find_run, load_record, readable_record
from groundglass.text.format import command as command_line
from groundglass.text.format import thousands


@click.command()
@click.argument("run", required=False, shell_complete=completion.runs)
@runs_folder
@as_json
def command(run: str | None, runs: Path, as_json: bool) -> None:
    """Show what RUN did, step by step: how many images came in, how many left, and why.

    RUN is a run's folder (runs/faceup/0003) or a recipe's name (faceup: its last run). Without RUN, all runs are
    listed.
    """
    if run is None:
        _list_runs(runs, as_json)
        return
    folder = find_run(run, runs)
    record = load_record(folder)
    if as_json:
        steps = [step.shown() for step in record.steps]
        answer = {"name": record.name, "number": record.number, "state": record.state, "steps": steps}
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    print_funnel(record)
    lines = {"state": record.state if not record.error else f"{record.state}: {record.error}"}
    if (folder.report / "index.html").exists():
        lines["report"] = str(folder.report / "index.html")
    lines["next"] = f"{program()} {command_line('why', str(folder.path))} IMAGE"
    print_next(lines)


def _list_runs(runs: Path, as_json: bool) -> None:
    folders = [RunFolder(path.parent) for path in sorted(runs.glob("*/[0-9]*/run.json"))]
    found = {folder.path: readable_record(folder) for folder in folders}
    records = [record for record in found.values() if record is not None]
    for path in (path for path, record in found.items() if record is None):
        click.echo(f"note: {path}/run.json cannot be read", err=True)
    if as_json:
        keys = ("name", "number", "state")
        click.echo(json.dumps([{key: getattr(record, key) for key in keys} for record in records], indent=2))
    elif not records:
        click.echo(f"no runs in {runs}/ yet; try: {program()} quickstart")
    else:
        rows = [
            (f"{runs}/{r.name}/{r.number:04d}", r.state, thousands(r.steps[-1].out) if r.steps else "–")
            for r in records
        ]
        print_table(("run", "state", "images left"), rows, right=(2,))
