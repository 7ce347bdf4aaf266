"""`groundglass why`: why an image was kept or dropped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from groundglass.cli.options import as_json, runs_folder

if TYPE_CHECKING:
    from groundglass.recipes.story import Story


@click.command()
@click.argument("run")
@click.argument("image")
@runs_folder
@as_json
def command(run: str, image: str, runs: Path, as_json: bool) -> None:
    """Tell the story of IMAGE in RUN: every measure, and each step's verdict with limit and margin.

    IMAGE is its path below the source's folder (a/113.jpg), a tile of it (a/113.jpg#crop(0,512,512,512)), an id, or a
    file of the release.
    """
    from groundglass.recipes.folder import find_run, load_record
    from groundglass.recipes.story import find_image, read_tables, tell_story

    folder = find_run(run, runs)
    tables = read_tables(folder, load_record(folder))
    if not tables.store.root.exists():
        click.echo(
            f"{tables.store.root} is not there: without the run's store no measure can be shown", err=True
        )
    story = tell_story(tables, find_image(tables, image))
    if as_json:
        click.echo(json.dumps(story.plain(), indent=2, ensure_ascii=False, default=str))
    else:
        _print_story(story)


def _print_story(story: Story) -> None:
    from groundglass.cli.funnel import COLOURS, plain_line

    name = story.uri + (f"#{story.region}" if story.region else "")
    size = f" · {story.width} × {story.height}" if story.width else ""
    click.echo(f"{plain_line(name)} · {story.source}{size} · id {story.id}\n")
    click.secho(f"  {_headline(story)}", fg=COLOURS[story.fate])
    _print_measures(story)
    for verdict in story.verdicts:
        sign = "●" if verdict.kept else "✕"
        margin = f"  margin {verdict.margin:+.3g}" if verdict.margin is not None else ""
        click.secho(
            f"  {sign} {verdict.step:<12} {plain_line(verdict.label)}{margin}",
            fg=COLOURS["kept" if verdict.kept else "dropped"],
        )
        if verdict.reason:
            click.echo(f"      {plain_line(verdict.reason)}")
    if story.derived:
        click.echo(f"\n  {story.derived:,} virtual images were made of it")
    for file in story.files:
        click.echo(f"  released as {file}")


def _headline(story: Story) -> str:
    """One sentence: where it went and why."""
    from groundglass.cli.funnel import plain_line

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


def _remark(story: Story) -> str:
    """What the file's own header adds to the verdict."""
    known = story.root or story.measures
    quality = known.get("jpeg_quality")
    return f" (jpeg_quality {quality:g})" if quality is not None else ""


def _print_measures(story: Story) -> None:
    from groundglass.cli.funnel import print_table

    def shown(value: object) -> str:
        return "–" if value is None else f"{value:,.4g}" if isinstance(value, float) else str(value)

    names = dict.fromkeys([*story.measures, *story.root])
    rows = [
        (name, shown(story.measures.get(name)), shown(story.root.get(name)) if story.root else "")
        for name in names
    ]
    click.echo()
    if rows:
        print_table(("measure", "value", "photograph" if story.root else ""), rows, right=(1, 2))
    for measure, error in story.errors.items():
        click.echo(f"  no {measure}: {error}")
    click.echo()
