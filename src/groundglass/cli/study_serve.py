"""`groundglass study serve` and `demo`: a server on which people rate images in their browsers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from groundglass.cli.funnel import print_wrapped, program
from groundglass.cli.options import run_argument
from groundglass.cli.study_options import checked_url, database, open_browser, opened_study
from groundglass.text.format import command

if TYPE_CHECKING:
    from groundglass.studies.open_study import Study

LOCAL = ("127.0.0.1", "localhost", "::1")


@click.command("serve")
@run_argument
@click.argument("studies", metavar="STUDY...", nargs=-1, required=True)
@click.option(
    "--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="The address to listen on."
)
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    metavar="N",
    help="0 takes a free port.",
)
@click.option(
    "--url",
    default="",
    metavar="URL",
    callback=checked_url,
    help="The public address behind a proxy, such as https://rate.example.org.",
)
@click.option("--no-browser", is_flag=True, help="Open no browser.")
@click.option("--log", "log", is_flag=True, help="Print a line for each request, without tokens.")
@database
def serve(
    run: str,
    studies: tuple[str, ...],
    host: str,
    port: int,
    url: str,
    no_browser: bool,
    log: bool,
    database: str | None,
) -> None:
    """Let people rate the images of RUN in their browsers.

    \b
    groundglass study serve runs/mine/0001 study.yaml
    groundglass study serve runs/mine/0001 study.yaml --port 0 --no-browser

    STUDY is a study.yaml (with at least `protocol: acr`, accept or pairwise), a study step of the run's recipe, or the
    name of a study that was made before. Several may be named. The server runs until Ctrl-C; every vote is on disk
    before it is confirmed, so it may be stopped at any moment.
    """
    opened = [opened_study(run, study, database) for study in studies]
    try:
        _serve(run, opened, host, port, url, not no_browser, log)
    finally:
        for study in opened:
            study.store.close()


def _serve(
    run: str,
    studies: Sequence[Study],
    host: str,
    port: int,
    url: str,
    browser: bool,
    log: bool,
    link: str = "",
) -> None:
    """Listen, print the links, and serve until Ctrl-C. ``link`` is opened in the browser instead of the board."""
    from groundglass.web.own_names import reached_by
    from groundglass.web.serve import address_of, listen, serve
    from groundglass.web.settings import Settings

    made = listen(host, port)
    base = url or address_of(made)
    names, others = ((), ()) if url or host in LOCAL else reached_by(host, made.getsockname()[1])
    owners = [(study, f"{base}/o/{study.store.new_owner_token()}") for study in studies]

    def announce() -> None:
        _print_links(run, base, owners, host, link, others)
        if browser:
            open_browser(f"{base}{link}" if link else owners[0][1])

    settings = Settings(
        url,
        log=_print_line if log else None,
        report=lambda trouble: _print_line(trouble.line()),
        names=names,
        reach=others[0] if others else "",
    )
    serve(studies, made, settings, announce)


def _print_line(line: str) -> None:
    click.echo(line, err=True)


def _print_links(
    run: str, base: str, owners: Sequence[tuple[Study, str]], host: str, link: str, others: Sequence[str]
) -> None:
    """``others`` are the addresses that other machines may use."""
    if host not in LOCAL:
        print_wrapped(
            f"Everybody who reaches {host} can open this server, and without https others in the network can read "
            "what raters send. For raters outside of your own network, put a proxy with https in front of it, and name "
            "its address with --url.",
            0,
            err=True,
        )
    click.echo(f"listening on {base}")
    if link:
        click.echo(f"  rate here: {base}{link}")
    for study, owner in owners:
        click.echo(f"  {study.name}  for you, its owner: {owner}")
    if others:
        click.echo(f"  other machines reach it as {', '.join(others)}")
    reach = others[0] if others else base
    invite = command("study", "invite", run, owners[0][0].name, "--raters", "5", "--url", reach)
    click.echo(f"  invite raters on the board, or: {program()} {invite}")
    click.echo("  Ctrl-C ends the server; votes stay.")


@click.command("demo")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="The folder of the demo; an earlier demo there goes on.  [default: ~/.local/share/groundglass/study-demo]",
)
@click.option(
    "--port", default=0, type=click.IntRange(0, 65535), metavar="N", help="The port.  [default: any free one]"
)
@click.option("--no-browser", is_flag=True, help="Open no browser.")
def demo(out: Path | None, port: int, no_browser: bool) -> None:
    """Rate sample images in your browser: a study that is ready in one command.

    \b
    groundglass study demo
    groundglass study demo --out demo --no-browser
    """
    from groundglass.cli.study_demo import make_demo

    folder = out or _user_data() / "study-demo"
    run = make_demo(folder)
    study = opened_study(str(run), str(folder / "study.yaml"), None)
    try:
        ((name, token),) = study.store.invite(1)
        click.echo(f"a study of {study.store.items().num_rows} images in {folder}; you are its rater {name}")
        _serve(str(run), [study], "127.0.0.1", port, "", not no_browser, False, f"/i/{token}")
    finally:
        study.store.close()


def _user_data() -> Path:
    """The user's folder for data of programs, by the XDG base directories."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "groundglass"
