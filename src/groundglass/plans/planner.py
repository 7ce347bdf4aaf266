"""Planning a step: the records of a plan, and how words, columns and files are looked up."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from groundglass.annotators.question import Inquiry
from groundglass.errors import NotHere
from groundglass.measures.measure_job import Ask
from groundglass.measures.text_job import TextAsk
from groundglass.plans.prompts_asked import PromptsAsked
from groundglass.plans.unknown_column import explain
from groundglass.recipes.load import LoadedRecipe, recipe_error
from groundglass.recipes.measure_model import ScoreTable
from groundglass.recipes.model import Recipe, Step
from groundglass.selections.ranking import Order
from groundglass.tables.columns import ColumnPath, KnownColumn, Scope
from groundglass.tables.expressions import (
    Expression,
    ExpressionError,
    UnknownColumn,
    check,
    column_path,
    parse,
)
from groundglass.tables.value_ranges import why_impossible


@dataclass(frozen=True)
class PlannedStep:
    """A step after everything that it needs has been looked up.

    asks       the measures that it needs, on the rows it gets (for `split`: on their photographs)
    texts      the measures that it needs of texts that came with the images
    inquiries  the questions of an annotate step as they are sent, one for each of `asks`
    scope      the columns that it can name
    paths      the columns that it does name
    orders     which way is better: by column, if a selection does not say it; by split, of a hold-out
    references  profiles and folders that a selection judges sources by
    of_photographs  whether `asks` are of the photographs that the rows come from
    condition  the columns that its `if` names
    rest_wanted  a later hold-out takes from what this ranked selection drops
    takes_from  of a hold-out: split -> the ranked selection; the split is taken from the rows that it dropped
    brings     the columns that a measure step adds, without hidden ones
    notes      sentences that the user should read before the run
    """

    step: Step
    label: str
    scope: Scope
    asks: tuple[Ask, ...] = ()
    texts: tuple[TextAsk, ...] = ()
    inquiries: tuple[Inquiry, ...] = ()
    scores: tuple[ScoreTable, ...] = ()
    prompts: tuple[PromptsAsked, ...] = ()
    paths: tuple[ColumnPath, ...] = ()
    orders: Mapping[str, Order] = field(default_factory=dict)
    condition: tuple[ColumnPath, ...] = ()
    notes: tuple[str, ...] = ()
    brings: tuple[str, ...] = ()
    rest_wanted: bool = False
    references: tuple[str, ...] = ()
    of_photographs: bool = False
    takes_from: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """A checked recipe: its planned steps, every column that it adds, and the types of those that come with sources."""

    recipe: Recipe
    text: str
    file: str
    steps: tuple[PlannedStep, ...]
    columns: tuple[KnownColumn, ...]
    meta: Mapping[str, str] = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        return [f"{planned.step.name}: {note}" for planned in self.steps for note in planned.notes]


@dataclass
class Planner:
    """The knowledge so far while the steps are planned in order.

    judged_by  columns that selections named
    resized    whether the images lost the photo's JPEG grid
    made       whether a step made the images (or some of them), and no later one cropped or resized them
    """

    loaded: LoadedRecipe
    scope: Scope = field(default_factory=Scope)
    resized: bool = False
    made: bool = False
    licences: dict[str, str | None] = field(default_factory=dict)
    judged_by: set[str] = field(default_factory=set)
    index: int = 0

    def fail(
        self,
        keys: Iterable[str | int],
        message: str,
        hint: str = "",
        valid: Iterable[str] = (),
        word: str = "",
        lacking: bool = False,
    ) -> NoReturn:
        """Refuse the recipe at ``keys`` of the current step; ``lacking`` if the recipe is right, but this machine lacks
        something that it needs."""
        error = recipe_error(
            self.loaded, (self.index, *keys), message, hint=hint, valid=tuple(valid), word=word
        )
        raise NotHere(error.message, error.hint) if lacking else error


def better_way(
    planner: Planner,
    path: ColumnPath,
    keys: tuple[str | int, ...],
    hint: str = "say which: order: higher, or order: lower",
) -> Order:
    """Which direction of a column is better. A column without one is refused, with a hint on the remedy."""
    column = planner.scope.find(path)
    if column is None or column.better == "neither":
        planner.fail(
            keys,
            f"neither direction of '{'.'.join(path)}' is better in general",
            hint,
        )
    return column.better


def expression_columns(planner: Planner, text: str, keys: tuple[str | int, ...]) -> tuple[ColumnPath, ...]:
    """The columns of an expression; all of them exist here and have fitting types."""
    try:
        expression = parse(text)
        check(expression, planner.scope.types(), hidden=planner.scope.hidden())
    except ExpressionError as error:
        _fail_expression(planner, keys, error)
    _refuse_impossible(planner, expression, keys)
    return expression.columns


def _refuse_impossible(planner: Planner, expression: Expression, keys: tuple[str | int, ...]) -> None:
    """Refuse a condition that no value can meet: it is a slip, such as the wrong sign or another unit.

    In a selection with an `if` it may be intended: it drops the images for which the `if` is true, and no others.
    """
    found = why_impossible(expression.comparisons, planner.scope)
    meant = planner.loaded.recipe.steps[planner.index].only_if is not None and keys[0] == "select"
    if found is None or meant:
        return
    atom, said, hint = found
    planner.fail(keys, said, hint, word=atom.text)


def find_column(planner: Planner, text: str, keys: tuple[str | int, ...]) -> ColumnPath:
    try:
        check(parse(text), planner.scope.types(), "", planner.scope.hidden())
        return column_path(text)
    except ExpressionError as error:
        _fail_expression(planner, keys, error)


def _fail_expression(planner: Planner, keys: tuple[str | int, ...], error: ExpressionError) -> NoReturn:
    """Point at the word, and say what was probably meant by it."""
    message, hint = error.message, error.hint
    if isinstance(error, UnknownColumn):
        message, hint = explain(error, planner.scope)
    planner.fail(keys, message, hint, word=quoted_word(error.message))


def quoted_word(message: str) -> str:
    """The word that a message is about, so that the caret can point at it."""
    found = re.search(r"'([^']+)'", message)
    return found[1] if found else ""


def check_readable(planner: Planner, path: str, keys: tuple[str | int, ...]) -> None:
    from pathlib import Path

    try:
        with Path(path).expanduser().open("rb"):
            pass
    except OSError as error:
        planner.fail(
            keys,
            f"cannot read {Path(path).absolute()}: {error.strerror}",
            "paths are taken from the working folder",
        )
