"""Planning the measure step: every measure, parameter and column is known before anything is measured."""

from __future__ import annotations

from dataclasses import replace

from groundglass.catalog import Measure
from groundglass.errors import MissingExtra, RecipeError
from groundglass.extras import is_installed
from groundglass.measures.catalog import MEASURES
from groundglass.measures.measure_job import Ask
from groundglass.measures.parameters import parameter_problem
from groundglass.plans.external_scores import score_columns
from groundglass.plans.networks import network_notes
from groundglass.plans.planner import PlannedStep, Planner
from groundglass.recipes.measure_model import MeasureStep, ScoreTable
from groundglass.settings.measure_request import MeasureRequest
from groundglass.steps.select.plan import ask
from groundglass.tables.columns import KnownColumn, measured_columns


def plan_measure(planner: Planner, planned: PlannedStep, body: MeasureStep) -> PlannedStep:
    asks: list[Ask] = []
    notes: list[str] = []
    brings: list[str] = []
    for position, request in enumerate(body.measures):
        where = ("measure", position)
        if isinstance(request, ScoreTable):
            columns = _scores(planner, request, planned.step.name, where)
        else:
            wanted, columns = plan_request(planner, request, planned.step.name, where)
            asks.append(wanted)
            notes += network_notes(wanted)
            if wanted.measure == "blockiness" and planner.resized:
                notes.append(
                    "blockiness of resized pictures says nothing: their JPEG grid is gone; measure it before resizing"
                )
        add_columns(planner, columns, where)
        brings += [column.name for column in columns if not column.hidden]
    scores = tuple(request for request in body.measures if isinstance(request, ScoreTable))
    return replace(planned, asks=tuple(asks), scores=scores, notes=tuple(notes), brings=tuple(brings))


def plan_request(
    planner: Planner, request: MeasureRequest, step: str, where: tuple[str | int, ...]
) -> tuple[Ask, list[KnownColumn]]:
    """What a measure of the recipe asks, and the columns that it brings; ``where`` is the request's place."""
    measure = _measure(planner, request, where)
    wanted = ask(planner, measure, request, where)
    prefix = request.prefix or ""
    return wanted, measured_columns(wanted.definition, wanted.key, prefix, step, planner.scope.generation)


def _measure(planner: Planner, request: MeasureRequest, where: tuple[str | int, ...]) -> Measure:
    measure = MEASURES.get(request.measure)
    if measure is None:
        planner.fail(
            where,
            f"there is no measure '{request.measure}'",
            "groundglass measures lists them",
            MEASURES,
            request.measure,
        )
    if measure.extra and not is_installed(measure.extra):
        missing = MissingExtra(measure.name, measure.extra)
        planner.fail(where, missing.message, missing.hint, lacking=True)
    for name, value in request.parameters.items():
        known = measure.parameters.get(name)
        if known is None:
            hint = (
                f"it takes {', '.join(measure.parameters)}"
                if measure.parameters
                else "it takes no parameters"
            )
            planner.fail(
                (*where, measure.name, name),
                f"{measure.name} has no parameter '{name}'",
                hint,
                measure.parameters,
                name,
            )
        problem = parameter_problem(known, value)
        if problem:
            planner.fail((*where, measure.name, name), f"{name} {problem}", known.meaning)
    return measure


def _scores(planner: Planner, request: ScoreTable, step: str, where: tuple[str, int]) -> list[KnownColumn]:
    try:
        return score_columns(request, step, planner.scope.generation)
    except RecipeError as error:
        planner.fail(where, error.message, error.hint)


def add_columns(planner: Planner, columns: list[KnownColumn], where: tuple[str | int, ...]) -> None:
    """Two columns of one name among the same rows could not be told apart."""
    taken = planner.scope.of_generation(planner.scope.generation)
    for column in columns:
        before = taken.get(column.name)
        if before is not None and before.key != column.key:
            planner.fail(
                where,
                f"the column '{column.name}' is there already, from step {before.step}",
                "give one of them a prefix: {measure: {as: b_}}",
            )
    new = tuple(column for column in columns if column.name not in taken)
    planner.scope = replace(planner.scope, columns=planner.scope.columns + new)
