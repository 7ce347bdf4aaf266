"""`groundglass fit-naturalness`: what clean pictures are like."""

from __future__ import annotations

import json
from pathlib import Path

import click

from groundglass.cli.options import as_json, kept_store, store_folder, workers


@click.command()
@click.argument("folder")
@click.option(
    "-o", "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="File to write."
)
@click.option("--name", default="", help="What the profile is called; default: the folder's name.")
@click.option("--made-from", default="", metavar="TEXT", help="Which pictures, whose, under which licence.")
@store_folder
@workers
@as_json
def command(
    folder: str, out: Path, name: str, made_from: str, store: Path | None, workers: int, as_json: bool
) -> None:
    """Fit the texture of the clean pictures in FOLDER, for `naturalness` to measure by, and write a small file.

    \b
    groundglass fit-naturalness clean/ -o clean.json

    A recipe then says `- measure: [{naturalness: {reference: clean.json}}]`. FOLDER is only read, nothing is
    overwritten. 100 photographs and more are good, 20 are the least; they should be like those that are wished for, and
    not smaller. The file holds 702 numbers and no pixels.
    """
    from groundglass.audits.source_profile import Workshop
    from groundglass.kernel.engines.progress import choose_progress
    from groundglass.kernel.engines.shards import Settings
    from groundglass.kernel.errors import RecipeError
    from groundglass.kernel.image.header import ImageLimits
    from groundglass.kernel.naturalness.profile import save_natural
    from groundglass.recipes.natural_reference import fit_folder

    if out.exists():
        raise RecipeError(f"{out} is there already; nothing is overwritten", "give another name")
    with kept_store(store) as place:
        shop = Workshop(
            place,
            Settings(workers=workers),
            ImageLimits(),
            lambda title: choose_progress(title, quiet=as_json),
        )
        profile = fit_folder(folder, shop, name, made_from)
    save_natural(profile, out)
    _, _, pictures, patches = profile.gaussian
    if as_json:
        plain = {"file": str(out), "name": profile.name, "pictures": pictures, "patches": patches}
        click.echo(json.dumps({**plain, "digest": profile.digest}, indent=2, ensure_ascii=False))
        return
    click.echo(f"{pictures:,} pictures, {patches:,} sharp patches → {out}")
    click.echo(f"  next  - measure: [{{naturalness: {{reference: {out}}}}}]")
