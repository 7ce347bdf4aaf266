"""`groundglass fit-naturalness`: learn the texture of clean photos."""

from __future__ import annotations

import json
from pathlib import Path

import click

from groundglass.cli.options import as_json, kept_store, store_folder, workers
from groundglass.engines.progress import choose_progress
from groundglass.engines.shards import Settings
from groundglass.errors import RecipeError
from groundglass.image.header import ImageLimits


@click.command()
@click.argument("folder")
@click.option(
    "-o", "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The file to write."
)
@click.option(
    "--name", default="", metavar="NAME", help="A name for the profile.  [default: the folder's name]"
)
@click.option(
    "--made-from",
    default="",
    metavar="TEXT",
    help="A note for the file: which photos, by which photographers, under which licence.",
)
@store_folder
@workers
@as_json
def command(
    folder: str, out: Path, name: str, made_from: str, store: Path | None, workers: int, as_json: bool
) -> None:
    """Learn the texture of the clean photos in FOLDER, and write it to a small file.

    \b
    groundglass fit-naturalness clean/ -o clean.json

    The measure `naturalness` then says how far the texture of an image is from theirs. Name the file in a recipe:

    \b
    - measure: [{naturalness: {reference: clean.json}}]

    Use 100 photos or more; fewer than 20 are refused. Choose photos like those that you want to keep, and at least as
    large. FOLDER is only read, and no file is overwritten. The file holds 702 numbers and no pixels.
    """
    from groundglass.measures.naturalness.profile import save_natural
    from groundglass.plans.measure_folders import Workshop
    from groundglass.plans.naturalness_reference import fit_folder

    # Checked before the fit: measuring hundreds of photos in vain would be annoying.
    if out.exists():
        raise RecipeError(f"{out} exists already; nothing is overwritten", "give another name")
    with kept_store(store) as place:
        shop = Workshop(
            place,
            Settings(workers=workers),
            ImageLimits(),
            lambda title: choose_progress(title, quiet=as_json),
        )
        profile = fit_folder(folder, shop, name, made_from)
    save_natural(profile, out)
    _, _, photos, patches = profile.gaussian
    if as_json:
        plain = {"file": str(out), "name": profile.name, "pictures": photos, "patches": patches}
        click.echo(json.dumps({**plain, "digest": profile.digest}, indent=2, ensure_ascii=False))
        return
    click.echo(f"{photos:,} photos, {patches:,} sharp patches → {out}")
    click.echo(f"  next  - measure: [{{naturalness: {{reference: {out}}}}}]")
