"""What `run` and `quickstart` share: run, tell what happens, and say what to type next."""

from __future__ import annotations

import json
import shlex

import click

from groundglass.cli.funnel import print_funnel, print_next
from groundglass.kernel.engines.progress import progress
from groundglass.kernel.errors import Interrupted
from groundglass.recipes.folder import RunFolder, RunRecord
from groundglass.recipes.load import LoadedRecipe
from groundglass.recipes.plan import make_plan, with_limit
from groundglass.recipes.run import RunOptions, Talk, run_plan


def run_and_tell(loaded: LoadedRecipe, limit: int | None, options: RunOptions, as_json: bool) -> None:
    """Run a recipe, print its funnel, and write its report. An interrupted run says how to go on."""
    plan = make_plan(with_limit(loaded, limit))
    for note in plan.notes:
        click.echo(f"note: {note}", err=True)
    try:
        folder, record = run_plan(plan, options, Talk(progress, _say_step, _say_opened))
    except (KeyboardInterrupt, Interrupted) as stop:
        raise Interrupted(
            "stopped; what was finished is saved", "the same command goes on from here"
        ) from stop
    finish(folder, record, as_json)


def finish(folder: RunFolder, record: RunRecord, as_json: bool) -> None:
    """The report, the funnel and what to type next."""
    from groundglass.reports.read import write_report

    page = write_report(folder)
    if as_json:
        answer = {
            "name": record.name,
            "number": record.number,
            "state": record.state,
            "folder": str(folder.path),
        }
        click.echo(
            json.dumps(
                answer | {"steps": [step.shown() for step in record.steps], "report": str(page)}, indent=2
            )
        )
        return
    print_funnel(folder, record)
    lines = {
        f"release {r.step}" if n else "release": release_line(r) for n, r in enumerate(_releases(record))
    }
    lines["report"] = str(page)
    example = example_of_dropped(folder)
    if example:
        lines["next"] = f"groundglass why {folder.path} {shlex.quote(example)}      why was this one dropped"
    print_next(lines)
