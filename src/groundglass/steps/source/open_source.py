"""Open a source for a step: the columns that come with its images, and the listing with verdicts and credits."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from groundglass.errors import RecipeError
from groundglass.selections.where import where
from groundglass.sources.listing import ARROW
from groundglass.sources.source import Brought, Home, Source, SourceFault, SourceWithColumns
from groundglass.tables.columns import META
from groundglass.tables.expressions import ExpressionError, check, parse
from groundglass.tables.parquet import compute, numbered

REFUSED = "refused"
"""The column of a listing that is true for rows that `where` refused."""


def look_at_source(source: Source) -> Brought:
    """Find a source and the columns that come with its images. Raises SourceFault, ExpressionError or MissingExtra."""
    try:
        brought = source.look()
    except SourceFault:
        raise
    except RecipeError as error:
        raise SourceFault(error.message, error.hint, source.keys[:1]) from error
    condition = condition_of(source)
    if condition is not None:
        parsed = parse(condition)
        for name in (path[-1] for path in parsed.columns if path[-1] in brought.unusable):
            raise ExpressionError(f"the column '{name}' {brought.unusable[name]}")
        check(parsed, brought.columns)
    return brought


def condition_of(source: Source) -> str | None:
    """The condition that a source checks before it reads images; None without one."""
    return source.where if isinstance(source, SourceWithColumns) else None


def list_source(
    source: Source, home: Home, brought: Brought, shared: Mapping[str, str] | None = None
) -> pa.Table:
    """The listing of a source, before any of its images is read, with ``licence``, ``author`` and ``meta.x``.

    ``brought`` is the result of `look_at_source`; ``shared`` are the types of columns in all sources of the recipe
    together, if they differ. With `where` the listing also has ``refused`` (bool), ``reason`` and ``margin`` of each
    row; a limit counts only rows that are not refused. Raises RecipeError.
    """
    condition = condition_of(source)
    asked = {".".join(path) for path in parse(condition).columns} if condition is not None else set[str]()
    needed = {*brought.meta, *brought.credits.values(), *asked}  # no other columns are read
    types = {name: kind for name, kind in brought.columns.items() if name in needed}
    listing = brought.listing(types) if brought.listing else source.listing(types, home)
    if condition is not None:
        listing = _with_verdicts(listing, condition)
    listing = _with_credits(listing, source, brought.credits)
    unwanted = {META + name for name in brought.columns if name not in brought.meta}
    listing = listing.select([name for name in listing.column_names if name not in unwanted])
    listing = _as_shared(listing, shared or {})
    return _first(listing, source.limit) if source.limit else listing


def _with_verdicts(listing: pa.Table, expression: str) -> pa.Table:
    """The listing with the rows that are refused unread, and why. A row that cannot be read anyway is not judged."""
    names = dict.fromkeys(".".join(path) for path in parse(expression).columns)
    pool = pa.table(
        {"id": numbered(listing).cast(pa.string())} | {name: listing[META + name] for name in names}
    )
    verdicts = where(pool, expression)
    refused = compute.and_(compute.invert(verdicts["kept"]), listing["error"].is_null())
    listing = listing.append_column(REFUSED, refused)
    return listing.append_column("reason", verdicts["reason"]).append_column("margin", verdicts["margin"])


def _with_credits(listing: pa.Table, source: Source, credits: Mapping[str, str]) -> pa.Table:
    """The listing with licence and author: the recipe's for all rows, or a column's for each row."""
    for what, said in (("licence", source.licence), ("author", source.author)):
        values = pa.array([said] * listing.num_rows, pa.string())
        if what in credits:
            words = compute.utf8_trim_whitespace(listing[META + credits[what]].cast(pa.string()))
            values = compute.if_else(compute.equal(words, ""), pa.scalar(None, pa.string()), words)
        listing = listing.append_column(what, values)
    return listing


def _as_shared(listing: pa.Table, shared: Mapping[str, str]) -> pa.Table:
    """The listing with its `meta` columns in the types that they have in all sources together."""
    for place, name in enumerate(listing.column_names):
        kind = ARROW.get(shared.get(name.removeprefix(META), "")) if name.startswith(META) else None
        if kind is not None and listing[name].type != kind:
            listing = listing.set_column(place, name, listing[name].cast(kind))
    return listing


def _first(listing: pa.Table, limit: int) -> pa.Table:
    """The listing up to the n-th row that is not refused."""
    if REFUSED not in listing.column_names:
        return listing.slice(0, limit)
    passed = compute.indices_nonzero(compute.invert(listing[REFUSED]))
    return listing if len(passed) <= limit else listing.slice(0, passed[limit - 1].as_py() + 1)
