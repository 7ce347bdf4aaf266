"""Planning the select step: which columns a rule reads, and which way is better."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from groundglass.catalog import NETWORK_PARAMETERS, Measure
from groundglass.errors import NotHere, RecipeError
from groundglass.measures.leaks import MEASURE as LEAKS
from groundglass.measures.measure_job import Ask, ask_of
from groundglass.measures.naturalness.naturalness import MEASURE as NATURALNESS
from groundglass.plans.duplicates import copies_asks
from groundglass.plans.leak_reference import leaks_ask
from groundglass.plans.naturalness_reference import naturalness_ask
from groundglass.plans.planner import (
    PlannedStep,
    Planner,
    better_way,
    check_readable,
    expression_columns,
    find_column,
    quoted_word,
)
from groundglass.plans.source_quality_reference import (
    check_reference,
    divergence_notes,
    photographs_blockiness,
)
from groundglass.recipes.hold_out_model import HoldOutStep
from groundglass.recipes.measure_model import MeasureRequest
from groundglass.recipes.select_model import SelectStep
from groundglass.selections.ranking import Order
from groundglass.similarity.test_images.known_sets import words_of
from groundglass.tables.columns import ColumnPath


def plan_select(planner: Planner, planned: PlannedStep, body: SelectStep) -> PlannedStep:
    paths, orders = _select_needs(planner, body, ("select",))
    asks = copies_asks(body)
    if body.decontaminate:
        asks = (_leaks(planner, body.decontaminate, ("select", "decontaminate")),)
    notes = divergence_notes(body, planner.loaded.recipe.steps[: planner.index], planner.scope)
    return replace(
        planned, paths=paths, orders=orders, asks=asks, rest_wanted=_takes_rest(planner), notes=notes
    )


def _takes_rest(planner: Planner) -> bool:
    """Whether a hold-out further down takes the `next` best of a ranked selection."""
    later = planner.loaded.recipe.steps[planner.index + 1 :]
    held = [who for step in later if isinstance(step.body, HoldOutStep) for who in step.body.splits.values()]
    return any(who.next is not None for who in held)


def _select_needs(
    planner: Planner, body: SelectStep, keys: tuple[str | int, ...]
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
        paths += expression_columns(planner, body.where, (*keys, "where"))
    for key, name in (("keep", body.keep), ("drop", body.drop)):
        if name is not None:
            check_readable(planner, name, (*keys, key))
    if body.source_divergence is not None:
        paths += (_divergence(planner, body.source_divergence.reference, (*keys, "source_divergence")),)
    if body.per is not None:
        paths += (find_column(planner, body.per, (*keys, "per")),)
    if body.by is None:
        return paths, {}
    by = find_column(planner, body.by, (*keys, "by"))
    return (*paths, by), {body.by: body.order or better_way(planner, by, (*keys, "by"))}


def _divergence(planner: Planner, reference: str, keys: tuple[str | int, ...]) -> ColumnPath:
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


def ask(planner: Planner, measure: Measure, request: MeasureRequest, where: tuple[str | int, ...]) -> Ask:
    """Leaks and naturalness are stored by what the files hold that they are sought against, or measured by."""
    if measure is LEAKS and request.parameters:
        words = words_of(str(request.parameters["against"]))
        return _leaks(planner, words, (*where, measure.name, "against"))
    if measure is NATURALNESS and request.parameters:
        try:
            return naturalness_ask(str(request.parameters["reference"]))
        except RecipeError as error:
            planner.fail((*where, measure.name, "reference"), error.message, error.hint)
    try:
        return ask_of(measure, request.parameters)
    except RecipeError as error:
        given = [name for name in NETWORK_PARAMETERS if str(request.parameters.get(name)) in error.message]
        lacking = isinstance(error, NotHere)
        planner.fail((*where, measure.name, *given[:1]), error.message, error.hint, lacking=lacking)


def _leaks(planner: Planner, words: Iterable[str], keys: tuple[str | int, ...]) -> Ask:
    """The measure of leaks against the sets and files that a recipe names."""
    try:
        return leaks_ask(words)
    except RecipeError as error:
        planner.fail(keys, error.message, error.hint, word=quoted_word(error.message))
