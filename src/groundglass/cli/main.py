"""`groundglass`: finds the command, and turns errors into sentences and exit codes."""

from __future__ import annotations

import importlib
import os
import sys

import click

from groundglass import __version__
from groundglass.kernel.errors import GroundglassError

COMMANDS: dict[str, str] = {
    "quickstart": "from photographs to a released dataset, in one command",
    "filter": "keep the images of a folder that pass an expression",
    "init": "write a first recipe for a folder, with its reasons",
    "plan": "what a recipe would do, before anything is done",
    "run": "do what a recipe says, or go on where it stopped",
    "show": "what a run did, step by step",
    "why": "why an image was kept or dropped",
    "audit": "put known defects into passing images and see which gates notice",
    "report": "make the report of a run anew, or as one file",
    "diff": "what changed between two runs: who entered, who left, and why",
    "measure": "measure single pictures",
    "measures": "what can be measured",
    "questions": "what a multimodal model can be asked about pictures",
    "selections": "how images can be kept or dropped",
    "transforms": "how images can be scaled and cut",
    "fingerprint": "know your own test images again, to keep them out of training sets",
    "downscale": "make exact low-resolution versions of pictures",
    "source-quality": "the JPEG quality of whole folders",
    "fit-naturalness": "what your own clean pictures are like, for the measure naturalness",
}
"""Every command with its line in `--help`; `cli/<name>.py` (with ``_`` for ``-``) holds ``command``."""


class Commands(click.Group):
    """Commands that are imported when they are called: `--version` and `--help` answer at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return importlib.import_module(f"groundglass.cli.{cmd_name.replace('-', '_')}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from groundglass.kernel.nearest import did_you_mean

            raise click.UsageError(f"there is no command '{args[0]}'.{did_you_mean(args[0], COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="groundglass %(version)s")
def groundglass() -> None:
    """Builds image-restoration and super-resolution datasets that can be trusted.

    Raw pictures in; a measured, filtered, tiled and released training set out, with a reason on record for
    every picture kept or dropped. Nothing of yours is ever moved, overwritten or deleted.
    """


def main() -> None:
    """The program. Exit codes: 0 done, 1 unexpected, 2 recipe or arguments wrong, 3 unreachable, 4 too many
    failed, 130 interrupted."""
    try:
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


def _say(message: str, hint: str) -> None:
    click.echo(message, err=True)
    if hint:
        click.echo(f"  → {hint}", err=True)
