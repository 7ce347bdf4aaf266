"""`groundglass measures`: list what can be measured."""

from __future__ import annotations

import click

from groundglass.cli.catalogs import print_catalog
from groundglass.cli.completion import catalog
from groundglass.cli.options import as_json


@click.command()
@click.argument("name", required=False, shell_complete=catalog("measures"))
@as_json
def command(name: str | None, as_json: bool) -> None:
    """List what can be measured. With NAME, show the columns of that measure: unit, range and which way is better."""
    from groundglass.measures.catalog import MEASURES

    print_catalog(MEASURES, name, "measure", as_json)
