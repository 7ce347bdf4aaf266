"""`groundglass diff`: compare two runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from groundglass.cli import completion
from groundglass.cli.funnel import COLOURS, plain_line, print_next, print_table, program, shorten
from groundglass.cli.options import as_json, runs_folder
from groundglass.plans.run_folder import RunFolder, find_run
from groundglass.reports.output_folder import check_folder
from groundglass.text.format import command as typed
from groundglass.text.format import thousands

if TYPE_CHECKING:
    from groundglass.reports.compare import Comparison, Side
    from groundglass.tables.step_record import StepRecord

MOST = 6
"""Reasons that the terminal shows for each side."""


@click.command()
@click.argument("run_a", shell_complete=completion.runs)
@click.argument("run_b", shell_complete=completion.runs)
@click.option(
    "-o",
    "output",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="The folder to write the page to.  [default: diff-NAME-NUMBER/ in RUN_B]",
)
@runs_folder
@as_json
def command(run_a: str, run_b: str, output: Path | None, runs: Path, as_json: bool) -> None:
    """Compare RUN_A with RUN_B: which images entered, which left, and why; and what changed in the recipe.

    Each is a run's folder (runs/faceup/0003) or a recipe's name (faceup: its last run). The command also writes a page
    with the images, into the folder of RUN_B.
    """
    from groundglass.reports.compare import compare_runs, plain
    from groundglass.reports.compare_page import render_comparison

    one, two = find_run(run_a, runs), find_run(run_b, runs)
    comparison = compare_runs(one, two)
    place = check_folder(output or default_place(one, two))
    page = render_comparison(comparison, place)
    if as_json:
        click.echo(json.dumps({**plain(comparison), "page": str(page)}, indent=2, ensure_ascii=False))
    else:
        _tell(comparison, page)


def default_place(one: RunFolder, two: RunFolder) -> Path:
    """A folder next to the second run's report, named after the first run."""
    whole = one.path.absolute()
    return two.path / f"diff-{whole.parent.name}-{whole.name}"


def _tell(comparison: Comparison, page: Path) -> None:
    from groundglass.reports.compare_page import headline

    a, b = comparison.a.record, comparison.b.record
    other = "" if a.name == b.name else f"{b.name} "
    click.echo(f"{a.name} · run {a.number} → {other}run {b.number} · {headline(comparison)}\n")
    _tell_steps(comparison)
    for change in comparison.changes:
        click.echo(f"  {change.what}: {change.a} → {change.b}")
    _tell_reasons(comparison)
    click.echo()
    example = _example(comparison)
    print_next({"page": str(page), **({"next": example} if example else {})})


def _tell_steps(comparison: Comparison) -> None:
    """Print the funnels side by side: how many images came out of each step."""
    from groundglass.reports.compare_page import step_note

    def out(step: StepRecord | None) -> str:
        return "–" if step is None else thousands(step.out)

    rows: list[tuple[str, ...]] = []
    for pair in comparison.steps:
        more = pair.b.out - pair.a.out if pair.a and pair.b else 0
        change = f"{more:+,}".replace("-", "−") if more else ""
        rows.append(
            (
                pair.either.kind,
                shorten(pair.either.label),
                out(pair.a),
                out(pair.b),
                change,
                shorten(step_note(pair), 60),
            )
        )
    numbers = (f"run {comparison.a.record.number}", f"run {comparison.b.record.number}")
    print_table(("step", "", *numbers, "change", ""), rows, right=(2, 3, 4))
    click.echo()


def _tell_reasons(comparison: Comparison) -> None:
    """Print why images entered or left, the most common reason first."""
    from groundglass.reports.compare_facts import count_reasons

    sides = (("entered", "kept", comparison.entered, "a"), ("left", "dropped", comparison.left, "b"))
    for word, colour, table, decisive in sides:
        if not table.num_rows:
            continue
        side: Side = getattr(comparison, decisive)
        click.secho(
            f"\n  {thousands(table.num_rows)} {word}; in run {side.record.number}:", fg=COLOURS[colour]
        )
        for (step, reason), many in count_reasons(table, decisive).most_common(MOST):
            where = f"  ({step})" if step else ""
            click.echo(f"  {thousands(many):>9}  {plain_line(reason)}{where}")


def _example(comparison: Comparison) -> str:
    """The command that shows why one image left, or else why one entered."""
    from groundglass.plans.find_image import name_of

    for table, side in ((comparison.left, comparison.a), (comparison.entered, comparison.b)):
        for row in table.slice(0, 1).to_pylist():
            return f"{program()} {typed('why', str(side.folder.path), name_of(row))}"
    return ""
