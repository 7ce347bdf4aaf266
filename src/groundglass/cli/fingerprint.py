"""`groundglass fingerprint`: know test images again."""

from __future__ import annotations

import json
from pathlib import Path

import click

from groundglass.cli.options import as_json, workers


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="File to write.")
@click.option("--name", help="What reasons call the set; default: the folder's name.")
@workers
@as_json
def command(folder: Path, out: Path, name: str | None, workers: int, as_json: bool) -> None:
    """Write fingerprints of the test images in FOLDER to a file, without any pixels.

    A recipe then drops photographs that show one of them: `- select: {decontaminate: [all, OUT]}`. FOLDER is only
    read, nothing is overwritten, and files that are no pictures become rows that say why.
    """
    from groundglass.kernel.engines.progress import choose_progress
    from groundglass.recipes.fingerprinting import fingerprint_folder

    progress = choose_progress("fingerprint", quiet=as_json)
    made = fingerprint_folder(folder, out, name or folder.absolute().name, workers, progress)
    if as_json:
        plain = {"file": str(made.file), "set": made.set, "known": made.known, "failed": made.failed}
        click.echo(json.dumps(plain, indent=2, ensure_ascii=False))
        return
    failed = "".join(f" · {reason.replace('_', ' ')} {count:,}" for reason, count in made.failed.items())
    click.echo(f"{made.known:,} test images of {made.set}{failed} → {made.file}")
    click.echo(f"  next  - select: {{decontaminate: [all, {made.file}]}}")
