"""`groundglass`: find the command, and turn errors into sentences and exit codes."""

from __future__ import annotations

import importlib
import os
import sys

import click
from click.shell_completion import CompletionItem

from groundglass import __version__
from groundglass.errors import GroundglassError
from groundglass.notices import send_notices_to

GROUPS: dict[str, dict[str, str]] = {
    "Make a dataset": {
        "init": "look at a folder and write a first recipe for it",
        "filter": "keep the images of a folder that meet a condition",
        "plan": "check a recipe and show what it would do",
        "run": "run a recipe, or go on where it stopped",
        "quickstart": "make a small dataset from sample photos or from yours",
    },
    "Look at what a run did": {
        "show": "show what each step kept and dropped",
        "why": "show why one image was kept or dropped",
        "report": "write the report of a run again, or as one file",
        "diff": "compare two runs: which images entered or left, and why",
        "export": "write the photos of a run as a dataset of FiftyOne",
    },
    "Judge images and gates": {
        "measure": "measure single images",
        "evaluate": "score a network's images against the ground truth",
        "check-pairs": "check whether pairs of LQ and HQ images fit",
        "audit": "plant known defects, and see which gates catch them",
        "prove": "train small upscalers, and see whether a selection helps",
        "source-quality": "estimate the JPEG quality of whole folders",
        "study": "score images by the votes of people",
        "benchmark": "compare image-quality measures with the opinions of people",
    },
    "Make what a recipe can use": {
        "downscale": "make exact low-resolution versions of images",
        "degrade": "make low-quality versions of photos, on record",
        "fingerprint": "record your test images, to keep them out of datasets",
        "fit-naturalness": "learn the texture of clean photos",
        "import-tags": "write tags given in FiftyOne as a table for a recipe",
    },
    "Look up what a recipe can say": {
        "measures": "list what can be measured",
        "selections": "list the rules that keep or drop images",
        "transforms": "list the ways to scale and cut images",
        "questions": "list what a multimodal model can be asked",
    },
}
"""Every command with its line in `--help`, under the headings of `--help`, in the order of use."""

COMMANDS: dict[str, str] = {name: line for group in GROUPS.values() for name, line in group.items()}
"""Every command with its line; `cli/<name>.py` (with ``_`` for ``-``) holds ``command``."""


class Commands(click.Group):
    """Commands that are imported only when they are called, so that `--version` and `--help` answer at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return importlib.import_module(f"groundglass.cli.{cmd_name.replace('-', '_')}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        widest = max(map(len, COMMANDS))
        for heading, group in GROUPS.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(widest), line) for name, line in group.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands with their lines; click's own way would import every command for its help."""
        found = [
            CompletionItem(name, help=line) for name, line in COMMANDS.items() if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        wrong = args and args[0] not in COMMANDS and not args[0].startswith("-")
        if wrong and not ctx.resilient_parsing:  # a shell that completes wants no sentence
            from groundglass.text.suggest import did_you_mean

            raise click.UsageError(f"there is no command '{args[0]}'.{did_you_mean(args[0], COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="groundglass %(version)s")
def groundglass() -> None:
    """Turn raw photos into a dataset for super-resolution and image restoration.

    A recipe says what to measure, what to keep and how to cut it into tiles. A run follows the recipe, writes the
    dataset, and records a reason for every image that it kept or dropped. Your own files are only read.
    """


def main() -> None:
    """The program. Exit codes: 0 done, 1 unexpected, 2 recipe or arguments wrong, 3 unreachable, 4 too many
    failed, 130 interrupted."""
    send_notices_to(_say_notice)
    try:
        # Not standalone: click would end with its own exit codes, but scripts rely on ours.
        sys.exit(groundglass.main(standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except GroundglassError as error:
        _say(error.message, error.hint)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        _say("stopped", "the same command goes on from here")
        sys.exit(130)
    except BrokenPipeError:
        # The reader, such as `head`, left: without this, Python would print a second error when it flushes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if os.environ.get("GROUNDGLASS_TRACEBACK"):
            raise
        _say(
            f"this should not have happened: {type(error).__name__}: {error}",
            "nothing of yours was touched; GROUNDGLASS_TRACEBACK=1 shows where, please report it",
        )
        sys.exit(1)


def _say_notice(sentence: str) -> None:
    click.echo(f"note: {sentence}", err=True)


def _say(message: str, hint: str) -> None:
    click.echo(message, err=True)
    if hint:
        click.echo(f"  → {hint}", err=True)
