"""A recipe becomes a plan: every word looked up, every column bound, every path tried, before the first pixel.

A plan is data: `groundglass plan` prints it and `run` executes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import NoReturn

from groundglass.kernel.errors import RecipeError
from groundglass.kernel.expression import ExpressionError, check, column_path, parse
from groundglass.kernel.leaks.shipped import words_of
from groundglass.kernel.record import Measure, Parameter
from groundglass.kernel.resize import KERNELS
from groundglass.measures.catalog import MEASURES
from groundglass.measures.leaks import MEASURE as LEAKS
from groundglass.measures.look import Ask, ask_of
from groundglass.recipes.columns import Column, ColumnPath, Scope, measured_columns
from groundglass.recipes.labels import label
from groundglass.recipes.leaking import leaks_ask
from groundglass.recipes.load import LoadedRecipe, recipe_error
from groundglass.recipes.model import (
    HoldOutStep,
    MeasureRequest,
    MeasureStep,
    Recipe,
    ReleaseStep,
    ScoreTable,
    SelectStep,
    SourceStep,
    SplitStep,
    Step,
    TransformStep,
)
from groundglass.recipes.referring import check_reference, divergence_notes, photographs_blockiness
from groundglass.recipes.scores import score_columns
from groundglass.recipes.sourcing import SourceFault, look_at_source
from groundglass.recipes.text import recipe_text
from groundglass.releases.layout import check_settings
from groundglass.releases.licences import check_licences
from groundglass.selections.ranking import Order
from groundglass.transforms.best_tile import BEST_TILE

FINGERPRINTS = ("phash", "phash_mirror")


@dataclass(frozen=True)
class PlannedStep:
    """A step with all that it needs looked up.

    asks       what must be measured for it, on the rows it gets (for `split`: on their photographs)
    scope      the columns that it can name
    paths      the columns that it does name
    orders     for each column that is ranked by: which way is better
    condition  the columns that its `if` names
    rest_wanted  a later hold-out takes from what this ranked selection drops
    brings     the columns that a measure step adds
    notes      what a user should know beforehand
    """

    step: Step
    label: str
    scope: Scope
    asks: tuple[Ask, ...] = ()
    scores: tuple[ScoreTable, ...] = ()
    paths: tuple[ColumnPath, ...] = ()
    orders: Mapping[str, Order] = field(default_factory=dict)
    condition: tuple[ColumnPath, ...] = ()
    notes: tuple[str, ...] = ()
    brings: tuple[str, ...] = ()
    rest_wanted: bool = False


@dataclass(frozen=True)
class Plan:
    """What a recipe will do, step by step, and every column it brings."""

    recipe: Recipe
    text: str
    file: str
    steps: tuple[PlannedStep, ...]
    columns: tuple[Column, ...]

    @property
    def notes(self) -> list[str]:
        return [f"{planned.step.name}: {note}" for planned in self.steps for note in planned.notes]


@dataclass
class _Planner:
    """What is known while the steps are gone through in order."""

    loaded: LoadedRecipe
    scope: Scope = field(default_factory=Scope)
    resized: bool = False
    ranked: SelectStep | None = None
    licences: dict[str, str | None] = field(default_factory=dict)
    index: int = 0

    def fail(
        self,
        keys: Iterable[str | int],
        message: str,
        hint: str = "",
        valid: Iterable[str] = (),
        word: str = "",
    ) -> NoReturn:
        raise recipe_error(
            self.loaded, (self.index, *keys), message, hint=hint, valid=tuple(valid), word=word
        )


def with_limit(loaded: LoadedRecipe, most: int | None) -> LoadedRecipe:
    """The recipe with at most ``most`` files of each source: it is part of what makes the run what it is."""
    if most is None:
        return loaded
    recipe = loaded.recipe
    steps = [
        step.model_copy(
            update={"body": step.body.model_copy(update={"limit": min(most, step.body.limit or most)})}
        )
        if isinstance(step.body, SourceStep)
        else step
        for step in recipe.steps
    ]
    limited = recipe.model_copy(update={"steps": tuple(steps)})
    return replace(loaded, recipe=limited, text=recipe_text(limited))


def make_plan(loaded: LoadedRecipe) -> Plan:
    """The plan of a recipe.

    Raises RecipeError with file, line, snippet and the nearest valid word for the first thing that cannot be done.
    """
    planner = _Planner(loaded)
    steps: list[PlannedStep] = []
    _check_order(planner)
    for planner.index, step in enumerate(loaded.recipe.steps):
        steps.append(_plan_step(planner, step))
    return Plan(loaded.recipe, loaded.text, str(loaded.files[0]), tuple(steps), planner.scope.columns)


def _check_order(planner: _Planner) -> None:
    """Sources come first: a picture that joined later would lack what was measured before."""
    kinds = [step.kind for step in planner.loaded.recipe.steps]
    if not kinds or kinds[0] != "source":
        planner.fail((), "a recipe starts with a source", "write it first: - source: {folder: photos/}")
    for index, kind in enumerate(kinds):
        if kind == "source" and any(before != "source" for before in kinds[:index]):
            planner.index = index
            planner.fail((), "all sources come before the first other step", "move this step up")


def _plan_step(planner: _Planner, step: Step) -> PlannedStep:
    scope = planner.scope
    planned = PlannedStep(step, label(step.body), scope)
    if step.only_if is not None:
        planned = replace(planned, condition=_expression(planner, step.only_if, ("if",)))
    match step.body:
        case SourceStep() as body:
            return _plan_source(planner, planned, body)
        case MeasureStep() as body:
            return _plan_measure(planner, planned, body)
        case SelectStep() as body:
            return _plan_select(planner, planned, body)
        case HoldOutStep() as body:
            return _plan_hold_out(planner, planned, body)
        case TransformStep() as body:
            return _plan_transform(planner, planned, body)
        case SplitStep() as body:
            return _plan_split(planner, planned, body)
        case ReleaseStep() as body:
            return _plan_release(planner, planned, body)


def _plan_source(planner: _Planner, planned: PlannedStep, body: SourceStep) -> PlannedStep:
    if planned.step.only_if is not None:
        planner.fail(("if",), "a source takes no `if`", "use `glob`, or select afterwards")
    try:
        brought = look_at_source(body)
    except SourceFault as fault:
        planner.fail(("source", *fault.keys), fault.message, fault.hint, fault.valid, fault.word)
    except ExpressionError as error:
        planner.fail(("source", "where"), error.message, error.hint)
    _add_meta(planner, brought.meta)
    own = "as each file says" if "licence" in brought.credits else None
    planner.licences[planned.step.name] = body.licence or own
    return replace(planned, notes=brought.notes)


def _add_meta(planner: _Planner, new: Mapping[str, str]) -> None:
    """A column of one name is of one type, whichever source it came with."""
    meta = dict(planner.scope.meta or {})
    spelled = {name.lower(): name for name in meta}
    for name, kind in new.items():
        before = spelled.get(name.lower(), name)
        if meta.get(before, kind) != kind or before != name:
            planner.fail(
                ("source", "columns"),
                f"meta.{name} is {kind} here, and an earlier source has meta.{before} of {meta[before]}",
                f"state one type in both sources (columns: {{{before}: TEXT}}), or name other columns",
            )
    planner.scope = replace(planner.scope, meta=meta | dict(new))


def _plan_measure(planner: _Planner, planned: PlannedStep, body: MeasureStep) -> PlannedStep:
    asks: list[Ask] = []
    notes: list[str] = []
    brings: list[str] = []
    for position, request in enumerate(body.measures):
        where = ("measure", position)
        if isinstance(request, ScoreTable):
            columns = _scores(planner, request, planned.step.name, where)
        else:
            measure = _measure(planner, request, where)
            asks.append(_ask(planner, measure, request, where))
            columns = measured_columns(
                measure, asks[-1].key, request.prefix or "", planned.step.name, planner.scope.generation
            )
            if measure.name == "blockiness" and planner.resized:
                notes.append(
                    "blockiness of resized pictures says nothing: their JPEG grid is gone; measure it before resizing"
                )
        _add_columns(planner, columns, where)
        brings += [column.name for column in columns]
    scores = tuple(request for request in body.measures if isinstance(request, ScoreTable))
    return replace(planned, asks=tuple(asks), scores=scores, notes=tuple(notes), brings=tuple(brings))


def _ask(planner: _Planner, measure: Measure, request: MeasureRequest, where: tuple[str, int]) -> Ask:
    """Leaks are stored by what the files they are sought against hold."""
    if measure is LEAKS and request.parameters:
        words = words_of(str(request.parameters["against"]))
        return _leaks(planner, words, (*where, measure.name, "against"))
    return ask_of(measure, request.parameters)


def _measure(planner: _Planner, request: MeasureRequest, where: tuple[str, int]) -> Measure:
    measure = MEASURES.get(request.measure)
    if measure is None:
        planner.fail(
            where,
            f"there is no measure '{request.measure}'",
            "groundglass measures lists them",
            MEASURES,
            request.measure,
        )
    if measure.extra and find_spec(measure.extra) is None:
        planner.fail(where, f"{measure.name} needs an extra", f"pip install 'groundglass[{measure.extra}]'")
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
        problem = _parameter_problem(known, value)
        if problem:
            planner.fail((*where, measure.name, name), f"{name} {problem}", known.meaning)
    return measure


def _parameter_problem(known: Parameter, value: object) -> str:
    """Why a value does not fit a parameter; nothing when it does."""
    wanted = type(known.default)
    fits = isinstance(value, wanted) or (wanted is float and isinstance(value, int))
    if not fits or (isinstance(value, bool) and wanted is not bool):
        names: dict[type, str] = {
            bool: "true or false",
            float: "a number",
            int: "a whole number",
            str: "a word",
        }
        return f"is {value!r}, but must be {names.get(wanted, 'something else')}"
    if known.low is not None and isinstance(value, (int, float)) and value < known.low:
        return f"is {value}, but must be at least {known.low:g}"
    if known.high is not None and isinstance(value, (int, float)) and value > known.high:
        return f"is {value}, but must be at most {known.high:g}"
    return ""


def _scores(planner: _Planner, request: ScoreTable, step: str, where: tuple[str, int]) -> list[Column]:
    try:
        return score_columns(request, step, planner.scope.generation)
    except RecipeError as error:
        planner.fail(where, error.message, error.hint)


def _add_columns(planner: _Planner, columns: list[Column], where: tuple[str, int]) -> None:
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


def _plan_select(planner: _Planner, planned: PlannedStep, body: SelectStep) -> PlannedStep:
    paths, orders = _select_needs(planner, body, ("select",))
    asks = (fingerprint_ask(),) if body.deduplicate == "near" else ()
    if body.decontaminate:
        asks = (_leaks(planner, body.decontaminate, ("select", "decontaminate")),)
    if body.top_k or body.quota is not None or body.quantile is not None:
        planner.ranked = body
    notes = divergence_notes(body, planner.loaded.recipe.steps[: planner.index], planner.scope)
    return replace(
        planned, paths=paths, orders=orders, asks=asks, rest_wanted=_takes_rest(planner), notes=notes
    )


def _takes_rest(planner: _Planner) -> bool:
    """Whether a hold-out further down takes the `next` best of a ranked selection."""
    later = planner.loaded.recipe.steps[planner.index + 1 :]
    held = [who for step in later if isinstance(step.body, HoldOutStep) for who in step.body.splits.values()]
    return any(who.next is not None for who in held)


def _leaks(planner: _Planner, words: Iterable[str], keys: tuple[str | int, ...]) -> Ask:
    """The measure of leaks against the sets and files that a recipe names."""
    try:
        return leaks_ask(words)
    except RecipeError as error:
        planner.fail(keys, error.message, error.hint, word=_quoted_word(error.message))


def fingerprint_ask() -> Ask:
    """What near-duplicates are found by."""
    return ask_of(MEASURES["fingerprint"], {})


def _select_needs(
    planner: _Planner, body: SelectStep, keys: tuple[str | int, ...]
) -> tuple[tuple[ColumnPath, ...], dict[str, Order]]:
    """The columns that a selection names, and for those it ranks by which way is better."""
    if body.intersect is not None:
        parts = [
            _select_needs(planner, inner, (*keys, "intersect", i)) for i, inner in enumerate(body.intersect)
        ]
        orders: dict[str, Order] = {by: order for _, inner in parts for by, order in inner.items()}
        return tuple(path for paths, _ in parts for path in paths), orders
    paths: tuple[ColumnPath, ...] = ()
    if body.where is not None:
        paths += _expression(planner, body.where, (*keys, "where"))
    for key, name in (("keep", body.keep), ("drop", body.drop)):
        if name is not None:
            _readable(planner, name, (*keys, key))
    if body.source_divergence is not None:
        paths += (_divergence(planner, body.source_divergence.reference, (*keys, "source_divergence")),)
    if body.per is not None:
        paths += (_column(planner, body.per, (*keys, "per")),)
    if body.by is None:
        return paths, {}
    by = _column(planner, body.by, (*keys, "by"))
    return (*paths, by), {body.by: body.order or _better(planner, by, (*keys, "by"))}


def _divergence(planner: _Planner, reference: str, keys: tuple[str | int, ...]) -> ColumnPath:
    """The column of the photographs' blockiness; the reference is one that can be judged by."""
    try:
        path = photographs_blockiness(planner.scope)
    except RecipeError as error:
        planner.fail(keys, error.message, error.hint)
    try:
        check_reference(reference)
    except RecipeError as error:
        planner.fail((*keys, "reference"), error.message, error.hint)
    return path


