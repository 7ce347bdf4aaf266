"""Planning a select step with a cascade: check the cheap column, and find the costly measure that the rule needs."""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

from groundglass.measures.catalog import MEASURES
from groundglass.plans.planner import PlannedStep, Planner, expression_columns, find_column
from groundglass.selections.where import Cascade, Where
from groundglass.settings.measure_request import MeasureRequest
from groundglass.steps.measure.plan import add_columns, of_texts, plan_request
from groundglass.tables.columns import ColumnPath, KnownColumn
from groundglass.tables.expressions import ExpressionError, parse

CASCADE = ("select", "cascade")
NUMBERS = ("DOUBLE", "BIGINT", "BOOLEAN")


def plan_cascade(planner: Planner, planned: PlannedStep, body: Where, cascade: Cascade) -> PlannedStep:
    """The step with the costly measure as its only ask, and the columns of that measure in its scope."""
    _check_cheap(planner, cascade)
    request = cascade.measure or MeasureRequest(measure=_bringer(planner, body))
    wanted, columns = plan_request(planner, request, planned.step.name, (*CASCADE, "measure"))
    if of_texts(wanted):
        planner.fail(
            (*CASCADE, "measure"),
            f"{wanted.measure} cannot be the measure of a cascade: it compares an image with a text",
            f"measure it in a separate step: - measure: [{{{wanted.measure}: {{text: meta.caption}}}}]",
        )
    before = planner.scope
    add_columns(planner, columns, (*CASCADE, "measure"))
    paths = expression_columns(planner, body.where, ("select", "where"))
    _check_costly(planner, paths, columns, set(before.own()))
    return replace(
        planned,
        scope=planner.scope,
        paths=paths,
        asks=(wanted,),
        brings=tuple(column.name for column in columns),
        notes=tuple(_notes(body, cascade, wanted.measure, columns)),
    )


def _check_cheap(planner: Planner, cascade: Cascade) -> None:
    by = ".".join(find_column(planner, cascade.by, (*CASCADE, "by")))
    if planner.scope.types()[by] not in NUMBERS:
        planner.fail((*CASCADE, "by"), f"'{by}' holds no numbers", "name a column of numbers")


def _bringer(planner: Planner, body: Where) -> str:
    """The one measure of the catalog that adds all columns of the rule that are missing so far."""
    known = planner.scope.types()
    new = [path[-1] for path in _paths(planner, body) if ".".join(path) not in known]
    if not new:
        _fail_known(planner)
    found = [measure.name for measure in MEASURES.values() if set(new) <= measure.columns.keys()]
    if len(found) != 1:
        _fail_bringers(planner, new, found)
    return found[0]


def _fail_bringers(planner: Planner, new: list[str], found: list[str]) -> NoReturn:
    """Refuse a rule with new columns that no measure adds, or that several add."""
    if found:
        names = " and ".join(found)
        planner.fail(CASCADE, f"{names} both add {', '.join(new)}", "choose one: measure: NAME")
    every = [
        *planner.scope.types(),
        *(column for measure in MEASURES.values() for column in measure.columns),
    ]
    strange = next((name for name in new if name not in every), None)
    hint = "groundglass measures lists the columns; to give settings: cascade: {measure: {NAME: {as: …}}}"
    if strange is None:
        planner.fail(("select", "where"), f"no single measure adds {' and '.join(new)}", hint)
    said = f"no measure adds the column '{strange}'"
    planner.fail(("select", "where"), said, hint, every, strange)


def _paths(planner: Planner, body: Where) -> tuple[ColumnPath, ...]:
    """The columns of the rule; a fault in the rule is reported at its place."""
    try:
        return parse(body.where).columns
    except ExpressionError:
        return expression_columns(planner, body.where, ("select", "where"))


def _check_costly(
    planner: Planner, paths: tuple[ColumnPath, ...], columns: list[KnownColumn], known: set[str]
) -> None:
    """Refuse a rule that does not need the costly measure, or that an earlier step already measured."""
    costly = {column.name for column in columns} & {path[-1] for path in paths if len(path) == 1}
    if not costly:
        planner.fail(
            (*CASCADE, "measure"),
            "`where` names no column of the cascade's measure",
            f"it adds {', '.join(column.name for column in columns)}",
        )
    if costly <= known:
        _fail_known(planner)


def _fail_known(planner: Planner) -> NoReturn:
    planner.fail(
        CASCADE,
        "every column of `where` is known before this step: a cascade would save nothing",
        "leave `cascade` out, or remove its measure from the earlier steps",
    )


def _notes(body: Where, cascade: Cascade, measure: str, columns: list[KnownColumn]) -> list[str]:
    costly = {column.name for column in columns}
    cheap = [
        atom.text
        for atom in parse(body.where).comparisons
        if not costly & {path[-1] for path in atom.columns}
    ]
    share = (
        "" if cascade.budget == 1 else f", which measures at most {100 * cascade.budget:.4g} % of the rows"
    )
    notes = [
        f"a sample decides from which {cascade.by} on rows are dropped without {measure}{share}; "
        f"if a recall of {cascade.recall:g} cannot be shown, "
        + ("every row is measured" if cascade.budget == 1 else "the run stops and suggests values that work")
    ]
    return notes + [
        f"`{text}` needs no {measure}: put it in a separate step before this one, where it costs nothing"
        for text in cheap
    ]
