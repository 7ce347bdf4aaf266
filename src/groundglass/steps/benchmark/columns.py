"""The columns that a benchmark step compares, with the defaults that follow from the steps before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from groundglass.benchmarks.score_columns import path_in
from groundglass.plans.run_folder import study_key
from groundglass.recipes.benchmark_model import BenchmarkStep
from groundglass.recipes.model import Step
from groundglass.recipes.study_model import StudyStep
from groundglass.studies.score_columns import score_columns
from groundglass.tables.columns import ColumnPath, KnownColumn, Scope

NUMBERS = ("DOUBLE", "BIGINT", "BOOLEAN")
"""SQL types of columns that can be compared."""


@dataclass(frozen=True)
class Compared:
    """The columns of a benchmark by their names in the recipe, each with the path of its values.

    mos      one entry; empty if no step before has a score and the recipe names none
    scores   the measures
    lower    those of which lower is better
    study    the name of the study whose scores the MOS is; "" if it comes from elsewhere
    content  one entry, or none: then each photo is a content of its own
    """

    mos: Mapping[str, ColumnPath]
    scores: Mapping[str, ColumnPath]
    lower: frozenset[str]
    study: str
    content: Mapping[str, ColumnPath]
    strata: Mapping[str, ColumnPath]

    @property
    def paths(self) -> dict[str, ColumnPath]:
        return {**self.scores, **self.mos, **self.content, **self.strata}


def compared_columns(scope: Scope, before: Sequence[Step], body: BenchmarkStep) -> Compared:
    """The columns that a benchmark reads; ``before`` are the steps before it.

    A name that is not a column is left out: planning refuses it first.
    """
    mos = body.mos or last_score(scope, before) or ""
    mos_path = path_in(scope, mos) if mos else None
    study = study_of(scope, mos_path, before)
    content = body.content or content_of(study, before)
    asked = body.asked or columns_with_a_direction(scope, mos_path, (*body.lower, *body.higher))
    scores = _paths(scope, asked)
    columns = {name: scope.find(path) for name, path in scores.items()}
    lower = {
        name
        for name, column in columns.items()
        if name in body.lower or (column is not None and column.better == "lower" and name not in body.higher)
    }
    return Compared(
        {} if mos_path is None else {mos: mos_path},
        scores,
        frozenset(lower),
        study,
        _paths(scope, [content] if content else []),
        _paths(scope, body.strata),
    )


def _paths(scope: Scope, names: Iterable[str]) -> dict[str, ColumnPath]:
    return {name: path for name in names if (path := path_in(scope, name)) is not None}


def studies_before(before: Sequence[Step]) -> dict[str, StudyStep]:
    """The study steps that give scores to images, by name."""
    return {
        step.name: step.body
        for step in before
        if isinstance(step.body, StudyStep) and score_columns(step.body)
    }


def last_score(scope: Scope, before: Sequence[Step]) -> str | None:
    """The column of the first score of the last study, as these rows can name it."""
    for name, body in reversed(studies_before(before).items()):
        first = f"{name}.{next(iter(score_columns(body)))}"
        found = [called for called in (first, f"root.{first}") if called in scope.types()]
        if found:
            return found[0]
    return None


def study_of(scope: Scope, path: ColumnPath | None, before: Sequence[Step]) -> str:
    """The study step that gave a column; "" if none did."""
    column = None if path is None else scope.find(path)
    names = [name for name in studies_before(before) if column is not None and column.key == study_key(name)]
    return names[0] if names else ""


def content_of(study: str, before: Sequence[Step]) -> str | None:
    """The column of the contents that a study was made with."""
    body = studies_before(before).get(study)
    return None if body is None else body.content


def columns_with_a_direction(
    scope: Scope, mos: ColumnPath | None, stated: Sequence[str] = ()
) -> tuple[str, ...]:
    """The rows' own measured columns of which higher or lower is better, and those of which the recipe states it.

    Scores of studies are opinions, not measures.
    """
    return tuple(
        name
        for name, column in scope.own().items()
        if (name,) != mos
        and not column.hidden
        and column.sql_type in NUMBERS
        and not is_of_study(column)
        and (column.better != "neither" or name in stated)
    )


def is_of_study(column: KnownColumn) -> bool:
    """Whether people gave a column's values in a study."""
    return column.key.startswith(study_key(""))
