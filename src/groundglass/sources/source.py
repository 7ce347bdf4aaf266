"""The base of all sources of a recipe: they list images, and the columns that come with them, before any is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import pyarrow as pa
from pydantic import Field, PositiveInt, model_validator

from groundglass.engines.progress import Progress
from groundglass.engines.shards import Settings
from groundglass.errors import RecipeError
from groundglass.settings.field_types import Member
from groundglass.settings.key_rules import not_empty

SQL_TYPES = {"TEXT": "VARCHAR", "INTEGER": "BIGINT", "DOUBLE": "DOUBLE", "BOOLEAN": "BOOLEAN"}
"""The types that a recipe's `columns` may state, and SQL's types."""
CREDITS = {"licence": ("licence", "license"), "author": ("author",)}
"""Columns that hold the licence and the author of an image, if the recipe does not state one for all."""


class SourceFault(RecipeError):
    """A source cannot be used: ``keys`` lead to the part of the step, ``word`` is its wrong word, and ``valid`` are
    the possible words.
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
    """Describes the columns that come with a source's images, before any of them is read.

    columns  all available columns, with the SQL type that the table or the recipe gives them
    meta     the columns that become ``meta.x``
    credits  "licence" and "author" → the column that holds it
    unusable columns that cannot be used, with the reason
    notes    remarks for the user before the run
    skipped  files that are not rows, with the reason (`groundglass.sources.found_files.SKIPPED`)
    listing  lists the files that were found, if a look already reads them all: `Source.listing` would look again
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    meta: Mapping[str, str] = field(default_factory=dict)
    credits: Mapping[str, str] = field(default_factory=dict)
    unusable: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    skipped: pa.Table | None = None
    listing: Callable[[Mapping[str, str]], pa.Table] | None = None


@dataclass(frozen=True)
class Home:
    """The folder in which a source keeps files of its own, for all runs of a recipe; the name of its step, and the seed
    of the recipe, on which its choices by chance depend.
    """

    folder: Path
    step: str = ""
    seed: int = 0


@dataclass(frozen=True)
class Making:
    """The means with which a source makes its files.

    settings  of the engine that runs workers
    progress  the display of one part of the work, by its title
    retry     files that could not be made before are tried again
    """

    settings: Settings
    progress: Callable[[str], Progress]
    retry: bool = False


@dataclass(frozen=True)
class ToMake:
    """The files that a source has to make before they can be listed.

    files    (uri, width, height) of each, the size in px as far as it is known
    seconds  how long that may take
    notes    what it costs, in words
    untimed  whether it takes longer than ``seconds``, nobody knows how much
    """

    files: tuple[tuple[str, int, int], ...] = ()
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    untimed: bool = False


class Source(Member):
    """One place that images come from. Its fields are its keys in a recipe's `source`."""

    licence: Annotated[
        str | None, Field(description="SPDX id, e.g. CC-BY-4.0; default: the column `licence` or `license`")
    ] = None
    author: Annotated[
        str | None,
        Field(
            description="the author to credit in the card and the attribution file; default: the column `author`"
        ),
    ] = None
    limit: Annotated[PositiveInt | None, Field(description="only the first n by uri that pass `where`")] = (
        None
    )

    def look(self) -> Brought:
        """Find the source and the columns of its images. Raises SourceFault, RecipeError or MissingExtra."""
        raise NotImplementedError

    def to_make(self, home: Home) -> ToMake:
        """The files that `make` would make; nothing is made."""
        return ToMake()

    def make(self, home: Home, making: Making) -> tuple[str, ...]:
        """Make the files of the source that do not exist yet, before they are listed; returns notes for the user.

        Raises Interrupted and UnreachableError; finished files are kept, and the next call goes on.
        """
        return ()

    def listing(self, types: Mapping[str, str], home: Home) -> pa.Table:
        """Every image as a row of `groundglass.sources.listing.LISTING`, sorted by uri.

        ``types`` are the wanted columns that come with the images, and their SQL types: they become ``meta.x``.
        A source may keep its own files in ``home``, for all runs of a recipe. Raises RecipeError.
        """
        raise NotImplementedError

    def label(self) -> str:
        """The origin of the images, in a few words."""
        raise NotImplementedError

    def folders(self) -> tuple[str, ...]:
        """Folders from which it takes all images: nothing may be released into them."""
        return ()

    def brought(self, columns: Mapping[str, str], wanted: Mapping[str, str] | None = None) -> Brought:
        """The wanted columns, or all of them; columns that hold credits are listed separately."""
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
    """A source with columns for its images. They can be chosen, typed, and filtered before an image is read."""

    columns: Annotated[
        dict[str, Literal["TEXT", "INTEGER", "DOUBLE", "BOOLEAN"]] | None,
        Field(
            description="the columns that become `meta.x`, with their types; default: all, with their own types"
        ),
    ] = None
    where: Annotated[
        str | None,
        Field(
            description="an SQL expression on these columns; images that fail it are recorded but never read"
        ),
    ] = None

    @model_validator(mode="after")
    def _columns_are_named(self) -> SourceWithColumns:
        not_empty(self, ("columns",))
        return self

    def stated(self) -> dict[str, str]:
        """The SQL types that the recipe gives to columns."""
        return {name: SQL_TYPES[kind] for name, kind in (self.columns or {}).items()}
