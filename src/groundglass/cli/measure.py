"""`groundglass measure`: measure single images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from groundglass.cli import completion
from groundglass.cli.funnel import plain_line
from groundglass.cli.options import as_json, workers
from groundglass.engines.progress import choose_progress
from groundglass.errors import NothingProduced


@click.command()
@click.argument("measures", shell_complete=completion.measures)
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--weights",
    metavar="FILE|FOLDER|HUB",
    help="The weights of a network: a path, or OWNER/NAME@REVISION[/FILE] of a hub.",
)
@click.option(
    "--device", metavar="NAME", help="The device that a network runs on: auto, cpu, cuda, cuda:1 or mps."
)
@click.option(
    "--allow-pickle",
    is_flag=True,
    help="Also load weights that are a pickle. A pickle can run any code: use this only if you trust its author.",
)
@click.option(
    "--set",
    "typed",
    multiple=True,
    metavar="NAME=VALUE",
    help="Change a setting of a measure, such as labels=indoor,outdoor.",
)
@workers
@as_json
def command(
    measures: str,
    images: tuple[Path, ...],
    weights: str | None,
    device: str | None,
    allow_pickle: bool,
    typed: tuple[str, ...],
    workers: int,
    as_json: bool,
) -> None:
    """Measure IMAGES. MEASURES are names separated by commas; `groundglass measures` lists them.

    \b
    groundglass measure blockiness,sharpness A.jpg B.png
    groundglass measure header --json -- -odd-name.jpg
    groundglass measure hyperiqa --weights koniq_pretrained.safetensors A.jpg
    groundglass measure onnx --weights ic9600.onnx --set size=512 A.jpg

    --json prints a list with one object per image, in order: its path (uri), the values, what is odd about the file
    (warning, or null), and why there are no values (error, or null). The exit code is 4 if a measure has no value on
    any of the images.
    """
    from groundglass.runs.single_images import measure_files

    names = [name.strip() for name in measures.split(",") if name.strip()]
    given = {"weights": weights, "device": device, "allow_pickle": allow_pickle}
    network = {name: value for name, value in given.items() if value}
    rows, nothing, stuck = measure_files(
        images, names, workers, choose_progress("measure", quiet=as_json), network, typed
    )
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        _print_rows(rows)
    # Raised after printing: the values of the other images must not be lost.
    if stuck is not None:
        raise stuck
    if nothing:
        raise NothingProduced(nothing)


def _print_rows(rows: list[dict[str, Any]]) -> None:
    """Print one block per image: values, or the reason why there are none."""
    widest = max((len(name) for row in rows for name in row), default=0)
    for row in rows:
        click.secho(plain_line(row["uri"]), bold=True)
        for name, value in row.items():
            if name == "uri" or (name in ("warning", "error") and value is None):
                continue
            shown = "–" if value is None else f"{value:,.6g}" if isinstance(value, float) else value
            click.echo(f"  {name.ljust(widest)}  {shown}")
