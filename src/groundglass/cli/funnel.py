"""The funnel as text: how many images came into each step, how many left, and why."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click

from groundglass.plans.run_folder import RunRecord
from groundglass.tables.step_record import StepRecord
from groundglass.text.format import (
    OTHERS,
    duration,
    number,
    plain_line,
    size,
    some,
    terminal_cells,
    thousands,
)
from groundglass.text.typed import as_typed, python

COLOURS = {"kept": "cyan", "dropped": "yellow", "failed": "red", "held out": "blue"}
LEAST_WORDS = 24
"""Characters below which a column of words can no longer be read."""
MOST_REASONS = 4
"""Reasons of a step that its line names; the others are counted together."""
HEAD = ("step", "", "in", "out", "dropped", "failed", "time", "")


def print_funnel(record: RunRecord) -> None:
    """Print the whole funnel of a run."""
    files = sum(step.into for step in record.steps if step.kind == "source")
    sources = ", ".join(step.label for step in record.steps if step.kind == "source")
    click.echo(f"{record.name} · run {record.number} · {thousands(files)} files from {sources}\n")
    print_table(HEAD, [row_of(step) for step in record.steps])
    for step in record.steps:
        _print_cut_off(step)
        for note in step.notes:
            click.echo()
            print_wrapped(f"  {step.step}: {note}", 4)
    click.echo()


def _print_cut_off(step: StepRecord) -> None:
    """For a step that cut a ranked list: the effect of keeping more or fewer."""
    rows = [
        (thousands(row["k"]), number(row["mean"]), number(row["lowest"]), size(1e9 * row["gigabytes"]))
        for row in step.facts.get("cut_off") or ()
    ]
    if rows:
        click.echo(f"\n  {step.step}: {plain_line(step.label)}")
        print_table(("best", "mean", "lowest", "about"), rows, right=(0, 1, 2, 3))


def row_of(step: StepRecord) -> tuple[str, ...]:
    """One line of the funnel; a dash if a step of this kind cannot have that number."""
    judges = step.kind in ("select", "transform")
    extra = [] if not step.held_out else [f"held out {thousands(step.held_out)}"]
    extra += [f"{name} has no value" for name in step.facts.get("valueless", {})]
    known = (
        [f"{thousands(step.cached)} known already"]
        if step.cached and step.kind in ("measure", "annotate", "source")
        else []
    )
    return (
        step.kind,
        shorten(step.label),
        thousands(step.into),
        thousands(step.out),
        thousands(step.dropped) if judges or step.dropped else "–",
        thousands(step.failed),
        duration(step.seconds),
        " · ".join(extra + list(reasons_in_words(step)) + split_in_words(step) + known),
    )


def reasons_in_words(step: StepRecord) -> Iterable[str]:
    """How many left for which reason, most frequent first. A rule of one condition gets none: its label says it."""
    counted = sorted(step.reasons.items(), key=lambda pair: -pair[1])
    if len(counted) > MOST_REASONS:
        rest = sum(count for _, count in counted[MOST_REASONS - 1 :])
        counted = [*counted[: MOST_REASONS - 1], (OTHERS, rest)]
    if step.kind != "select":
        return [f"{reason.replace('_', ' ')} {thousands(count)}" for reason, count in counted]
    if not step.failed and len(counted) < 2:
        return []
    return [f"{plain_line(reason.replace('; ', ' and '))} ({thousands(count)})" for reason, count in counted]


def split_in_words(step: StepRecord) -> list[str]:
    """How many photos the images of each split come from."""
    photos: Mapping[str, int] = step.facts.get("photos", {})
    return (
        [", ".join(f"{split} of {some(count, 'photos')}" for split, count in photos.items())]
        if photos
        else []
    )


def shorten(text: str, width: int = 34) -> str:
    """A label on one line, of at most ``width`` columns of a terminal."""
    plain = plain_line(" ".join(text.split()))
    if terminal_cells(plain) <= width:
        return plain
    while terminal_cells(plain) >= width:
        plain = plain[:-1]
    return plain + "…"


def print_table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Sequence[int] = (2, 3, 4, 5, 6),
    shrink: int | None = None,
) -> None:
    """Print columns that line up: words to the left, numbers to the right.

    If the terminal is too narrow, the words of column ``shrink`` are cut short, and the last column is wrapped: in
    its place, or below its row if too little room is left next to the others.
    """
    total = terminal_width()
    table = [list(row) for row in (head, *rows)]
    widths = [max(terminal_cells(row[i]) for row in table) for i in range(len(head))]
    if shrink is not None:
        over = sum(widths) + 2 * len(widths) - total
        widths[shrink] = max(min(widths[shrink], LEAST_WORDS), widths[shrink] - max(0, over))
        for row in table:
            row[shrink] = shorten(row[shrink], widths[shrink])
    room = total - sum(widths[:-1]) - 2 * len(widths)
    below = " " * (4 + widths[0])
    for place, row in enumerate(table):
        cells = [
            _filled(cell, width, i in right) for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        line, before = ("  " + "  ".join(part) for part in (cells, cells[:-1]))
        if terminal_cells(line.rstrip()) > total and row[-1]:
            beside = room >= LEAST_WORDS and len(row) - 1 not in right
            first, *others = wrapped(row[-1], room if beside else total - len(below))
            indent = " " * (terminal_cells(before) + 2) if beside else below
            line = f"{before}  {first}" if beside else f"{before.rstrip()}\n{below}{first}"
            line = "\n".join([line, *(indent + other for other in others)])
        click.secho(line.rstrip(), dim=place == 0)


def _filled(cell: str, width: int, right: bool) -> str:
    """A cell of a table with spaces before or after it."""
    spaces = " " * (width - terminal_cells(cell))
    return spaces + cell if right else cell + spaces


def terminal_width() -> int:
    """Characters of a line."""
    return shutil.get_terminal_size((100, 24)).columns


def print_wrapped(line: str, indent: int, colour: str | None = None, err: bool = False) -> None:
    """Print a line; the rest that exceeds the terminal's width goes below it, ``indent`` characters from the left.

    In a file or a pipe it stays one line, so that it can be searched, unless COLUMNS sets a width.
    """
    if "COLUMNS" not in os.environ and not (sys.stderr if err else sys.stdout).isatty():
        click.secho(line, fg=colour, reset=colour is not None, err=err)
        return
    head, text = line[:indent], line[indent:]
    lines = wrapped(text, terminal_width() - indent)
    click.secho(
        "\n".join([head + lines[0], *(" " * indent + more for more in lines[1:])]),
        fg=colour,
        reset=colour is not None,
        err=err,
    )


def wrapped(text: str, width: int) -> list[str]:
    """A text in lines of at most ``width`` characters; a longer word, such as a path, is not cut."""
    lines = textwrap.wrap(text, max(1, width), break_long_words=False, break_on_hyphens=False)
    return lines or [""]


def program() -> str:
    """The word to type for `groundglass`, quoted for a shell.

    It is a path if the shell finds no `groundglass` or another one, as after `make quickstart`.
    """
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{python()} -m groundglass"
    return as_typed(called, links=True) if called.name == "groundglass" else "groundglass"


def print_next(lines: Mapping[str, str]) -> None:
    """Print the last lines: where things are, and what to type."""
    widest = max(map(len, lines))
    for word, what in lines.items():
        click.echo(f"  {word.ljust(widest)}  {what}")
