"""Images that a table names or holds: Parquet, CSV or JSON, with the columns that describe them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar

import pyarrow as pa
from pydantic import Field, model_validator

from groundglass.errors import RecipeError
from groundglass.settings.field_types import Names
from groundglass.settings.key_rules import one_of, refuse
from groundglass.sources.source import CREDITS, Brought, Home, SourceFault, SourceWithColumns
from groundglass.sources.table_columns import ImageColumn, check_paths, find_bytes
from groundglass.sources.table_files import column_names, declared, find_tables
from groundglass.sources.table_listing import first_url, list_tables
from groundglass.sources.table_survey import Question, Survey, survey
from groundglass.sources.table_types import TEXT
from groundglass.tables.expressions import parse


class Table(SourceWithColumns):
    """The images that a table names or holds: Parquet, CSV or JSON Lines."""

    keys: ClassVar = ("table",)
    reference: ClassVar = "Parquet, RFC 4180, JSON Lines; Hugging Face's image columns"
    example: ClassVar = "{table: list.parquet, path: file, columns: {caption: TEXT}, where: 'width >= 2048'}"

    table: Annotated[
        Names,
        Field(
            min_length=1,
            description="Parquet, CSV, TSV, JSONL or JSON files with one row for each image; `*` matches any name",
        ),
    ]
    path: Annotated[
        str | None, Field(description="the column of file paths, relative to the table's folder")
    ] = None
    bytes: Annotated[
        str | None, Field(description="the Parquet column with the files' bytes, or its struct with `bytes`")
    ] = None

    @model_validator(mode="after")
    def _check(self) -> Table:
        if self.path is None and self.bytes is None:
            say = "`table` needs the column of the images"
            refuse("table", say, "add `path: COLUMN` or `bytes: COLUMN` to it")
        one_of(self, ("path", "bytes"))
        return self

    def look(self) -> Brought:
        paths = find_tables(self.table)
        # Cheap checks of the declared types come before the pass over all rows.
        self._check_image_column(paths)
        found = survey(paths, self._question())
        self._check_columns(paths, found)
        stated = self.stated()
        return replace(self.brought(found.types, stated), unusable=found.left_out, notes=found.notes)

    def _image_column(self) -> ImageColumn:
        return ImageColumn(self.bytes or self.path or "", embedded=self.bytes is not None)

    def _question(self) -> Question:
        """The columns to survey: if the recipe names columns, no others are read."""
        stated = self.stated()
        wanted = None
        if stated:
            credits = [word for words in CREDITS.values() for word in words]
            wanted = frozenset([*stated, *self._judged_by(), *credits])
        images = self._image_column()
        needed, without = ((), images.column) if images.embedded else ((images.column,), "")
        return Question(needed, without, tuple(stated.items()), wanted)

    def _judged_by(self) -> set[str]:
        """The columns that `where` names. Errors in it are reported later, with their position."""
        try:
            return {path[-1] for path in parse(self.where).columns} if self.where is not None else set()
        except RecipeError:
            return set()

    def _check_image_column(self, paths: Sequence[Path]) -> None:
        """Raises SourceFault if a Parquet file has no column of images, or one that cannot be used."""
        name = self._image_column().column
        key = ("bytes",) if self.bytes else ("path",)
        for path in paths:
            # Refuse a name that occurs twice, before it is looked up.
            column_names(path, [name])
            schema = declared(path)
            if schema is not None and name not in schema.names:
                raise SourceFault(f"{path} has no column '{name}'", "", key, name, schema.names)
            try:
                if self.bytes:
                    find_bytes(path, schema, name)
                elif schema is not None:
                    check_paths(schema, name)
            except RecipeError as error:
                raise SourceFault(error.message, error.hint, key, name) from error

    def _check_columns(self, paths: Sequence[Path], found: Survey) -> None:
        """Raises SourceFault for columns that do not exist or do not hold what the recipe says."""
        name = self._image_column().column
        if not self.bytes:
            for path, names in zip(paths, found.names, strict=True):
                if name not in names:
                    raise SourceFault(f"{path} has no column '{name}'", "", ("path",), name, names)
            sorts = found.sorts.get(name, frozenset())
            if sorts and TEXT not in sorts and len(sorts) == 1:
                said = f"the column '{name}' holds {next(iter(sorts))}, not paths"
                raise SourceFault(said, "name another column", ("path",), name)
            url = first_url(paths[0], name)
            if url:
                hint = "download them first, and name the files; groundglass does not download yet"
                said = f"the column '{name}' holds URLs ({url[:60]}), which are not supported yet"
                raise SourceFault(said, hint, ("path",), name)
        for stated in self.columns or {}:
            if stated == name:
                said = f"the column '{stated}' of {paths[0]} is the column of the images"
            elif stated in found.left_out:
                said = f"the column '{stated}' of {paths[0]} {found.left_out[stated]}"
            elif any(stated in names for names in found.names):
                continue
            else:
                said = f"{paths[0]} has no column '{stated}'"
            raise SourceFault(said, "", ("columns", stated), stated, tuple(found.types))

    def listing(self, types: Mapping[str, str], home: Home) -> pa.Table:
        return list_tables(self.table, self._image_column(), types)

    def label(self) -> str:
        return ", ".join(self.table)
