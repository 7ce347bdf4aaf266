"""Print a catalog: one line per entry, or one entry in full."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import click

from groundglass.catalog import Network
from groundglass.cli.funnel import print_table, print_wrapped, program
from groundglass.errors import RecipeError
from groundglass.text.suggest import did_you_mean

HIDDEN = "Its values are hashes that only the program reads: `deduplicate` finds copies by them."
"""Printed for a measure that has only hidden columns."""


def print_catalog(catalog: Mapping[str, Any], name: str | None, kind: str, as_json: bool) -> None:
    """Print all entries of a catalog in short, or the one called ``name`` in full."""
    if name is not None and name not in catalog:
        raise RecipeError(
            f"there is no {kind} '{name}'.{did_you_mean(name, catalog)}", f"groundglass {kind}s lists them"
        )
    chosen = {name: catalog[name]} if name else dict(catalog)
    if as_json:
        click.echo(
            json.dumps(
                [plain(record) for record in chosen.values()], indent=2, ensure_ascii=False, default=str
            )
        )
    elif name:
        _print_entry(catalog[name])
    else:
        print_table(("", ""), [(entry.name, sentence(entry.summary)) for entry in chosen.values()], right=())
        click.echo(f"\n  next  {program()} {kind}s {next(iter(catalog))}")


def sentence(summary: str) -> str:
    """The first sentence of a docstring, without its marks.

    >>> sentence("Keep the rows where ``x`` holds. Returns a table.")
    'Keep the rows where x holds.'
    """
    first, dot, _ = summary.replace("``", "").partition(". ")
    return first + dot.strip()


def plain(record: Any) -> Any:
    """A record in a form that JSON can hold: functions become their summary, types their names."""
    if isinstance(record, type):
        return record.__name__
    if isinstance(record, Mapping):
        return {key: plain(value) for key, value in record.items()}
    if isinstance(record, (list, tuple)):
        return [plain(value) for value in record]
    if hasattr(record, "__dataclass_fields__"):
        known = {field.name: plain(getattr(record, field.name)) for field in fields(record)}
        summary = {"summary": record.summary} if hasattr(record, "summary") else {}
        return {key: value for key, value in known.items() if not callable(getattr(record, key))} | summary
    return record


def _print_entry(entry: Any) -> None:
    version = f" · version {entry.version}" if hasattr(entry, "version") else ""
    click.secho(f"{entry.name}{version}", bold=True)
    print_wrapped(f"  {entry.summary.replace('``', '')}", 2)
    click.echo()
    columns = getattr(entry, "columns", {})
    shown = {name: column for name, column in columns.items() if not column.hidden}
    if shown:
        rows = [(name, c.unit or "–", _range(c), c.better, c.meaning) for name, c in shown.items()]
        print_table(("column", "unit", "range", "better", "meaning"), rows, right=())
    elif columns:
        print_wrapped(f"  {HIDDEN}", 2)
    if entry.parameters:
        click.echo()
        rows = [(name, _default(p), p.unit, p.meaning) for name, p in entry.parameters.items()]
        print_table(("setting", "default", "unit", "meaning"), rows, right=())
    if getattr(entry, "network", None):
        _print_network(entry.network)
    if getattr(entry, "reference", ""):
        click.echo()
        print_wrapped(f"  source: {entry.reference}", 4)


def _print_network(network: Network) -> None:
    about = (network.weights or "must be given", network.licence, network.notice)
    click.echo()
    print_wrapped(f"  network: {' · '.join(part for part in about if part)}", 4)


def _default(parameter: Any) -> str:
    return "–" if parameter.default is None else str(parameter.default).lower()


def _range(column: Any) -> str:
    if column.low is None and column.high is None:
        return "–"
    return f"{_end(column.low)} to {_end(column.high)}"


def _end(value: float | None) -> str:
    return "…" if value is None else f"{value:.6g}"
