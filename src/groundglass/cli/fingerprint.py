"""`groundglass fingerprint`: write the fingerprints of test images, so that later runs recognise them."""

from __future__ import annotations

import json
from pathlib import Path

import click

from groundglass.cli.options import as_json, workers
from groundglass.engines.progress import choose_progress


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "-o", "--out", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The file to write."
)
@click.option(
    "--name", metavar="NAME", help="A name for this test set; reasons show it.  [default: the folder's name]"
)
@workers
@as_json
def command(folder: Path, out: Path, name: str | None, workers: int, as_json: bool) -> None:
    """Fingerprint the test images in FOLDER, so that a recipe can keep them out of a dataset.

    \b
    groundglass fingerprint my-test-set/ -o my-test-set.parquet

    The command writes one file of fingerprints. It holds no pixels, so you may share it. Name it in a recipe:

    \b
    - select: {decontaminate: [all, my-test-set.parquet]}

    This step drops every photo that shows one of your test images, also if it was cropped, mirrored or recompressed.
    The word `all` adds Set5, Set14, BSD100 and Urban100. FOLDER is only read, and no file is overwritten. A file that
    is not an image becomes a row that says why.
    """
    from groundglass.runs.fingerprint_folder import fingerprint_folder

    progress = choose_progress("fingerprint", quiet=as_json)
    made = fingerprint_folder(folder, out, name or folder.absolute().name, workers, progress)
    if as_json:
        plain = {"file": str(made.file), "set": made.set, "known": made.known, "failed": made.failed}
        click.echo(json.dumps(plain, indent=2, ensure_ascii=False))
        return
    failed = "".join(f" · {reason.replace('_', ' ')} {count:,}" for reason, count in made.failed.items())
    click.echo(f"{made.known:,} test images of {made.set}{failed} → {made.file}")
    click.echo(f"  next  - select: {{decontaminate: [all, {made.file}]}}")
