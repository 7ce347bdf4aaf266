"""`groundglass benchmark settings`: what settings, such as the guidance of generated images, do to a score."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from groundglass.cli.funnel import plain_line, print_next, print_table, print_wrapped, program, shorten
from groundglass.cli.options import again, as_json, runs_folder
from groundglass.errors import NothingProduced, RecipeError

if TYPE_CHECKING:
    from groundglass.ratings.setting_effects import SettingEffect, SettingEffects
    from groundglass.reports.run_settings import Compared


@click.command()
@click.argument("table", metavar="TABLE|RUN")
@click.option(
    "--score", "scores", multiple=True, metavar="COLUMN",
    help="The score (may be repeated).  [default: those of a run's studies, or mos]",
)  # fmt: skip
@click.option(
    "--by", "settings", multiple=True, metavar="COLUMN",
    help="A setting (may be repeated).  [default: the columns that came with a run's images]",
)  # fmt: skip
@click.option(
    "--content",
    metavar="COLUMN",
    help="The content of an image, such as its prompt.  [default: a run's prompts]",
)
@click.option(
    "--group",
    metavar="COLUMN",
    help="Also compare only within each of its values.  [default: a run's generators]",
)
@click.option(
    "--bootstrap", type=click.IntRange(min=0), default=1_000, show_default=True, metavar="N",
    help="Resamples of the contents for intervals.",
)  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Decides every random choice.")
@runs_folder
@as_json
def settings(
    table: str,
    scores: tuple[str, ...],
    settings: tuple[str, ...],
    content: str | None,
    group: str | None,
    bootstrap: int,
    seed: int,
    runs: Path,
    as_json: bool,
) -> None:
    """Say what each setting does to a score: does more guidance raise it?

    \b
    groundglass benchmark settings RUN
    groundglass benchmark settings scores.csv --score mos --by guidance --by steps --group generator --content prompt

    Numbers are compared by their parts and by rank correlation, words by their means. With --group, images of one
    group are compared with each other only: groups with other values of a setting may have other scores for another
    reason. A difference is called one if it is shown at 5 %, over all settings together.
    """
    found = _compared(table, scores, settings, (content, group), runs, (bootstrap, seed))
    if as_json:
        click.echo(json.dumps([one.plain() for one in found], indent=2, ensure_ascii=False))
    else:
        for one in found:
            _print(one)
        click.echo()
        print_next({"next": f"{program()} benchmark settings {shlex.join(again(table))} --json"})
    if not any(row.levels for one in found for row in one.settings):
        reason = next((row.all.reason for one in found for row in one.settings), "no image has a score")
        raise NothingProduced("no setting could be compared", reason)


def _compared(
    source: str,
    scores: tuple[str, ...],
    by: tuple[str, ...],
    others: tuple[str | None, str | None],
    runs: Path,
    chance: tuple[int, int],
) -> list[SettingEffects]:
    from groundglass.reports.run_settings import Compared

    content, group = others
    if Path(source).is_file():
        if not by:
            raise click.UsageError("name the settings: --by COLUMN")
        return _of_table(Path(source), Compared(scores or ("mos",), by, content or "", group or ""), chance)
    if Path(source).suffix.lower() in (".csv", ".tsv", ".parquet", ".pq", ".txt"):
        raise RecipeError(f"there is no file {source}", "name a CSV or Parquet file, or a run")
    from groundglass.plans.run_folder import find_run
    from groundglass.reports.run_settings import columns_to_compare, effects_of_run

    folder = find_run(source, runs)
    asked = columns_to_compare(folder)
    asked = replace(
        asked,
        scores=scores or asked.scores,
        settings=by or asked.settings,
        content=asked.content if content is None else content,
        group=asked.group if group is None else group,
    )
    if not asked.scores:
        raise RecipeError(f"{folder.path} has no score of a study", "name one: --score COLUMN")
    if not asked.settings:
        raise RecipeError(f"no column came with the images of {folder.path}", "name a setting: --by COLUMN")
    return effects_of_run(folder, asked, *chance)


def _of_table(path: Path, asked: Compared, chance: tuple[int, int]) -> list[SettingEffects]:
    from groundglass.ratings.rated_images import column_of
    from groundglass.ratings.vote_table import read_table
    from groundglass.reports.run_settings import compare

    table = read_table(path)
    if table.header is None:
        raise RecipeError(
            f"{path} has no header", "the first line names the columns, such as name,mos,guidance"
        )
    names = dict.fromkeys([*asked.scores, *asked.settings, *filter(None, (asked.content, asked.group))])
    columns = {name: column_of(table, name) for name in names}
    found: list[SettingEffects] = []
    for name in asked.scores:
        try:
            score = [table.number(cell) for cell in columns[name]]
        except ValueError as error:
            raise RecipeError(
                f"{path}: the column {name} holds a text: {error}", "a score is a number, or empty"
            ) from error
        settings = {one: columns[one] for one in asked.settings}
        found.append(compare(name, score, settings, columns, asked, *chance))
    return found


def _print(found: SettingEffects) -> None:
    """A sentence for each setting, and its levels."""
    from groundglass.reports.setting_words import paired_in_words, setting_in_words, short

    click.echo()
    print_wrapped(f"  {plain_line(found.score)}: {found.images:,} images, {found.contents:,} contents", 2)
    for row in found.settings:
        click.echo()
        print_wrapped(
            f"  {short(row.setting)}: {setting_in_words(row, found)} {paired_in_words(row)}".rstrip(), 4
        )
        if row.levels:
            click.echo()
            _print_levels(row, found.grouped)
    notes = [*found.notes, *(note for row in found.settings for note in row.notes)]
    for note in notes:
        print_wrapped(f"  note: {plain_line(note)}", 4)


def _print_levels(row: SettingEffect, grouped: str) -> None:
    """The levels; with groups held equal, also how far their images are above the mean of their group."""
    from groundglass.ratings.benchmark_sentences import signed
    from groundglass.reports.setting_words import short

    lines: list[Sequence[str]] = [
        (
            short(level.level),
            f"{level.mean:.3f}",
            "–" if level.ci95 is None else f"{level.ci95[0]:.3f} to {level.ci95[1]:.3f}",
            *(() if row.equal is None else (signed(level.above),)),
            f"{level.n:,}",
        )
        for level in row.levels
    ]
    held = () if row.equal is None else (f"above its {shorten(short(grouped), 16)}",)
    head = (short(row.setting), "mean", "95 % interval", *held, "images")
    print_table(head, lines, right=range(1, len(head)), shrink=0)
