"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from groundglass.cli import completion
from groundglass.errors import UnreachableError

Command = Callable[..., Any]


def _a_folder_or_none_yet(_context: click.Context, _option: click.Parameter, runs: Path) -> Path:
    if runs.exists() and not runs.is_dir():
        raise UnreachableError(f"--runs {runs} is a file", "name a folder; it is made if it does not exist")
    return runs


as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
runs_folder = click.option(
    "--runs",
    default="runs",
    type=click.Path(path_type=Path),
    callback=_a_folder_or_none_yet,
    metavar="FOLDER",
    show_default=True,
    help="The folder that holds the runs.",
)
run_argument = click.argument("run", shell_complete=completion.runs)
recipe_argument = click.argument("recipe", shell_complete=completion.recipes)
workers = click.option(
    "--workers",
    default=0,
    type=click.IntRange(min=0),
    metavar="N",
    show_default="one per core",
    help="How many processes measure at once.",
)
overrides = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change one value of the recipe: steps.tiles.transform.tile=128, or by number, steps.7.transform.tile=128.",
)
profile = click.option(
    "--profile",
    metavar="NAME",
    help="Use this profile of the recipe: its steps replace those of the same names.",
)
store_folder = click.option(
    "--store",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Keep the values in this folder, so that a stopped command goes on. A recipe's runs/NAME/store works too.",
)


def limit(said: str = "Take only the first N files of each source.") -> Callable[[Command], Command]:
    """The option to take fewer files; ``said`` is its help."""
    return click.option("--limit", type=click.IntRange(min=1), metavar="N", help=said)


@contextmanager
def kept_store(store: Path | None) -> Generator[Path]:
    """The folder to keep results in, or one that is deleted at the end."""
    if store is not None:
        yield store
        return
    import tempfile

    with tempfile.TemporaryDirectory(prefix="groundglass-") as folder:
        yield Path(folder)


def recipe_options(command: Command) -> Command:
    """The options that change a recipe."""
    for option in (limit(), profile, overrides):
        command = option(command)
    return command


class Share(click.ParamType):
    """'5%', '.05' or '0'."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            # Without a percent sign it is a fraction: `--max-failed 1` allows every image to fail.
            share = float(value[:-1]) / 100 if str(value).endswith("%") else float(value)
        except ValueError:
            self.fail(f"{value!r} is not a share; write 5% or .05", param, ctx)
        if not 0 <= share <= 1:
            self.fail(f"{value} is not between 0 and 100%", param, ctx)
        return share


max_failed = click.option(
    "--max-failed",
    type=Share(),
    metavar="SHARE",
    help="End with exit code 4 if more than this share of the images fails, such as 5%.",
)
retry = click.option(
    "--retry", type=click.Choice(["failed"]), help="Try again the images that failed before."
)


def again(table: str | None) -> list[str]:
    """The words of this command after `benchmark iqa` or `benchmark settings`, without those that name outputs."""
    context = click.get_current_context()
    words = [] if table is None else [table]
    for option in context.command.params:
        value = context.params.get(option.name or "")
        if option.name == "scores":
            value = tuple(dict.fromkeys(value + context.params.get("further", ())))
        plain = isinstance(option, click.Option) and option.name not in ("csv_file", "report", "as_json")
        if plain and value not in (None, ()) and str(value) != str(option.get_default(context)):
            for one in value if isinstance(value, tuple) else (value,):
                # An equals sign, since the name of a column may begin with a dash.
                words += (
                    [f"{option.opts[0]}={one}"] if str(one).startswith("-") else [option.opts[0], str(one)]
                )
    return words
