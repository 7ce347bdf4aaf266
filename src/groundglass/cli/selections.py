"""`groundglass selections`: list the rules that keep or drop images."""

from __future__ import annotations

import click

from groundglass.cli.catalogs import print_catalog
from groundglass.cli.completion import catalog
from groundglass.cli.options import as_json


@click.command()
@click.argument("name", required=False, shell_complete=catalog("selections"))
@as_json
def command(name: str | None, as_json: bool) -> None:
    """List the rules that keep or drop images. With NAME, show that rule and its settings."""
    from groundglass.recipes.families import entries

    print_catalog(entries("select"), name, "selection", as_json)
