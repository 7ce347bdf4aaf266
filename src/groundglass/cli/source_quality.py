"""`groundglass source-quality`: estimate the JPEG quality of whole folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from groundglass.cli.funnel import plain_line, print_table
from groundglass.cli.options import as_json, kept_store, store_folder, workers
from groundglass.engines.progress import choose_progress
from groundglass.engines.shards import Settings
from groundglass.image.header import ImageLimits
from groundglass.text.format import thousands


@click.command()
@click.argument("folders", nargs=-1, required=True)
@click.option(
    "--reference",
    default="df2k",
    show_default=True,
    metavar="CLEAN|PROFILE",
    help="The clean reference: a folder of photos that were never compressed, a profile made of one, or df2k.",
)
@click.option(
    "--save-profile",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the reference to this file, a small profile that you can share.",
)
@store_folder
@workers
@as_json
def command(
    folders: tuple[str, ...],
    reference: str,
    save_profile: Path | None,
    store: Path | None,
    workers: int,
    as_json: bool,
) -> None:
    """Estimate the JPEG quality of each folder in FOLDERS, from how blocky its images are.

    \b
    groundglass source-quality photos/ scraped/
    groundglass source-quality scraped/ --reference clean/ --save-profile c.json

    A quality of 1 means never compressed, 0.95 means JPEG at quality 95, and so on. The column `mixture` splits a
    folder by quality: it shows a few bad images among many good ones. A folder with too few images gets a reason
    instead of a quality.
    """
    from groundglass.plans.measure_folders import Workshop, find_reference
    from groundglass.plans.source_quality import judge_folder
    from groundglass.source_quality.clean_profile import save_profile as write_profile
    from groundglass.source_quality.divergence import fault_of
    from groundglass.sources.folder import existing_folder

    # All folders are checked before the first one is measured, which may take long.
    for folder in folders:
        existing_folder(folder)
    with kept_store(store) as place:
        shop = Workshop(place, Settings(workers=workers), ImageLimits(), _shown(choose_progress, as_json))
        profile = find_reference(reference, shop)
        if save_profile is not None:
            write_profile(profile, save_profile)
        if fault := fault_of(profile):
            click.echo(f"note: {fault}", err=True)
        sources = [judge_folder(folder, profile, shop).plain() for folder in folders]
    if as_json:
        click.echo(json.dumps({"sources": sources}, indent=2, ensure_ascii=False))
        return
    print_sources(sources)
    if save_profile is not None:
        click.echo(f"\n  profile  {save_profile}")


def _shown(choose: Any, quiet: bool) -> Any:
    return lambda title: choose(title, quiet=quiet)


HEAD = ("source", "images", "quality", "95 %", "blocky", "mixture")


def print_sources(sources: list[dict[str, Any]]) -> None:
    """Print one line per source; without a quality, the line says why."""
    rows = [
        (
            plain_line(source["source"]),
            thousands(source["images"]),
            "–" if source["quality"] is None else f"{source['quality']:.3f}",
            "–" if source["ci95"] is None else "{:.3f} to {:.3f}".format(*source["ci95"]),
            "–" if source["blocky"] is None else f"{source['blocky']:.0%}",
            source["abstained"] or _mixed(source["mixture"]),
        )
        for source in sources
    ]
    print_table(HEAD, rows, right=(1, 2, 3, 4))


def _mixed(mixture: dict[str, float]) -> str:
    return " + ".join(f"{share:.0%} at {quality}" for quality, share in mixture.items() if share >= 0.005)
