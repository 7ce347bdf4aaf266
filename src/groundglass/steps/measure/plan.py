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
from groundglass.models.labels import check_sentence
from groundglass.plans.external_scores import score_columns
from groundglass.plans.networks import network_notes
from groundglass.plans.planner import PlannedStep, Planner
from groundglass.plans.prompts_asked import PromptsAsked, columns_of_prompts
from groundglass.recipes.measure_model import MeasureStep, Prompts, ScoreTable
from groundglass.settings.field_types import Scalar
from groundglass.settings.measure_request import MeasureRequest
from groundglass.steps.select.plan import ask
from groundglass.tables.columns import KnownColumn, measured_columns
from groundglass.tables.rows import META


def plan_measure(planner: Planner, planned: PlannedStep, body: MeasureStep) -> PlannedStep:
    asks: list[Ask] = []
    notes: list[str] = []
    brings: list[str] = []
    texts: list[TextAsk] = []
    prompts: list[PromptsAsked] = []
    for position, request in enumerate(body.measures):
        where = ("measure", position)
        if isinstance(request, ScoreTable):
            columns = _scores(planner, request, planned.step.name, where)
        elif isinstance(request, Prompts):
            prompts.append(_prompts(planner, request, planned.step.name, (*where, "prompt")))
            columns = columns_of_prompts(prompts[-1], planned.step.name, planner.scope.generation)
            if (ask_of_texts := prompts[-1].ask) is not None:
                texts.append(ask_of_texts)
                notes += network_notes(ask_of_texts.image)
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
        texts=tuple(dict.fromkeys(texts)),
        scores=scores,
        prompts=tuple(prompts),
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
    if not said:
        words = _columns_of_words(planner)
        say = f"{wanted.measure} needs `text`: the column that the captions came in"
        planner.fail((*where, wanted.measure), say, f"text: {words[0] if words else 'meta.caption'}")
    return text_ask(wanted, _text_column(planner, said, (*where, wanted.measure)))


def _columns_of_words(planner: Planner) -> list[str]:
    return [META + name for name, kind in (planner.scope.meta or {}).items() if kind == "VARCHAR"]


def _text_column(planner: Planner, said: str, where: tuple[str | int, ...]) -> str:
    """The name after "meta." of a column of text that came with the images; refuses any other column."""
    words = _columns_of_words(planner)
    if said not in words:
        known = {META + name for name in planner.scope.meta or {}}
        there = "is not a column of text" if said in known else "is not a column that came with the images"
        planner.fail((*where, "text"), f"`text`: '{said}' {there}", "", words, said)
    return said.removeprefix(META)


def _prompts(planner: Planner, request: Prompts, step: str, where: tuple[str | int, ...]) -> PromptsAsked:
    """Prompts with the network for their categories: that of `alignment`, with the same vectors in the store."""
    column = _text_column(planner, request.text, where)
    asked = PromptsAsked(request, f"prompts {step} {request.prefix or ''}".strip(), column)
    if request.categories is None:
        if request.weights is not None:
            planner.fail(
                (*where, "weights"), "`weights` is for `categories`", "add `categories`, or leave it out"
            )
        return asked
    try:
        check_sentence("template", request.template, "an image of {}")
        _ = asked.sentences
    except RecipeError as error:
        said = "template" if "template" in error.message else "categories"
        planner.fail((*where, said), error.message, error.hint)
    measure = MEASURES["alignment"]
    if not is_installed("models"):
        missing = MissingExtra("categories of prompts", "models")
        planner.fail((*where, "categories"), missing.message, missing.hint, lacking=True)
    settings: dict[str, Scalar] = {"text": request.text, "device": request.device}
    settings |= {} if request.weights is None else {"weights": request.weights}
    wanted = ask(planner, measure, MeasureRequest(measure=measure.name, parameters=settings), where[:-1])
    return replace(asked, ask=text_ask(wanted, asked.column))


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
    if measure.of_pairs and not planner.made:
        planner.fail(
            where,
            f"{measure.name} compares an image that a step made with the image it was made from, and no step made "
            "these images",
            f"put {measure.name} right after such a step: - transform: {{degrade: realesrgan-x4plus}}",
            word=measure.name,
        )
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
