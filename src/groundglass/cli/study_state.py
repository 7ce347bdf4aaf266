"""`groundglass study status` and `export`: how far a study is, and its votes and scores as files."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click

from groundglass.cli.funnel import print_table, print_wrapped
from groundglass.cli.options import as_json, run_argument
from groundglass.cli.study_options import database, opened_study, show_next, study_argument
from groundglass.text.format import some


@click.command("status")
@run_argument
@study_argument
@database
@as_json
def status(run: str, study: str, database: str | None, as_json: bool) -> None:
    """Show how far a study is: votes, raters and their agreement.

    \b
    groundglass study status runs/mine/0001 study.yaml
    """
    opened = opened_study(run, study, database)
    from groundglass.studies.board import board_of

    try:
        board = board_of(opened, time.time())
    finally:
        opened.store.close()
    if as_json:
        click.echo(json.dumps(board, indent=2, ensure_ascii=False))
        return
    _print_status(board)
    more = "export" if board["progress"]["enough"] else "serve"
    show_next(more, run, study, *(("-o", "votes.csv") if more == "export" else ()))


def _print_status(board: dict[str, Any]) -> None:
    progress = board["progress"]
    lacking = progress["lacking"]
    votes = f"{some(progress['votes'], 'votes')} of {progress['wanted']:,}"
    ends = "there are enough" if progress["enough"] else f"{lacking:,} are missing"
    click.echo(f"{board['study']['name']}: {votes} on {some(progress['items'], 'items')}; {ends}")
    click.echo()
    rows = [
        (
            rater["rater"],
            rater["state"],
            str(rater["votes"]),
            _number(rater["correlation"]),
            _number(rater["repeat"]),
            _number(rater["seconds"]),
            ", ".join(f"{name} {count}" for name, count in rater["flags"].items()),
        )
        for rater in board["raters"]
    ]
    if rows:
        heads = ("rater", "link", "votes", "like others", "like self", "seconds", "flags")
        print_table(heads, rows, right=(2, 3, 4, 5))
        click.echo()
    rates = [_win_rate(arm) for arm in board["arms"]]
    if rates:
        print_table(("", "won against", "share", "95 % interval", "votes", "images"), rates, right=(2, 4, 5))
        click.echo()
    for name, value in board["agreement"].items():
        click.echo(f"  {name}: {_number(value)}")
    for note in board["notes"]:
        print_wrapped(f"  {note}", 2)


def _win_rate(arm: dict[str, Any]) -> tuple[str, ...]:
    """How often one folder won against another; a tie is half a win."""
    known = arm["rate"] is not None
    ends = f"{arm['ci95'][0]:.0%} to {arm['ci95'][1]:.0%}" if known else "–"
    share = f"{arm['rate']:.0%}" if known else "–"
    return arm["one"], arm["other"], share, ends, f"{arm['votes']:,}", f"{arm['contents']:,}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _file(*names: str, help: str) -> Any:
    return click.option(*names, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help=help)


@click.command("export")
@run_argument
@study_argument
@_file("--output", "-o", help="The votes: a name that ends with .csv, .jsonl or .parquet.")
@_file("--scores", help="The scores with their intervals, as .csv, .jsonl or .parquet.")
@_file("--keep", help="The list of images that most raters keep, for `select: {keep: FILE}`.")
@_file("--drop", help="The list of images that most raters drop, for `select: {drop: FILE}`.")
@database
def export(
    run: str,
    study: str,
    output: Path | None,
    scores: Path | None,
    keep: Path | None,
    drop: Path | None,
    database: str | None,
) -> None:
    """Write the votes of a study, its scores, or the lists of images to keep and to drop.

    \b
    groundglass study export runs/mine/0001 study.yaml -o votes.csv
    groundglass study export runs/mine/0001 review --keep keep.txt --drop drop.txt

    Undone votes and those that check raters are in it too, with `counts` false. Cells that a spreadsheet would take for
    formulas begin with a quote.
    """
    from groundglass.studies.export import FORMATS, write_exports

    for path in (output, scores):
        if path is not None and path.suffix.lstrip(".").lower() not in FORMATS:
            raise click.UsageError(f"the name must end with .{', .'.join(FORMATS)}; {path} does not")
    if output is None and scores is None and keep is None and drop is None:
        raise click.UsageError("say what to write: -o votes.csv, --scores, --keep or --drop")
    opened = opened_study(run, study, database)
    try:
        written = write_exports(opened, output, scores, keep, drop)
    finally:
        opened.store.close()
    for line in written:
        click.echo(line)
    show_next("status", run, study)
