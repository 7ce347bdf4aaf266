"""`groundglass init`: write a first recipe for a folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from groundglass.cli import completion
from groundglass.cli.funnel import plain_line, print_next, program, terminal_width, wrapped
from groundglass.cli.options import as_json, workers
from groundglass.engines.progress import choose_progress
from groundglass.text.format import command as command_line
from groundglass.text.format import some, thousands

if TYPE_CHECKING:
    from groundglass.drafts.first_recipe import Begun
    from groundglass.drafts.start_recipe import Choice


@click.command()
@click.argument("name")
@click.argument("folder")
@click.option(
    "--like",
    metavar="RECIPE",
    shell_complete=completion.shipped_recipes,
    help="Start from a shipped recipe: faceup, bhi, diverseg or 4klsdb.",
)
@click.option(
    "--sample",
    default=200,
    show_default=True,
    type=click.IntRange(min=1),
    metavar="N",
    help="How many files to look at. They are drawn at random, but always the same ones.",
)
@workers
@as_json
def command(name: str, folder: str, like: str | None, sample: int, workers: int, as_json: bool) -> None:
    """Look at a sample of FOLDER and write NAME.yaml, a recipe for it with the reason for each step.

    \b
    groundglass init mine photos
    groundglass init faces photos --like faceup

    FOLDER is only read. The command prints what it notices, and writes it into the recipe as comments: sizes, formats,
    quality, duplicates, known test images, files that are not images. With --like it starts from a shipped recipe,
    changes the steps that do not suit FOLDER, and says why.
    """
    from groundglass.drafts.first_recipe import begin, check_words
    from groundglass.drafts.look_at_folder import look_at

    path = check_words(name, folder, like)
    begun = begin(path, look_at(folder, sample, workers, choose_progress("look", quiet=as_json)), like)
    if as_json:
        click.echo(json.dumps(_plain(begun), indent=2, ensure_ascii=False))
    else:
        _tell(begun, like)


def _plain(begun: Begun) -> dict[str, object]:
    noticed = [
        {
            "topic": choice.topic,
            "said": choice.said,
            "fits": choice.fits,
            "step": choice.step,
            "off": choice.off,
        }
        for choice in begun.choices
    ]
    look = begun.look
    counts = {"files": look.files, "sampled": look.sampled, "sound": len(look.rows)}
    return {"recipe": str(begun.path), "folder": look.folder, **counts, "noticed": noticed}


def _tell(begun: Begun, like: str | None) -> None:
    look = begun.look
    seen = "" if look.whole else f", {thousands(look.sampled)} of them looked at"
    click.echo(f"{plain_line(look.folder)} · {some(look.files, 'files')}{seen}\n")
    _print_choices([choice for choice in begun.choices if choice.fits and choice.topic])
    strange = [choice for choice in begun.choices if not choice.fits]
    if strange:
        click.echo(f"\n  These do not fit {like}:\n")
        _print_choices(strange)
    click.echo()
    print_next({"recipe": str(begun.path), "next": f"{program()} {command_line('plan', str(begun.path))}"})


def _print_choices(choices: list[Choice]) -> None:
    """Print topics to the left; next to them what was noticed, and the step that follows from it."""
    from groundglass.drafts.flow_style import flow

    widest = max((len(choice.topic) for choice in choices), default=0)
    width = min(100, terminal_width())
    for choice in choices:
        said = wrapped(plain_line(choice.said), width - widest - 4)
        step = {kind: body for kind, body in (choice.step or {}).items() if kind != "name"}
        lines = [*said, f"→ {flow(step)[1:-1]}{' (as a comment)' if choice.off else ''}"] if step else said
        for place, line in enumerate(lines):
            click.echo(f"  {(choice.topic if place == 0 else '').ljust(widest)}  {line}")
