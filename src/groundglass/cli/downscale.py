"""`groundglass downscale`: make exact low-resolution versions of images."""

from __future__ import annotations

import json
from pathlib import Path

import click

from groundglass.cli.funnel import plain_line
from groundglass.cli.options import as_json


@click.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="OUT",
    help="The folder to write to.",
)
@click.option(
    "-s",
    "--scale",
    default=4,
    show_default=True,
    type=click.IntRange(min=2),
    metavar="N",
    help="How many times smaller.",
)
@click.option(
    "-k",
    "--kernel",
    default="matlab_bicubic",
    show_default=True,
    metavar="NAME",
    help="How pixels are averaged: matlab_bicubic, lanczos, box or area.",
)
@as_json
def command(images: tuple[Path, ...], out: Path, scale: int, kernel: str, as_json: bool) -> None:
    """Write smaller versions of IMAGES into the folder OUT, as PNG. No file is overwritten.

    Each side becomes exactly N times smaller, where N is the scale. If a side is not a multiple of N, its end is
    cropped first (right or bottom).
    """
    from groundglass.runs.single_images import downscale_files

    rows = downscale_files(images, out, scale, kernel)
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for row in rows:
        done = (
            f"→ {row['file']}  {row['width']} × {row['height']}"
            if row["error"] is None
            else f"✕ {row['error']}"
        )
        click.echo(f"{plain_line(row['uri'])}  {done}")