def _better(planner: _Planner, path: ColumnPath, keys: tuple[str | int, ...]) -> Order:
    column = planner.scope.find(path)
    if column is None or column.better == "neither":
        planner.fail(
            keys,
            f"neither way of '{'.'.join(path)}' is better by itself",
            "say which: order: higher, or order: lower",
        )
    return column.better


def _expression(planner: _Planner, text: str, keys: tuple[str | int, ...]) -> tuple[ColumnPath, ...]:
    """The columns of an expression, all of them known here and of fitting types."""
    try:
        expression = parse(text)
        check(expression, planner.scope.types())
    except ExpressionError as error:
        _fail_expression(planner, keys, error)
    return expression.columns


def _column(planner: _Planner, text: str, keys: tuple[str | int, ...]) -> ColumnPath:
    try:
        check(parse(text), planner.scope.types(), result="")
        return column_path(text)
    except ExpressionError as error:
        _fail_expression(planner, keys, error)


def _fail_expression(planner: _Planner, keys: tuple[str | int, ...], error: ExpressionError) -> NoReturn:
    """Point at the word; where it was measured on other rows than these, say so."""
    elsewhere = {column.name: column for column in planner.scope.columns}
    for name, column in elsewhere.items():
        if f"'{name}'" in error.message and name not in planner.scope.types():
            which = "the photographs" if column.generation == 0 else "an earlier generation"
            planner.fail(
                keys,
                f"{name} was measured on {which} (step {column.step}), not on these images",
                f"write root.{name}, or measure it again here",
            )
    if error.message.startswith("there is no column") and not error.hint:
        planner.fail(
            keys, error.message, "measure it in a step before this one", word=_quoted_word(error.message)
        )
    planner.fail(keys, error.message, error.hint, word=_quoted_word(error.message))


