"""`groundglass questions`: list what a multimodal model can be asked."""

from __future__ import annotations

import click

from groundglass.cli.catalogs import print_catalog
from groundglass.cli.completion import catalog
from groundglass.cli.options import as_json


@click.command()
@click.argument("name", required=False, shell_complete=catalog("questions"))
@as_json
def command(name: str | None, as_json: bool) -> None:
    """List what an `annotate` step can ask. With NAME, show that question word for word, and its columns."""
    from groundglass.annotators.catalog import QUESTIONS

    print_catalog(QUESTIONS, name, "question", as_json)
    if name and not as_json:
        question = QUESTIONS[name]
        for asked in filter(None, (question.single, question.asks)):
            click.echo(f"\n  asks: {asked}")
