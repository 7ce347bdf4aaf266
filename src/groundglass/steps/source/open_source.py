"""The places a source step can name: what comes with their pictures, and their listing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from groundglass.errors import RecipeError
from groundglass.recipes.source_model import SourceStep
from groundglass.selections.where import where
from groundglass.sources.archive import archive_columns, list_archives
from groundglass.sources.folder import existing_folder, list_folders
from groundglass.sources.sample import SAMPLE_COLUMNS, find_photographs, make_sample
from groundglass.sources.table import (
    Pictures,
    bytes_column,
    find_tables,
    first_url,
    list_tables,
    path_column,
    sql_types,
    table_schema,
)
from groundglass.tables.columns import META
from groundglass.tables.expressions import check, parse
from groundglass.tables.parquet import compute, numbered
from groundglass.text.suggest import did_you_mean

SQL_TYPES = {"TEXT": "VARCHAR", "INTEGER": "BIGINT", "DOUBLE": "DOUBLE", "BOOLEAN": "BOOLEAN"}
"""What a recipe's `columns` may say, and SQL's types."""

REFUSED = "refused"
"""The column of a listing that says whom `where` refused."""

CREDITS = {"licence": ("licence", "license"), "author": ("author",)}
"""Columns that say the licence and the author of a picture, where the recipe does not say them for all."""


class SourceFault(RecipeError):
    """A source cannot be used: ``keys`` lead to the part of the step, ``word`` is its wrong word, and ``valid`` are
    the words that it could be.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        keys: tuple[str, ...] = (),
        word: str = "",
        valid: Sequence[str] = (),
    ) -> None:
        super().__init__(message, hint)
        self.args = (message, hint, keys, word, valid)
        self.keys, self.word, self.valid = keys, word, tuple(valid)


@dataclass(frozen=True)
class Brought:
    """What comes with a source's pictures, before any of them is read.

    columns   every column there is, with the SQL type that the table or the recipe gives it
    meta      those that become ``meta.x``
    credits   "licence" and "author" → the column that says it
    pictures  the column of a table that has the pictures
    notes     what a user should know beforehand
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    meta: Mapping[str, str] = field(default_factory=dict)
    credits: Mapping[str, str] = field(default_factory=dict)
    pictures: Pictures | None = None
    notes: tuple[str, ...] = ()


def look_at_source(body: SourceStep) -> Brought:
    """Find a source's place and what comes with its pictures. Raises SourceFault, ExpressionError or MissingExtra."""
    place = next(name for name in ("folder", "archive", "table", "sample") if getattr(body, name))
    try:
        brought = _LOOK[place](body)
    except SourceFault:
        raise
    except RecipeError as error:
        raise SourceFault(error.message, error.hint, (place,)) from error
    if body.where is not None:
        check(parse(body.where), brought.columns)
    return brought


def _folder(body: SourceStep) -> Brought:
    for folder in body.folder:
        existing_folder(folder)
    return Brought()


def _sample(_: SourceStep) -> Brought:
    find_photographs()
    return Brought(SAMPLE_COLUMNS, SAMPLE_COLUMNS, {"licence": "licence", "author": "author"})


def _archive(body: SourceStep) -> Brought:
    found = archive_columns(body.archive)
    stated = _stated(body)
    unseen = [name for name in stated if name not in found]
    notes = tuple(
        f"none of the first pictures has '{name}' beside it.{did_you_mean(name, found)}" for name in unseen
    )
    return _brought(body, found | stated, None, notes)


def _table(body: SourceStep) -> Brought:
    first = find_tables(body.table)[0]
    schema = table_schema(first)
    key, name = ("bytes", body.bytes) if body.bytes else ("path", body.path or "")
    if name not in schema.names:
        raise SourceFault(f"{first} has no column '{name}'", "", (key,), name, schema.names)
    try:
        pictures = bytes_column(first, schema, name) if body.bytes else path_column(schema, name)
    except RecipeError as error:
        raise SourceFault(error.message, error.hint, (key,), name) from error
    url = None if body.bytes else first_url(first, name)
    if url:
        hint = "fetch them first, and name the files; downloading comes in a later version"
        raise SourceFault(
            f"the column '{name}' holds URLs ({url[:60]}): not yet possible", hint, (key,), name
        )
    found = sql_types(schema, without=name)
    for stated in body.columns or {}:
        if stated not in found:
            what = "is of the pictures" if stated == name else "holds no single values"
            message = f"the column '{stated}' of {first} {what}" if stated in schema.names else ""
            raise SourceFault(
                message or f"{first} has no column '{stated}'", "", ("columns", stated), stated, tuple(found)
            )
    return _brought(body, found | _stated(body), pictures)


