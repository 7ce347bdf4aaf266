"""What every source of a recipe is: where images come from, and what comes with them before any of them is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import pyarrow as pa
from pydantic import Field, PositiveInt, model_validator

from groundglass.errors import RecipeError
from groundglass.settings.field_types import Member
from groundglass.settings.key_rules import not_empty

SQL_TYPES = {"TEXT": "VARCHAR", "INTEGER": "BIGINT", "DOUBLE": "DOUBLE", "BOOLEAN": "BOOLEAN"}
"""What a recipe's `columns` may say, and SQL's types."""
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

    columns  every column there is, with the SQL type that the table or the recipe gives it
    meta     those that become ``meta.x``
    credits  "licence" and "author" → the column that says it
    unusable  columns that cannot be used, and why
    notes    what a user should know beforehand
    skipped  files that are no rows, and why (`groundglass.sources.found_files.SKIPPED`)
    listing  how to list what was seen, where a look goes through all of it: `Source.listing` would look again
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    meta: Mapping[str, str] = field(default_factory=dict)
    credits: Mapping[str, str] = field(default_factory=dict)
    unusable: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    skipped: pa.Table | None = None
    listing: Callable[[Mapping[str, str]], pa.Table] | None = None


class Source(Member):
    """One place that images come from. Its fields are its keys in a recipe's `source`."""

    licence: Annotated[
        str | None, Field(description="SPDX id, e.g. CC-BY-4.0; default: the column `licence` or `license`")
    ] = None
    author: Annotated[
        str | None,
        Field(
            description="whom to credit; goes into the card and the attribution file; default: the column `author`"
        ),
    ] = None
    limit: Annotated[
        PositiveInt | None, Field(description="only the first n by uri, of those that `where` lets pass")
    ] = None

    def look(self) -> Brought:
        """Find the place and what comes with its pictures. Raises SourceFault, RecipeError or MissingExtra."""
        raise NotImplementedError

    def listing(self, types: Mapping[str, str], own_folder: Path) -> pa.Table:
        """Every picture as a row of `groundglass.sources.listing.LISTING`, sorted by uri.

        ``types`` are the columns wanted of what comes with the pictures, and their SQL types: they become ``meta.x``.
        In ``own_folder`` a source may keep files of its own, for all runs of a recipe. Raises RecipeError.
        """
        raise NotImplementedError

    def label(self) -> str:
        """Where the images come from, in a few words."""
        raise NotImplementedError

    def folders(self) -> tuple[str, ...]:
        """Folders of which it takes whatever lies there: nothing may be released into them."""
        return ()

    def brought(self, columns: Mapping[str, str], wanted: Mapping[str, str] | None = None) -> Brought:
        """Columns that are wanted, or all of them; those that credit somebody have their own place."""
        said = {"licence": self.licence, "author": self.author}
        credits = {
            what: name
            for what, names in CREDITS.items()
            for name in columns
            if said[what] is None and name.lower() in names
        }
        named = wanted or columns
        meta = {
            name: kind for name, kind in columns.items() if name in named and name not in credits.values()
        }
        return Brought(columns, meta, credits)


class SourceWithColumns(Source):
    """A source whose pictures come with columns, which can be chosen, typed, and asked before a picture is read."""

    columns: Annotated[
        dict[str, Literal["TEXT", "INTEGER", "DOUBLE", "BOOLEAN"]] | None,
        Field(description="which columns become `meta.x`, and of which type; default: all, as they are"),
    ] = None
    where: Annotated[
        str | None,
        Field(
            description="an SQL expression over those columns; what it refuses is on record but never read"
        ),
    ] = None

    @model_validator(mode="after")
    def _columns_are_named(self) -> SourceWithColumns:
        not_empty(self, ("columns",))
        return self

    def stated(self) -> dict[str, str]:
        """The SQL types that the recipe gives to columns."""
        return {name: SQL_TYPES[kind] for name, kind in (self.columns or {}).items()}
