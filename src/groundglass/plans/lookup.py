"""What a rule may look up while a recipe is planned: columns, expressions, files, references."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NoReturn

from groundglass.errors import RecipeError
from groundglass.plans.planner import (
    Planner,
    better_way,
    check_readable,
    expression_columns,
    find_column,
)
from groundglass.plans.source_quality_reference import check_reference, photographs_blockiness
from groundglass.selections.ranking import Order
from groundglass.tables.columns import ColumnPath, Scope


@dataclass(frozen=True)
class RuleLookup:
    """`groundglass.selections.rule.Lookup` for the rule under ``keys`` of the current step."""

    planner: Planner
    keys: tuple[str | int, ...]

    @property
    def scope(self) -> Scope:
        return self.planner.scope

    def column(self, key: str, name: str) -> ColumnPath:
        return find_column(self.planner, name, (*self.keys, key))

    def expression(self, key: str, text: str) -> tuple[ColumnPath, ...]:
        return expression_columns(self.planner, text, (*self.keys, key))

    def better(self, key: str, path: ColumnPath) -> Order:
        return better_way(self.planner, path, (*self.keys, key))

    def file(self, key: str, path: str) -> None:
        check_readable(self.planner, path, (*self.keys, key))

    def reference(self, key: str, text: str) -> ColumnPath:
        try:
            path = photographs_blockiness(self.scope)
        except RecipeError as error:
            self.refuse(key, error.message, error.hint)
        try:
            check_reference(text)
        except RecipeError as error:
            self.planner.fail((*self.keys, key, "reference"), error.message, error.hint)
        return path

    def inside(self, key: str, index: int) -> RuleLookup:
        return replace(self, keys=(*self.keys, key, index))

    def refuse(self, key: str, message: str, hint: str) -> NoReturn:
        self.planner.fail((*self.keys, key), message, hint)