def _stated(body: SourceStep) -> dict[str, str]:
    return {name: SQL_TYPES[kind] for name, kind in (body.columns or {}).items()}


def _brought(
    body: SourceStep, columns: Mapping[str, str], pictures: Pictures | None, notes: tuple[str, ...] = ()
) -> Brought:
    """Columns that the recipe names, or all; those that credit somebody have their own place."""
    said = {"licence": body.licence, "author": body.author}
    credits = {
        what: name
        for what, names in CREDITS.items()
        for name in columns
        if said[what] is None and name.lower() in names
    }
    wanted = body.columns or columns
    meta = {name: kind for name, kind in columns.items() if name in wanted and name not in credits.values()}
    return Brought(columns, meta, credits, pictures, notes)


_LOOK = {"folder": _folder, "archive": _archive, "table": _table, "sample": _sample}


def list_source(body: SourceStep, sample_folder: Path) -> pa.Table:
    """The listing of a source, before any of its pictures is read, with ``licence``, ``author`` and ``meta.x``.

    With `where` it has also ``refused`` (bool), ``reason`` and ``margin`` of each row; a limit counts only those that
    are not refused. Raises RecipeError.
    """
    if body.sample:
        listing = _meta_named(make_sample(sample_folder))
    elif body.folder:
        listing = _with_credits(list_folders(body.folder, body.glob), body, {})
    else:
        brought = look_at_source(body)
        listing = _list_with_columns(body, brought)
        if body.where is not None:
            listing = _with_verdicts(listing, body.where)
        listing = _with_credits(listing, body, brought.credits)
        unwanted = {META + name for name in brought.columns if name not in brought.meta}
        listing = listing.select([name for name in listing.column_names if name not in unwanted])
    return _first(listing, body.limit) if body.limit else listing


def _meta_named(sample: pa.Table) -> pa.Table:
    names = [META + name if name in SAMPLE_COLUMNS else name for name in sample.column_names]
    return sample.rename_columns(names)


def _list_with_columns(body: SourceStep, brought: Brought) -> pa.Table:
    """With the columns that become meta, those that credit, and those that `where` asks for; no others are read."""
    asked = {path[-1] for path in parse(body.where).columns} if body.where is not None else set[str]()
    needed = {*brought.meta, *brought.credits.values(), *asked}
    types = {name: kind for name, kind in brought.columns.items() if name in needed}
    if brought.pictures is not None:
        return list_tables(body.table, brought.pictures, types)
    return list_archives(body.archive, body.glob, types)


def _with_verdicts(listing: pa.Table, expression: str) -> pa.Table:
    """Who is refused before being read, and why. A row that cannot be read anyway is not judged."""
    names = [name for name in listing.column_names if name.startswith(META)]
    pool = listing.select(names).rename_columns([name.removeprefix(META) for name in names])
    if "id" not in pool.column_names:
        pool = pool.append_column("id", numbered(listing).cast(pa.string()))
    verdicts = where(pool, expression)
    refused = compute.and_(compute.invert(verdicts["kept"]), listing["error"].is_null())
    listing = listing.append_column(REFUSED, refused)
    return listing.append_column("reason", verdicts["reason"]).append_column("margin", verdicts["margin"])


def _with_credits(listing: pa.Table, body: SourceStep, credits: Mapping[str, str]) -> pa.Table:
    """With licence and author: what the recipe says of all, or a column of each."""
    for what, said in (("licence", body.licence), ("author", body.author)):
        values = pa.array([said] * listing.num_rows, pa.string())
        if what in credits:
            words = compute.utf8_trim_whitespace(listing[META + credits[what]].cast(pa.string()))
            values = compute.if_else(compute.equal(words, ""), pa.scalar(None, pa.string()), words)
        listing = listing.append_column(what, values)
    return listing


def _first(listing: pa.Table, limit: int) -> pa.Table:
    """Up to the n-th row that is not refused."""
    if REFUSED not in listing.column_names:
        return listing.slice(0, limit)
    passed = compute.indices_nonzero(compute.invert(listing[REFUSED]))
    return listing if len(passed) <= limit else listing.slice(0, passed[limit - 1].as_py() + 1)