def _quoted_word(message: str) -> str:
    """The word that a message is about, so that the caret can point at it."""
    found = re.search(r"'([^']+)'", message)
    return found[1] if found else ""


def _readable(planner: _Planner, path: str, keys: tuple[str | int, ...]) -> None:
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


def _plan_hold_out(planner: _Planner, planned: PlannedStep, body: HoldOutStep) -> PlannedStep:
    paths: tuple[ColumnPath, ...] = ()
    orders: dict[str, Order] = {}
    for split, who in body.splits.items():
        keys = ("hold_out", split)
        if who.next and planner.ranked is None:
            planner.fail(
                (*keys, "next"),
                "`next` takes the best that a ranked selection dropped, and there is none before this step",
                "use count, or put it after top_k, quota or quantile",
            )
        if who.list:
            _readable(planner, who.list, (*keys, "list"))
        if who.by:
            by = _column(planner, who.by, (*keys, "by"))
            paths += (by,)
            orders[who.by] = who.order or _better(planner, by, (*keys, "by"))
    return replace(planned, paths=paths, orders=orders, asks=(fingerprint_ask(),))


def _plan_transform(planner: _Planner, planned: PlannedStep, body: TransformStep) -> PlannedStep:
    if body.kernel is not None and body.kernel not in KERNELS:
        planner.fail(("transform", "kernel"), f"there is no kernel '{body.kernel}'", "", KERNELS, body.kernel)
    if body.kernel == "box" and body.to_effective_resolution:
        planner.fail(("transform", "kernel"), "box makes whole factors only", "use lanczos or area")
    asks = (ask_of(BEST_TILE, {"size": body.best_tile}),) if body.best_tile else ()
    if body.to_effective_resolution:
        asks = (ask_of(MEASURES["resolution"], {}),)
    if body.multiscale is not None or body.downscale is not None or body.to_effective_resolution:
        planner.resized = True
    planner.scope = replace(
        planner.scope, generation=planner.scope.generation + 1, mixed=planned.step.only_if is not None
    )
    return replace(planned, asks=asks)


