"""The funnel as text: what came into each step, what left it, and why."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click

from groundglass.kernel.typed import as_typed, python
from groundglass.kernel.words import duration, number, size, thousands
from groundglass.recipes.folder import RunRecord, StepRecord

COLOURS = {"kept": "cyan", "dropped": "yellow", "failed": "red", "held out": "blue"}
HEAD = ("step", "", "in", "out", "dropped", "failed", "time", "")


def print_funnel(record: RunRecord) -> None:
    """The whole funnel of a run, and what to type next."""
    files = sum(step.into for step in record.steps if step.kind == "source")
    sources = ", ".join(step.label for step in record.steps if step.kind == "source")
    click.echo(f"{record.name} · run {record.number} · {thousands(files)} files from {sources}\n")
    print_table(HEAD, [row_of(step) for step in record.steps])
    for step in record.steps:
        _print_cut_off(step)
        for note in step.notes:
            click.echo()
            print_note("  ", f"{step.step}: {note}")
    click.echo()


def _print_cut_off(step: StepRecord) -> None:
    """What keeping more or fewer would mean, where a step cut a ranked list."""
    rows = [
        (thousands(row["k"]), number(row["mean"]), number(row["lowest"]), size(1e9 * row["gigabytes"]))
        for row in step.facts.get("cut_off") or ()
    ]
    if rows:
        click.echo(f"\n  {step.step}: {plain_line(step.label)}")
        print_table(("best", "mean", "lowest", "about"), rows, right=(0, 1, 2, 3))


def row_of(step: StepRecord) -> tuple[str, ...]:
    """One line of the funnel; a dash where a step of this kind can have no such number."""
    judges = step.kind in ("select", "transform")
    extra = [] if not step.held_out else [f"held out {thousands(step.held_out)}"]
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
        " · ".join(extra + list(reasons_in_words(step)) + known),
    )


def reasons_in_words(step: StepRecord) -> Iterable[str]:
    """The failures by reason, most frequent first; what a select dropped is said by its label."""
    if step.kind == "select" and not step.failed:
        return []
    counted = sorted(step.reasons.items(), key=lambda pair: -pair[1])
    return [f"{reason.replace('_', ' ')} {thousands(count)}" for reason, count in counted[:4]]


def plain_line(text: str) -> str:
    """Text of unknown origin on one line: newlines and control characters are shown, not obeyed."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


def shorten(text: str, width: int = 34) -> str:
    """A label on one line."""
    plain = plain_line(" ".join(text.split()))
    return plain if len(plain) <= width else plain[: width - 1] + "…"


def print_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = (2, 3, 4, 5, 6)
) -> None:
    """Columns that line up: words left, numbers right. What does not fit in the terminal's width goes below its row."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    total = shutil.get_terminal_size((100, 24)).columns
    for place, row in enumerate([head, *rows]):
        cells = [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        line = ("  " + "  ".join(cells)).rstrip()
        if len(line) > total and row[-1]:
            line = f"{('  ' + '  '.join(cells[:-1])).rstrip()}\n{' ' * (4 + widths[0])}{row[-1]}"
        click.secho(line, dim=place == 0)


def program() -> str:
    """What to type for `groundglass`, quoted for a shell: its path where the shell finds none or another one, as after
    `make quickstart`.
    """
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{python()} -m groundglass"
    return as_typed(called, links=True) if called.name == "groundglass" else "groundglass"


def print_note(before: str, note: str, err: bool = False) -> None:
    """A sentence behind a word: folded to a terminal's width, and on one line in a file or pipe, to be searched."""
    if not click.get_text_stream("stderr" if err else "stdout").isatty():
        click.echo(before + note, err=err)
        return
    fold = textwrap.TextWrapper(
        width=shutil.get_terminal_size((100, 24)).columns,
        initial_indent=before,
        subsequent_indent=" " * len(before),
        break_long_words=False,
        break_on_hyphens=False,
    )
    click.echo(fold.fill(note), err=err)


def print_next(lines: Mapping[str, str]) -> None:
    """The last lines: where things are, and what to type."""
    widest = max(map(len, lines))
    for word, what in lines.items():
        click.echo(f"  {word.ljust(widest)}  {what}")
