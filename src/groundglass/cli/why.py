"""`groundglass why`: why an image was kept or dropped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from groundglass.cli.funnel import COLOURS, plain_line, print_table, print_wrapped, shorten
from groundglass.cli.options import as_json, run_argument, runs_folder
from groundglass.plans.run_folder import find_run, load_record
from groundglass.text.format import number, some

if TYPE_CHECKING:
    from groundglass.plans.find_image import Skipped
    from groundglass.plans.image_history import Story

MOST_WORDS = 40
"""Characters of a text, such as a caption, that the table of values shows."""


@click.command()
@run_argument
@click.argument("image")
@runs_folder
@as_json
def command(run: str, image: str, runs: Path, as_json: bool) -> None:
    """Show why IMAGE was kept or dropped in RUN: its values, and the verdict of each step.

    RUN is a run's folder (runs/faceup/0003) or a recipe's name (faceup: its last run). IMAGE is a path below the
    source's folder (a/113.jpg) or the file's name (113.jpg), a tile (113.jpg#crop(0,512,512,512)), an id, or a file
    of the release. The margin is how far a value is from its limit, on the side that is kept; below 0 it is on the
    other side.
    """
    from groundglass.plans.find_image import Skipped
    from groundglass.plans.image_history import find_story
    from groundglass.plans.run_tables import read_tables

    folder = find_run(run, runs)
    record = load_record(folder)
    tables = read_tables(folder, record)
    if not tables.store.root.exists():
        click.echo(
            f"{tables.store.root} is missing: without the run's store no measure can be shown", err=True
        )
    story = find_story(tables, image)
    if as_json:
        click.echo(json.dumps(story.plain(), indent=2, ensure_ascii=False, default=str))
    elif isinstance(story, Skipped):
        _print_skipped(story)
    else:
        _print_story(story, {column["name"]: column["unit"] for column in record.columns})


def _print_skipped(skipped: Skipped) -> None:
    """Print a file that the source skipped, because it is not an image."""
    why = {
        "not_an_image": "its first bytes match no image format, and its name does not end like an image's",
        "system_file": "its name is one that an operating system or a program gives to its own files",
    }[skipped.reason]
    click.echo(f"{plain_line(skipped.uri)} · {skipped.source}\n")
    print_wrapped(f"  skipped, {skipped.reason}: {why}", 2)


def _print_story(story: Story, units: Mapping[str, str]) -> None:
    name = story.uri + (f"#{story.region}" if story.region else "")
    size = f" · {story.width} × {story.height}" if story.width else ""
    click.echo(f"{plain_line(name)} · {story.source}{size} · id {story.id}\n")
    print_wrapped(f"  {_headline(story)}", 2, COLOURS[story.fate])
    _print_warnings(story)
    _print_generated(story)
    _print_made(story)
    _print_measures(story, units)
    widest = max((len(verdict.step) for verdict in story.verdicts), default=0)
    for verdict in story.verdicts:
        sign = "●" if verdict.kept else "✕"
        margin = f"  margin {verdict.margin:+.3g}" if verdict.margin is not None else ""
        colour = COLOURS["kept" if verdict.kept else "dropped"]
        print_wrapped(
            f"  {sign} {verdict.step:<{widest}}  {plain_line(verdict.label)}{margin}", widest + 6, colour
        )
        if verdict.reason:
            print_wrapped(f"{' ' * (widest + 6)}{plain_line(verdict.reason)}", widest + 6)
    if story.derived:
        click.echo(f"\n  {some(story.derived, 'images')} cut or scaled from it")
    for file in story.files:
        click.echo(f"  released as {file}")


def _headline(story: Story) -> str:
    """One sentence: where the image went, and why."""
    left = [verdict for verdict in story.verdicts if not verdict.kept]
    if story.fate == "failed" and not left:
        detail = story.facts.get("detail")
        return f"could not be used: {story.facts.get('error')}" + (
            f" ({plain_line(str(detail))})" if detail else ""
        )
    if not left:
        return "kept to the end"
    last = left[-1]
    return f"{story.fate} at {last.step}: {plain_line(last.reason or last.label)}{_remark(story)}"


def _print_warnings(story: Story) -> None:
    """Print what is odd about the photo's file, and how it was handled."""
    from groundglass.image.header import WARNINGS

    for word in (story.facts.get("warning") or "").split("; "):
        if word:
            print_wrapped(f"  warning {word}: {WARNINGS.get(word, '')}", 10)


def _print_generated(story: Story) -> None:
    """Print how an image was made, if a model made it: its generator, prompt, seed and settings."""
    if "meta.generator" not in story.facts or "meta.seed" not in story.facts:
        return
    about = {
        name.removeprefix("meta."): value
        for name, value in story.facts.items()
        if name.startswith("meta.") and value is not None
    }
    widest = max(map(len, about))
    click.echo()
    for name, value in about.items():
        print_wrapped(f"  {plain_line(name):<{widest}}  {plain_line(str(value))}", widest + 4)


def _print_made(story: Story) -> None:
    """Print what a step did to make the image: each degradation with its settings, or the restorer."""
    said = story.measures.get("made_with")
    if said is not None:
        click.echo()
        print_wrapped(f"  made by {plain_line(str(said))}", 4)


def _remark(story: Story) -> str:
    """The JPEG quality in the file's own header, which often explains a verdict."""
    known = story.root or story.measures
    quality = known.get("jpeg_quality")
    return f" (jpeg_quality {quality:g})" if quality is not None else ""


def _print_measures(story: Story, units: Mapping[str, str]) -> None:
    """Print every value of the image; for a tile, next to the values of its photo."""
    names = dict.fromkeys(name for name in [*story.measures, *story.root] if name != "made_with")
    rows = [
        (name, _shown(story.measures.get(name)), _shown(story.root.get(name)), units.get(name, ""))
        for name in names
    ]
    head = ("measure", "value", "photo", "unit")
    if not story.root:
        head, rows = (head[0], head[1], head[3]), [(row[0], row[1], row[3]) for row in rows]
    click.echo()
    if rows:
        print_table(head, rows, right=range(1, len(head) - 1))
    for measure, error in story.errors.items():
        click.echo(f"  no {measure}: {error}")
    click.echo()


def _shown(value: object) -> str:
    """A value as people read it; a long text, such as a caption, is shortened."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or isinstance(value, float):
        return number(value)
    return f"{value:,}" if isinstance(value, int) else shorten(str(value), MOST_WORDS)
