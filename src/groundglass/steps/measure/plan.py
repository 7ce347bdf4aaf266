"""Planning the measure step: look up every measure, parameter and column before anything is measured."""

from __future__ import annotations

from dataclasses import replace

from groundglass.catalog import Measure
from groundglass.errors import MissingExtra, RecipeError
from groundglass.extras import is_installed
from groundglass.measures.catalog import MEASURES
from groundglass.measures.measure_job import Ask
from groundglass.measures.parameters import parameter_problem
from groundglass.measures.text_job import TextAsk, text_ask
from groundglass.plans.external_scores import score_columns
from groundglass.plans.networks import network_notes
from groundglass.plans.planner import PlannedStep, Planner
from groundglass.recipes.measure_model import MeasureStep, ScoreTable
from groundglass.settings.measure_request import MeasureRequest
from groundglass.steps.select.plan import ask
from groundglass.tables.columns import KnownColumn, measured_columns
from groundglass.tables.rows import META


def plan_measure(planner: Planner, planned: PlannedStep, body: MeasureStep) -> PlannedStep:
    asks: list[Ask] = []
    notes: list[str] = []
    brings: list[str] = []
    texts: list[TextAsk] = []
    for position, request in enumerate(body.measures):
        where = ("measure", position)
        if isinstance(request, ScoreTable):
            columns = _scores(planner, request, planned.step.name, where)
        else:
            wanted, columns = plan_request(planner, request, planned.step.name, where)
            asks.append(wanted)
            if of_texts(wanted):
                texts.append(_text_ask(planner, wanted, request, where))
                columns = _columns_of_text(texts[-1], request, planned.step.name, planner.scope.generation)
            notes += network_notes(wanted)
            if wanted.measure == "blockiness" and planner.resized:
                notes.append(
                    "blockiness of resized images is meaningless: their JPEG grid is gone; measure it before resizing"
                )
        add_columns(planner, columns, where)
        brings += [column.name for column in columns if not column.hidden]
    scores = tuple(request for request in body.measures if isinstance(request, ScoreTable))
    return replace(
        planned,
        asks=tuple(dict.fromkeys(asks)),
        texts=tuple(texts),
        scores=scores,
        notes=tuple(notes),
        brings=tuple(brings),
    )


def of_texts(wanted: Ask) -> bool:
    """Whether a measure compares an image with a text that came with it."""
    network = wanted.definition.network
    return network is not None and network.texts is not None


def _text_ask(
    planner: Planner, wanted: Ask, request: MeasureRequest, where: tuple[str | int, ...]
) -> TextAsk:
    """The texts that a measure compares images with; they must be in a column of text."""
    said = str(request.parameters.get("text") or "")
    known = {META + name: kind for name, kind in (planner.scope.meta or {}).items()}
    words = [name for name, kind in known.items() if kind == "VARCHAR"]
    if not said:
        say = f"{wanted.measure} needs `text`: the column that the captions came in"
        planner.fail((*where, wanted.measure), say, f"text: {words[0] if words else 'meta.caption'}")
    if said not in words:
        there = "is not a column of text" if said in known else "is not a column that came with the images"
        planner.fail((*where, wanted.measure, "text"), f"`text`: '{said}' {there}", "", words, said)
    return text_ask(wanted, said.removeprefix(META))


def _columns_of_text(
    wanted: TextAsk, request: MeasureRequest, step: str, generation: int
) -> list[KnownColumn]:
    """The columns of such a measure: they are computed from two vectors when they are read."""
    key, prefix = wanted.image.key, request.prefix or ""
    found = measured_columns(MEASURES[request.measure], key, prefix, step, generation)
    return [replace(column, join="text", text=wanted.column, texts=wanted.key) for column in found]


def plan_request(
    planner: Planner, request: MeasureRequest, step: str, where: tuple[str | int, ...]
) -> tuple[Ask, list[KnownColumn]]:
    """The ask of a measure in the recipe, and the columns that it adds; ``where`` is the request's place."""
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
    """Add columns to the scope. Refuses a second column of the same name, which nobody could address."""
    taken = planner.scope.of_generation(planner.scope.generation)
    for column in columns:
        before = taken.get(column.name)
        if before is not None and (before.key, before.text) != (column.key, column.text):
            planner.fail(
                where,
                f"the column '{column.name}' exists already, from step {before.step}",
                "give one of them a prefix: {measure: {as: b_}}",
            )
    new = tuple(column for column in columns if column.name not in taken)
    planner.scope = replace(planner.scope, columns=planner.scope.columns + new)
