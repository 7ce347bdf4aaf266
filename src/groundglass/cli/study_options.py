"""The parts that all commands of `groundglass study` with a RUN and a STUDY share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from groundglass.cli.funnel import print_next, program
from groundglass.errors import MissingExtra
from groundglass.studies.database_url import DATABASE_VARIABLE
from groundglass.text.format import command

if TYPE_CHECKING:
    from groundglass.studies.open_study import Study

study_argument = click.argument("study", metavar="STUDY")
database = click.option(
    "--database",
    metavar="URL",
    envvar=DATABASE_VARIABLE,
    help="Keep the votes in PostgreSQL: postgresql://user@host/name.  [default: a file in the study's folder]",
)


def opened_study(run: str, study: str, database: str | None) -> Study:
    """A study; it is made if a study.yaml is opened for the first time."""
    from groundglass.extras import is_installed

    if not is_installed("studies"):
        raise MissingExtra("studies in the browser", "studies")
    from groundglass.studies.open_study import open_study

    return open_study(Path(run), study, database)


def checked_url(_context: click.Context, _option: click.Parameter, url: str) -> str:
    """The address of `--url`, without a slash at its end; a path in it is refused."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/")):
        raise click.BadParameter("write it as https://rate.example.org, without a path")
    return url.rstrip("/")


def show_next(*words: str) -> None:
    """Print which command of `groundglass study` comes next."""
    click.echo()
    print_next({"next": f"{program()} {command('study', *words)}"})


def open_browser(link: str) -> None:
    """Open a browser if there is a screen: on a server it would be a text browser, which would take the terminal."""
    if any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME", "BROWSER")):
        import webbrowser

        webbrowser.open(link)
