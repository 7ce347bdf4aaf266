"""`groundglass study serve`, `invite`, `revoke`, `status`, `export` and `demo`: studies in the browser."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from groundglass.cli.funnel import print_next, print_table, print_wrapped, program
from groundglass.cli.options import as_json, run_argument
from groundglass.errors import MissingExtra
from groundglass.text.format import command, some

if TYPE_CHECKING:
    from groundglass.studies.open_study import Study

DATABASE = "GROUNDGLASS_DATABASE"
FORMATS = ("csv", "jsonl", "parquet")
LOCAL = ("127.0.0.1", "localhost", "::1")

study_argument = click.argument("study", metavar="STUDY")
database = click.option(
    "--database",
    metavar="URL",
    envvar=DATABASE,
    help="Keep the votes in PostgreSQL: postgresql://user@host/name.  [default: a file in the study's folder]",
)


def _open(run: str, study: str, database: str | None) -> Study:
    """A study; it is made if a study.yaml is opened for the first time."""
    from groundglass.extras import is_installed

    if not is_installed("studies"):
        raise MissingExtra("studies in the browser", "studies")
    from groundglass.studies.open_study import open_study

    return open_study(Path(run), study, database)


def _checked_url(_context: click.Context, _option: click.Parameter, url: str) -> str:
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/")):
        raise click.BadParameter("write it as https://rate.example.org, without a path")
    return url.rstrip("/")


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
    callback=_checked_url,
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
    opened = [_open(run, study, database) for study in studies]
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
    from groundglass.web.serve import address_of, listen, serve
    from groundglass.web.settings import Settings

    made = listen(host, port)
    base = url or address_of(made)
    owners = [(study, f"{base}/o/{study.store.new_owner_token()}") for study in studies]

    def announce() -> None:
        _print_links(run, base, owners, host, link)
        if browser:
            _open_browser(f"{base}{link}" if link else owners[0][1])

    settings = Settings(url, (lambda line: click.echo(line, err=True)) if log else None)
    serve(studies, made, settings, announce)


def _print_links(run: str, base: str, owners: Sequence[tuple[Study, str]], host: str, link: str) -> None:
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
    invite = command("study", "invite", run, owners[0][0].name, "--raters", "5", "--url", base)
    click.echo(f"  invite raters on the board, or: {program()} {invite}")
    click.echo("  Ctrl-C ends the server; votes stay.")


def _open_browser(link: str) -> None:
    """Open a browser if there is a screen: on a server it would be a text browser, which would take the terminal."""
    if any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME", "BROWSER")):
        import webbrowser

        webbrowser.open(link)


@click.command("invite")
@run_argument
@study_argument
@click.option(
    "--raters", required=True, type=click.IntRange(1, 1000), metavar="N", help="How many links to make."
)
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    metavar="N",
    help="The links expire after N days.  [default: never]",
)
@click.option(
    "--url", default="", metavar="URL", callback=_checked_url, help="The server's address, for whole links."
)
@database
@as_json
def invite(
    run: str, study: str, raters: int, days: int | None, url: str, database: str | None, as_json: bool
) -> None:
    """Make links for raters of a study, one for each person.

    \b
    groundglass study invite runs/mine/0001 study.yaml --raters 5 --url http://127.0.0.1:8000

    A link is shown once: the database keeps only its hash. Without --url, write the server's address in the place of
    {base}.
    """
    opened = _open(run, study, database)
    try:
        made = opened.store.invite(raters, None if days is None else time.time() + 86400 * days)
    finally:
        opened.store.close()
    base = url or "{base}"
    links = [f"{base}/i/{token}" for _, token in made]
    if as_json:
        click.echo(json.dumps({"links": links, "raters": [name for name, _ in made]}, indent=2))
        return
    for (name, _), link in zip(made, links, strict=True):
        click.echo(f"{name}  {link}")
    if not url:
        click.echo("{base} is the address that `study serve` prints, such as http://127.0.0.1:8000", err=True)
    _next("serve", run, study)


@click.command("revoke")
@run_argument
@study_argument
@click.argument("raters", metavar="RATER...", nargs=-1, required=True)
@database
def revoke(run: str, study: str, raters: tuple[str, ...], database: str | None) -> None:
    """Withdraw the links of raters, such as r03. Their votes stay.

    \b
    groundglass study revoke runs/mine/0001 study.yaml r03
    """
    opened = _open(run, study, database)
    try:
        for rater in raters:
            opened.store.revoke(rater)
    finally:
        opened.store.close()
    click.echo(f"withdrawn: {', '.join(raters)}; their votes stay")
    _next("status", run, study)


@click.command("status")
@run_argument
@study_argument
@database
@as_json
def status(run: str, study: str, database: str | None, as_json: bool) -> None:
    """Show how far a study is: votes, raters and their agreement.

    \b
    groundglass study status runs/mine/0001 study.yaml
    """
    opened = _open(run, study, database)
    from groundglass.studies.board import board_of

    try:
        board = board_of(opened, time.time())
    finally:
        opened.store.close()
    if as_json:
        click.echo(json.dumps(board, indent=2, ensure_ascii=False))
        return
    _print_status(board)
    more = "export" if board["progress"]["enough"] else "serve"
    _next(more, run, study, *(("-o", "votes.csv") if more == "export" else ()))


def _print_status(board: dict[str, Any]) -> None:
    progress = board["progress"]
    lacking = progress["lacking"]
    votes = f"{some(progress['votes'], 'votes')} of {progress['wanted']:,}"
    ends = "there are enough" if progress["enough"] else f"{lacking:,} are missing"
    click.echo(f"{board['study']['name']}: {votes} on {some(progress['items'], 'items')}; {ends}")
    click.echo()
    rows = [
        (
            rater["rater"],
            rater["state"],
            str(rater["votes"]),
            _number(rater["correlation"]),
            _number(rater["repeat"]),
            _number(rater["seconds"]),
            ", ".join(f"{name} {count}" for name, count in rater["flags"].items()),
        )
        for rater in board["raters"]
    ]
    if rows:
        heads = ("rater", "link", "votes", "like others", "like self", "seconds", "flags")
        print_table(heads, rows, right=(2, 3, 4, 5))
        click.echo()
    rates = [_win_rate(arm) for arm in board["arms"]]
    if rates:
        print_table(("", "won against", "share", "95 % interval", "votes", "images"), rates, right=(2, 4, 5))
        click.echo()
    for name, value in board["agreement"].items():
        click.echo(f"  {name}: {_number(value)}")
    for note in board["notes"]:
        print_wrapped(f"  {note}", 2)


def _win_rate(arm: dict[str, Any]) -> tuple[str, ...]:
    """How often one folder won against another; a tie is half a win."""
    known = arm["rate"] is not None
    ends = f"{arm['ci95'][0]:.0%} to {arm['ci95'][1]:.0%}" if known else "–"
    share = f"{arm['rate']:.0%}" if known else "–"
    return arm["one"], arm["other"], share, ends, f"{arm['votes']:,}", f"{arm['contents']:,}"


def _next(*words: str) -> None:
    click.echo()
    print_next({"next": f"{program()} {command('study', *words)}"})


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _file(*names: str, help: str) -> Any:
    return click.option(*names, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help=help)


@click.command("export")
@run_argument
@study_argument
@_file("--output", "-o", help="The votes: a name that ends with .csv, .jsonl or .parquet.")
@_file("--scores", help="The scores with their intervals, as .csv, .jsonl or .parquet.")
@_file("--keep", help="The list of images that most raters keep, for `select: {keep: FILE}`.")
@_file("--drop", help="The list of images that most raters drop, for `select: {drop: FILE}`.")
@database
def export(
    run: str,
    study: str,
    output: Path | None,
    scores: Path | None,
    keep: Path | None,
    drop: Path | None,
    database: str | None,
) -> None:
    """Write the votes of a study, its scores, or the lists of images to keep and to drop.

    \b
    groundglass study export runs/mine/0001 study.yaml -o votes.csv
    groundglass study export runs/mine/0001 review --keep keep.txt --drop drop.txt

    Undone votes and those that check raters are in it too, with `counts` false. Cells that a spreadsheet would take for
    formulas begin with a quote.
    """
    for path in (output, scores):
        if path is not None and path.suffix.lstrip(".").lower() not in FORMATS:
            raise click.UsageError(f"the name must end with .{', .'.join(FORMATS)}; {path} does not")
    if output is None and scores is None and keep is None and drop is None:
        raise click.UsageError("say what to write: -o votes.csv, --scores, --keep or --drop")
    opened = _open(run, study, database)
    from groundglass.studies.export import write_exports

    try:
        written = write_exports(opened, output, scores, keep, drop)
    finally:
        opened.store.close()
    for line in written:
        click.echo(line)
    _next("status", run, study)


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
    study = _open(str(run), str(folder / "study.yaml"), None)
    try:
        ((name, token),) = study.store.invite(1)
        click.echo(f"a study of {study.store.items().num_rows} images in {folder}; you are its rater {name}")
        _serve(str(run), [study], "127.0.0.1", port, "", not no_browser, False, f"/i/{token}")
    finally:
        study.store.close()


def _user_data() -> Path:
    """The user's folder for data of programs, by the XDG base directories."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "groundglass"


COMMANDS = (demo, serve, invite, revoke, status, export)
"""The commands of this file, in the order of use."""
