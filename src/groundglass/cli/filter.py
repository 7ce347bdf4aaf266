"""`groundglass filter`: keep the images of a folder for which an expression is true, without a recipe."""

from __future__ import annotations

from pathlib import Path

import click

from groundglass.cli.options import as_json, limit, max_failed, retry, runs_folder, workers


@click.command()
@click.argument("folder")
@click.argument("expression")
@click.option(
    "--dedupe",
    type=click.Choice(["near", "exact", "pixels"]),
    help="Keep one of several images that look alike (near), have the same bytes (exact) or the same pixels (pixels).",
)
@click.option(
    "--tile",
    type=click.IntRange(min=1),
    metavar="PX",
    help="Cut the kept images into squares of PX by PX pixels.",
)
@click.option("-o", "--out", metavar="OUT", help="Write the kept images to OUT, a new or empty folder.")
@click.option("--print-recipe", is_flag=True, help="Print this command as a recipe, and do nothing else.")
@limit("Take only the first N files.")
@workers
@runs_folder
@max_failed
@retry
@as_json
def command(
    folder: str,
    expression: str,
    dedupe: str | None,
    tile: int | None,
    out: str | None,
    print_recipe: bool,
    limit: int | None,
    workers: int,
    runs: Path,
    max_failed: float | None,
    retry: str | None,
    as_json: bool,
) -> None:
    """Keep the images of FOLDER for which EXPRESSION is true.

    \b
    groundglass filter photos "blockiness < 30 and laplacian_variance > 60"
    groundglass filter photos "width >= 512 and height >= 512" --dedupe near
    groundglass filter photos "blockiness < 30" --tile 512 -o tiles

    Put EXPRESSION in quotes. It names columns of measures (`groundglass measures` lists them) and judges whole images;
    --tile cuts those that it kept.

    FOLDER is only read. Kept images are copied as they are; tiles are written as PNG. With -o OUT they are in
    OUT/images/; otherwise in the run's folder, release/images/. If you stop it, the same command goes on from there.
    Another expression measures only what is new.
    """
    from groundglass.drafts.filter_recipe import FilterRequest, filter_recipe, load_filter

    request = FilterRequest(folder, expression, dedupe, tile, out, limit)
    if print_recipe:
        click.echo(filter_recipe(request), nl=False)
        return
    from groundglass.cli.running import run_and_tell
    from groundglass.runs.run import RunOptions

    options = RunOptions(runs, workers, max_failed, retry == "failed")
    run_and_tell(load_filter(request, runs), None, options, as_json)
