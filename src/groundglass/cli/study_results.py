"""`groundglass study release`: publish a study as a rating set. `study pick`: choose held-out images by eye."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from groundglass.cli.funnel import plain_line, print_next, print_wrapped
from groundglass.cli.options import as_json, run_argument, runs_folder
from groundglass.cli.study_options import open_browser
from groundglass.errors import MissingExtra
from groundglass.text.format import some

if TYPE_CHECKING:
    from groundglass.runs.pick_candidates import Candidates


@click.command()
@run_argument
@click.argument("step")
@click.option("--split", metavar="NAME", help="The split, if the step has several.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Serve nothing: write one page with small images, from which the line must be copied.",
)
@click.option(
    "--port", default=0, type=click.IntRange(0, 65535), metavar="N", help="The port.  [default: any free one]"
)
@click.option("--no-browser", is_flag=True, help="Open no browser.")
@runs_folder
def pick(
    run: str, step: str, split: str | None, output: Path | None, port: int, no_browser: bool, runs: Path
) -> None:
    """Pick the images of a `hold_out` by eye, among the candidates that its `next`, `count` or `list` gives.

    \b
    groundglass study pick faceup held

    The command serves a page on this machine: a grid of the candidates, best first; arrows move, Space picks, Z shows
    all pixels at 1:1. Every pick is saved at once in the run's folder, as the line `pick: [...]` for the recipe, and
    the command goes on with them when it is started again. Ctrl-C ends it.
    """
    from groundglass.plans.run_folder import find_run
    from groundglass.runs.pick_candidates import pick_candidates

    candidates = pick_candidates(find_run(run, runs), step, split)
    if output is None:
        _serve_picks(candidates, port, not no_browser)
        return
    from groundglass.reports.pick_page import write_pick_page

    page = output
    count = write_pick_page(candidates, page)
    click.echo(f"{page}: {some(count, 'candidates')} for {candidates.split}")
    click.echo()
    print_next(
        {
            "next": f"open {shlex.quote(str(page))} in a browser, and copy its line `pick: [...]` into the recipe"
        }
    )


def _serve_picks(candidates: Candidates, port: int, browser: bool) -> None:
    """Serve the page until Ctrl-C, then print what is picked."""
    from groundglass.extras import is_installed

    if not is_installed("studies"):
        raise MissingExtra(
            "the page on which images are picked (a page without a server: -o FILE)", "studies"
        )
    from groundglass.web.pick import create_pick_app, line_of, picks_of
    from groundglass.web.serve import address_of, listen, serve_app
    from groundglass.web.settings import Settings

    picks, made = picks_of(candidates), listen("127.0.0.1", port)
    link = f"{address_of(made)}/o/{picks.token}"

    def announce() -> None:
        click.echo(f"pick {some(len(picks.among), 'candidates')} for {candidates.split} at {link}")
        click.echo(f"  every pick is saved at once in {picks.file}; Ctrl-C ends")
        if browser:
            open_browser(link)

    app = create_pick_app(picks, Settings(report=lambda trouble: click.echo(trouble.line(), err=True)))
    try:
        serve_app(app, made, announce)
    except KeyboardInterrupt:
        picked = picks.picked()
        click.echo(f"\n{some(len(picked), 'images')} picked; put this line into the recipe, in the split")
        click.echo(f"{candidates.split} of {candidates.step}, in place of its `pick`:\n\n  {line_of(picked)}")


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
    from groundglass.releases.writers.ratings import shares_of
    from groundglass.studies.challenge_set import release_challenge
    from groundglass.studies.open_study import open_study
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
