"""How a catalog is printed: a line an entry, or one entry in full."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import click

from groundglass.kernel.errors import RecipeError
from groundglass.kernel.nearest import did_you_mean


def print_catalog(catalog: Mapping[str, Any], name: str | None, kind: str, as_json: bool) -> None:
    """All entries of a catalog in short, or the one called ``name`` in full."""
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
        widest = max(map(len, chosen))
        for entry in chosen.values():
            click.echo(f"  {entry.name.ljust(widest)}  {entry.summary}")
        click.echo(f"\n  next  groundglass {kind}s {next(iter(catalog))}")


def plain(record: Any) -> Any:
    """A record as JSON can hold it: functions by their summary, types by their names."""
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
    click.echo(f"  {entry.summary}\n")
    for name, column in getattr(entry, "columns", {}).items():
        click.echo(f"  {name}  {_described(column)}")
    for name, parameter in entry.parameters.items():
        click.echo(f"  {name} = {parameter.default}  {parameter.meaning}")
    if getattr(entry, "reference", ""):
        click.echo(f"\n  from {entry.reference}")


def _described(column: Any) -> str:
    unit = f" [{column.unit}]" if column.unit else ""
    limits = (
        "" if column.low is None and column.high is None else f", {_end(column.low)} to {_end(column.high)}"
    )
    better = "" if column.better == "neither" else f", {column.better} is better"
    return f"{column.meaning}{unit}{limits}{better}"


def _end(value: float | None) -> str:
    return "…" if value is None else f"{value:g}"
