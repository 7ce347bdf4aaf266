"""`groundglass study release`: publish a study as a rating set. `study pick`: choose held-out images by eye."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import click

from groundglass.cli.funnel import plain_line, print_next, print_wrapped
from groundglass.cli.options import as_json, run_argument, runs_folder
from groundglass.text.format import some


@click.command()
@run_argument
@click.argument("step")
@click.option("--split", metavar="NAME", help="The split, if the step has several.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The page.  [default: pick-STEP.html in the run's folder]",
)
@runs_folder
def pick(run: str, step: str, split: str | None, output: Path | None, runs: Path) -> None:
    """Pick the images of a `hold_out` by eye, among the candidates that its `next`, `count` or `list` gives.

    \b
    groundglass study pick faceup held

    The command writes one page: a grid of the candidates, best first. Keys or clicks pick them, and the page shows the
    line `pick: [...]` to copy into the recipe.
    """
    from groundglass.plans.run_folder import find_run
    from groundglass.reports.pick_page import write_pick_page
    from groundglass.runs.pick_candidates import pick_candidates

    folder = find_run(run, runs)
    candidates = pick_candidates(folder, step, split)
    page = output or folder.path / f"pick-{step}.html"
    count = write_pick_page(candidates, page)
    click.echo(f"{page}: {some(count, 'candidates')} for {candidates.split}")
    click.echo()
    print_next(
        {
            "next": f"open {shlex.quote(str(page))} in a browser, and copy its line `pick: [...]` into the recipe"
        }
    )


@click.command()
@run_argument
@click.argument("study", metavar="STUDY")
@click.option(
    "--output",
    "-o",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="A new folder.",
)
@click.option(
    "--val",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="Share of images for validation.  [default: the splits of the recipe, or 0.1]",
)
@click.option(
    "--test",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="Share of images to test on.  [default: the splits of the recipe, or 0.2]",
)
@click.option(
    "--stratify",
    metavar="COLUMN",
    help="A column whose values each split has in the same shares, such as meta.generator.  [default: the source]",
)
@click.option(
    "--licence", metavar="WORD", help="The licence of the ratings, for the card, such as cc-by-4.0."
)
@click.option(
    "--challenge",
    is_flag=True,
    help="Write a challenge instead: public/ without the scores of validation and test, and hidden/ with them.",
)
@as_json
def command(
    run: str,
    study: str,
    output: Path,
    val: float | None,
    test: float | None,
    stratify: str | None,
    licence: str | None,
    challenge: bool,
    as_json: bool,
) -> None:
    """Publish the votes and scores of STUDY: raw votes, scores, splits, a table for pyiqa, a card, checksums.

    \b
    groundglass study release runs/mine/0001 study.yaml -o ratings --stratify meta.generator

    The images are not copied: the tables name each by its path and its SHA-256. Images of one content, or with one
    prompt, are in one split. The splits are those of the recipe's `split` step, if it has one and no option says
    otherwise. The step `release: {format: ratings}` writes the same, with the images if you want.
    """
    from groundglass.studies.challenge_set import release_challenge
    from groundglass.studies.open_study import open_study
    from groundglass.studies.rating_set import shares_of
    from groundglass.studies.release_set import release_ratings

    if (val or 0) + (test or 0) >= 1:
        raise click.UsageError("--val and --test together must be below 1: the rest is to train on")
    shares = None if val is None and test is None else shares_of(val, test)
    release = release_challenge if challenge else release_ratings
    made = release(open_study(Path(run), study), output, shares, stratify, licence)
    if as_json:
        shown = {"folder": str(made.folder), "files": made.files, "splits": made.splits, "notes": made.notes}
        click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    click.echo(f"{made.folder}: {', '.join(f'{many:,} {name}' for name, many in made.splits.items())} images")
    for name in made.files:
        click.echo(f"  {name}")
    for note in made.notes:
        print_wrapped(f"  note: {plain_line(note)}", 4)
    if not licence:
        print_wrapped("  note: the card names no licence: --licence cc-by-4.0 adds one", 4)
    click.echo()
    if challenge:
        hidden = shlex.quote(str(made.folder / "hidden/test.csv"))
        again = f"groundglass benchmark iqa --submissions teams/ --hidden {hidden}"
        print_next({"next": f"publish {made.folder / 'public'}, and rank what teams send: {again}"})
        return
    print_next({"next": f"cd {shlex.quote(str(made.folder))} && sha256sum -c SHA256SUMS"})
