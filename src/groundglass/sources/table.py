"""Pictures that a table names or holds: Parquet, CSV or JSON, with what else it knows of them."""

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
from groundglass.sources.source import CREDITS, Brought, SourceFault, SourceWithColumns
from groundglass.sources.table_columns import Pictures, check_paths, find_bytes
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
            description="Parquet, CSV, TSV, JSONL or JSON files whose rows are images; `*` stands for any name",
        ),
    ]
    path: Annotated[
        str | None, Field(description="the table's column of files, each taken from the table's folder")
    ] = None
    bytes: Annotated[
        str | None, Field(description="the Parquet table's column of whole files, or its struct with `bytes`")
    ] = None

    @model_validator(mode="after")
    def _check(self) -> Table:
        if self.path is None and self.bytes is None:
            say = "`table` needs the column of the pictures"
            refuse("table", say, "add `path: COLUMN` or `bytes: COLUMN` to it")
        one_of(self, ("path", "bytes"))
        return self

    def look(self) -> Brought:
        paths = find_tables(self.table)
        self._check_pictures(paths)
        found = survey(paths, self._question())
        self._check_columns(paths, found)
        stated = self.stated()
        return replace(self.brought(found.types, stated), unusable=found.left_out, notes=found.notes)

    def _pictures(self) -> Pictures:
        return Pictures(self.bytes or self.path or "", embedded=self.bytes is not None)

    def _question(self) -> Question:
        """What the table is asked: where the recipe names columns, no others are read."""
        stated = self.stated()
        wanted = None
        if stated:
            credits = [word for words in CREDITS.values() for word in words]
            wanted = frozenset([*stated, *self._judged_by(), *credits])
        pictures = self._pictures()
        needed, without = ((), pictures.column) if pictures.embedded else ((pictures.column,), "")
        return Question(needed, without, tuple(stated.items()), wanted)

    def _judged_by(self) -> set[str]:
        """The columns that `where` names. What is wrong with it is told later, with its place."""
        try:
            return {path[-1] for path in parse(self.where).columns} if self.where is not None else set()
        except RecipeError:
            return set()

    def _check_pictures(self, paths: Sequence[Path]) -> None:
        """Raises SourceFault where a Parquet file has no column of pictures, or one that cannot be used."""
        name = self._pictures().column
        key = ("bytes",) if self.bytes else ("path",)
        for path in paths:
            column_names(path, [name])  # one name twice is refused before it is looked up
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
        """Raises SourceFault for columns that are not there or hold something else than the recipe says."""
        name = self._pictures().column
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
                hint = "fetch them first, and name the files; downloading comes in a later version"
                said = f"the column '{name}' holds URLs ({url[:60]}): not yet possible"
                raise SourceFault(said, hint, ("path",), name)
        for stated in self.columns or {}:
            if stated == name:
                said = f"the column '{stated}' of {paths[0]} is of the pictures"
            elif stated in found.left_out:
                said = f"the column '{stated}' of {paths[0]} {found.left_out[stated]}"
            elif any(stated in names for names in found.names):
                continue
            else:
                said = f"{paths[0]} has no column '{stated}'"
            raise SourceFault(said, "", ("columns", stated), stated, tuple(found.types))

    def listing(self, types: Mapping[str, str], own_folder: Path) -> pa.Table:
        return list_tables(self.table, self._pictures(), types)

    def label(self) -> str:
        return ", ".join(self.table)
