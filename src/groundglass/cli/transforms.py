"""`groundglass transforms`: list the ways to scale and cut images."""

from __future__ import annotations

import click

from groundglass.cli.catalogs import print_catalog
from groundglass.cli.completion import catalog
from groundglass.cli.options import as_json


@click.command()
@click.argument("name", required=False, shell_complete=catalog("transforms"))
@as_json
def command(name: str | None, as_json: bool) -> None:
    """List the ways to scale and cut images. With NAME, show that one and its settings."""
    from groundglass.recipes.families import entries

    print_catalog(entries("transform"), name, "transform", as_json)
