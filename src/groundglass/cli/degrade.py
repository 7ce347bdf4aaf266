"""`groundglass degrade`: make low-quality versions of photos, with every parameter on record."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from groundglass.cli.funnel import plain_line, print_next, print_wrapped, program
from groundglass.cli.options import as_json
from groundglass.errors import NothingProduced

MOST_IN_FULL = 3
"""Photos whose steps are printed; those of all are in the file of parameters."""


@click.command()
@click.argument("photos", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="OUT",
    help="The folder to write to.",
)
@click.option(
    "--preset",
    metavar="NAME",
    help="The chain: a name of --list, or the options file of Real-ESRGAN, traiNNer-redux or neosr.",
)
@click.option("--seed", default=0, show_default=True, metavar="N", help="All chance depends on it.")
@click.option(
    "--replay",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Make images again from the parameters in FILE.",
)
@click.option("--grid", is_flag=True, help="Write a sheet of all degradations, each at three strengths.")
@click.option(
    "--export",
    type=click.Choice(["recipe", "realesrgan", "traiNNer-redux", "neosr"]),
    help="Print the preset as a step of a recipe, or as the options of this trainer.",
)
@click.option("--list", "list_presets", is_flag=True, help="List the presets.")
@as_json
def command(
    photos: tuple[Path, ...],
    out: Path | None,
    preset: str | None,
    seed: int,
    replay: Path | None,
    grid: bool,
    export: str | None,
    list_presets: bool,
    as_json: bool,
) -> None:
    """Write degraded versions of PHOTOS into the folder OUT, as PNG. No file is overwritten.

    PHOTOS are files, or folders of them.

    \b
    groundglass degrade photos --preset realesrgan-x4plus -o lq
    groundglass degrade photos --replay lq-parameters.jsonl -o again
    groundglass degrade A.jpg --grid -o sheets
    groundglass degrade --preset realesrgan-x4plus --export traiNNer-redux

    The settings of each step are drawn at random. They depend on the seed and on the photo's content, so the same
    command gives the same images. The parameters that were applied go to OUT-parameters.jsonl, and --json prints
    them. --replay makes the same pixels from them, bit for bit; if it cannot, it says why and writes nothing.

    If a side is not a multiple of the preset's scale, its end is cropped first (right or bottom).
    """
    wanted = [
        name
        for name, given in (
            ("--replay", replay),
            ("--grid", grid),
            ("--export", export),
            ("--list", list_presets),
        )
        if given
    ]
    if len(wanted) > 1:
        raise click.UsageError(f"{' and '.join(wanted)} exclude each other")
    if list_presets:
        _print_presets(as_json)
        return
    if export:
        _print_options(_needed(preset, "--preset"), export)
        return
    if not photos:
        raise click.UsageError("name at least one photo")
    folder = _needed(out, "-o OUT")
    from groundglass.runs import degrade_files as files

    if replay or grid:
        if preset:
            raise click.UsageError(f"--preset has no meaning with {wanted[0]}")
        named = files.photos_of(photos)
        rows = files.replay_files(named, folder, replay) if replay else files.sheet_files(named, folder, seed)
        _print_rows(rows, as_json)
        return
    degrader = files.find_degrader(_needed(preset, "--preset"))
    for note in degrader.notes:
        click.echo(f"note: {note}", err=True)
    rows = files.degrade_files(files.photos_of(photos), folder, degrader, seed)
    _print_rows(rows, as_json)
    if not as_json:
        again = [photos[0], "--replay", files.records_file(folder), "-o", f"{folder}-again"]
        print_next({"next": plain_line(f"{program()} degrade {shlex.join(map(str, again))}")})


def _needed(value: Any, name: str) -> Any:
    if value is None:
        raise click.UsageError(
            f"{name} is missing; --list shows the presets" if name == "--preset" else f"{name} is missing"
        )
    return value


def _print_rows(rows: Iterable[dict[str, Any]], as_json: bool) -> None:
    """Print each row when it is there, the first few with all that was applied; JSON at the end."""
    shown: list[dict[str, Any]] = []
    for row in rows:
        shown.append(row)
        if not as_json:
            _print_row(row, len(shown) <= MOST_IN_FULL)
    if as_json:
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
    # Raised after printing: the reasons of the rows must not be lost.
    if all(row["error"] is not None for row in shown):
        raise NothingProduced("no image was written; each line says why")


def _print_row(row: dict[str, Any], in_full: bool) -> None:
    from groundglass.made_images.degraded import settings_in_words

    size = f"{row['width']} × {row['height']}"
    done = f"→ {row['file']}  {size}" if row["error"] is None else f"✕ {row['error']}"
    click.echo(f"{plain_line(row['uri'])}  {plain_line(done)}")
    for one in (row.get("applied") or ()) if in_full else ():
        print_wrapped(f"  {one['name']}  {settings_in_words(one['name'], one['settings'])}", 4)


def _print_presets(as_json: bool) -> None:
    from groundglass.degradations.presets import PRESETS

    rows: list[dict[str, Any]] = [
        {"preset": one.name, "meaning": one.meaning, "scale": one.scale, "source": one.source}
        for one in PRESETS.values()
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    widest = max(len(name) for name in PRESETS)
    for row in rows:
        print_wrapped(f"{row['preset'].ljust(widest)}  {row['meaning']}", widest + 2)
        if row["source"]:
            click.echo(f"  {row['source']}")
    print_next({"next": f"{program()} degrade A.jpg --preset realesrgan-x4plus -o lq"})


def _print_options(preset: str, trainer: Any) -> None:
    from groundglass.runs.degrade_files import find_degrader, options_text, recipe_text

    degrader = find_degrader(preset)
    text, notes = (recipe_text(degrader), []) if trainer == "recipe" else options_text(degrader, trainer)
    for note in (*degrader.notes, *notes):
        click.echo(f"note: {note}", err=True)
    click.echo(text, nl=False)