def _plan_split(planner: _Planner, planned: PlannedStep, body: SplitStep) -> PlannedStep:
    names = [("stratify", body.stratify), ("group", body.group)]
    paths = tuple(_column(planner, name, ("split", key)) for key, name in names if name)
    return replace(planned, paths=paths, asks=(fingerprint_ask(),))


def _plan_release(planner: _Planner, planned: PlannedStep, body: ReleaseStep) -> PlannedStep:
    low = [("kernel", body.kernel)] + (
        [("validation_lr", body.validation_lr.kernel)] if body.validation_lr else []
    )
    for key, kernel in low:
        if kernel not in KERNELS:
            planner.fail(("release", key), f"there is no kernel '{kernel}'", "", KERNELS, kernel)
    if body.validation_lr and not _makes_split(planner, "validation"):
        planner.fail(
            ("release", "validation_lr"),
            "no step before this one puts anything into the split 'validation'",
            "add a hold_out or split step, or leave validation_lr out",
        )
    try:
        check_settings(body)
        check_licences(planner.licences, body.allow_unknown_licence)
    except RecipeError as error:
        planner.fail(("release",), error.message, error.hint)
    return planned


def _makes_split(planner: _Planner, name: str) -> bool:
    """Whether a step so far can put pictures into a split."""
    bodies = [step.body for step in planner.loaded.recipe.steps[: planner.index]]
    held = any(isinstance(body, HoldOutStep) and name in body.splits for body in bodies)
    return held or any(isinstance(body, SplitStep) and getattr(body, name, 0) for body in bodies)
