"""Hints for a word of a recipe that names no column at its place: the column that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable

from groundglass.annotators.catalog import QUESTIONS
from groundglass.catalog import Column
from groundglass.measures.catalog import MEASURES
from groundglass.tables.columns import Scope
from groundglass.tables.expressions import UnknownColumn
from groundglass.text.suggest import nearest


def explain(error: UnknownColumn, scope: Scope) -> tuple[str, str]:
    """The sentence and the hint about a column that does not exist, given the columns of ``scope``."""
    name = error.name
    elsewhere = next((column for column in scope.columns if column.name == name), None)
    if elsewhere is not None:
        which = "the photos" if elsewhere.generation == 0 else "an earlier generation"
        said = f"{name} was measured on {which} (step {elsewhere.step}), not on these images"
        return said, f"write root.{name}, or measure it again here"
    unusable = (scope.unusable or {}).get(name.removeprefix("meta."))
    if unusable:
        return f"the column '{name}' {unusable}: the source leaves it out", ""
    if name in MEASURES and name not in MEASURES[name].columns:
        return f"'{name}' is a measure, not a column", _of_measure(name, scope)
    if error.near:
        return error.message, error.hint
    return error.message, _brought_by(name) or error.hint


def _of_measure(name: str, scope: Scope) -> str:
    """The columns of a measure: under their names in this recipe, or the step to write to get them."""
    here = [
        column.name
        for column in scope.own().values()
        if column.key.startswith(f"{name}-") and not column.hidden
    ]
    if here:
        return f"write one of its columns: {', '.join(here)}"
    shown = _shown(MEASURES[name].columns.items())
    if not shown:
        return "only `deduplicate` reads its values: groundglass selections deduplicate"
    columns = f"its columns are {', '.join(shown)}" if len(shown) > 1 else f"its column is {shown[0]}"
    return f"{columns}; add `- measure: [{name}]` before this step"


def _brought_by(name: str) -> str:
    """The measure or question that would add a missing column; a misspelt name counts as the nearest one."""
    measures = {column: m.name for m in MEASURES.values() for column in _shown(m.columns.items())}
    questions = {column: q.name for q in QUESTIONS.values() for column in _shown(q.columns.items())}
    found = nearest(name, (*measures, *questions))
    if found is None:
        return ""
    meant = "" if found == name else f"did you mean '{found}'? "
    if found in measures:
        step = f"add `- measure: [{measures[found]}]` before this step"
        return f"{meant}it is a column of the measure {measures[found]}: {step}"
    return f"{meant}it answers the question {questions[found]}: ask it in an `annotate` step before this one"


def _shown(columns: Iterable[tuple[str, Column]]) -> list[str]:
    return [name for name, column in columns if not column.hidden]
