"""The part that `run`, `filter` and `quickstart` share: run, report what happens, and say what to type next."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import click

from groundglass import image
from groundglass.cli.funnel import plain_line, print_funnel, print_next, print_wrapped, program
from groundglass.engines.progress import choose_progress
from groundglass.errors import Interrupted, Unfinished
from groundglass.image.region import TILE_SIGN
from groundglass.plans.run_folder import RunFolder, RunRecord, mark_reported
from groundglass.plans.run_tables import read_tables
from groundglass.recipes.load import LoadedRecipe
from groundglass.releases.split_names import TRAIN
from groundglass.runs.make_plan import make_plan, with_limit
from groundglass.runs.run import RunOptions, Talk, check_outcome, run_plan
from groundglass.steps.release import small_tile_notes
from groundglass.tables.parquet import compute
from groundglass.tables.step_record import StepRecord
from groundglass.text.format import command, size, some, thousands
from groundglass.text.typed import short_path

Closing = Callable[[RunFolder, RunRecord], None]


def run_and_tell(
    loaded: LoadedRecipe,
    limit: int | None,
    options: RunOptions,
    as_json: bool,
    closing: Closing | None = None,
) -> RunFolder:
    """Run a recipe, print its funnel, and write its report. An interrupted run says how to go on.

    ``closing`` prints more between the funnel and the last lines.
    """
    plan = make_plan(with_limit(loaded, limit))
    before = [f"{p.step.name}: {note}" for p in plan.steps if p.step.kind != "source" for note in p.notes]
    for note in (
        *before,
        *small_tile_notes(plan),
    ):  # a source's notes are in the funnel, once it has been read
        print_wrapped(f"note: {note}", 6, err=True)
    _announce_compiling()
    try:
        talk = Talk(choose_progress, opened=_say_opened, fetching=_say_line)
        folder, record = run_plan(plan, options, talk)
    except (KeyboardInterrupt, Interrupted) as stop:
        raise Interrupted(
            "stopped; all finished work is saved", "the same command goes on from here"
        ) from stop
    except Unfinished as stop:
        again = f"{program()} {command(*sys.argv[1:])}"
        hint = f"see whether the disk or the GPU answers, then go on with: {again}"
        raise Unfinished(f"{stop.message}; everything else is saved", hint) from stop
    finish(folder, record, as_json, closing)
    # After the report, so that a run that fails this check still has a page that shows why.
    check_outcome(plan, record, options, f"{program()} {command('show', str(folder.path))}")
    return folder


def _announce_compiling() -> None:
    """The kernels are compiled when first used, and kept next to the package."""
    cache = Path(image.__file__).parent / "__pycache__"
    if not any(cache.glob("*.nbi")):
        click.echo("first run: compiling the measuring kernels, which takes a few seconds once", err=True)


def finish(folder: RunFolder, record: RunRecord, as_json: bool, closing: Closing | None = None) -> None:
    """The report, the funnel and what to type next."""
    from groundglass.reports.read_run import write_report

    page = write_report(folder)
    # Only now: a run that is killed before this line makes its report when the same command runs again.
    mark_reported(folder, record)
    if as_json:
        about = {"name": record.name, "number": record.number, "state": record.state}
        steps = [step.shown() for step in record.steps]
        answer = {**about, "folder": str(folder.path), "report": str(page), "steps": steps}
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    print_funnel(record)
    if closing is not None:
        closing(folder, record)
    releases = [step for step in record.steps if step.kind == "release"]
    lines = {f"release {n + 1}" if n else "release": _release_line(folder, r) for n, r in enumerate(releases)}
    example = example_of_dropped(folder, record)
    say = ("why", str(folder.path), example) if example else ("show", str(folder.path))
    print_next({**lines, "report": str(page), "next": f"{program()} {command(*say)}"})


def _release_line(folder: RunFolder, step: StepRecord) -> str:
    """How much was written, and where."""
    if step.facts.get("folder") is None:
        return "nothing was left to write"
    counts = step.facts["pictures"]
    splits = " + ".join(f"{thousands(count)} {split}" for split, count in counts.items())
    if list(counts) == [TRAIN]:
        splits = some(counts[TRAIN], "images")
    where = plain_line(short_path(folder.path / step.facts["folder"]))
    return f"{splits} · {size(step.facts['bytes'])} · {where}"


def example_of_dropped(folder: RunFolder, record: RunRecord) -> str | None:
    """An image that the first selection that drops any dropped, written as `why` takes it; None if none did."""
    tables = read_tables(folder, record)
    for step in record.steps:
        if step.kind == "select" and step.dropped:
            verdicts = tables.verdicts[step.step]
            dropped = verdicts.filter(compute.invert(compute.or_(verdicts["kept"], verdicts["failed"])))["id"]
            row = tables.rows.filter(compute.equal(tables.rows["id"], dropped[0])).slice(0, 1).to_pylist()[0]
            return row["uri"] + (f"{TILE_SIGN}{row['region']}" if row["region"] else "")
    return None


def _say_line(line: str) -> None:
    click.echo(line, err=True)


def _say_opened(folder: RunFolder, resumed: bool) -> None:
    click.echo(f"{'going on with' if resumed else 'opened'} {folder.path}", err=True)
