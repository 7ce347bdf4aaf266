"""`groundglass study invite` and `revoke`: links for raters."""

from __future__ import annotations

import json
import time

import click

from groundglass.cli.options import as_json, run_argument
from groundglass.cli.study_options import checked_url, database, opened_study, show_next, study_argument


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
    "--url", default="", metavar="URL", callback=checked_url, help="The server's address, for whole links."
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
    opened = opened_study(run, study, database)
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
    show_next("serve", run, study)


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
    opened = opened_study(run, study, database)
    try:
        for rater in raters:
            opened.store.revoke(rater)
    finally:
        opened.store.close()
    click.echo(f"withdrawn: {', '.join(raters)}; their votes stay")
    show_next("status", run, study)
