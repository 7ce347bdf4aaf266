"""Planning the select step: look up the columns and files that a rule needs, and which way is better."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NoReturn

from groundglass.catalog import NETWORK_PARAMETERS, Measure
from groundglass.errors import NotHere, RecipeError
from groundglass.measures.catalog import MEASURES
from groundglass.measures.leaks import MEASURE as LEAKS
from groundglass.measures.measure_job import Ask, ask_of
from groundglass.measures.naturalness.naturalness import MEASURE as NATURALNESS
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
from groundglass.plans.run_folder import study_key
from groundglass.plans.source_quality_reference import (
    check_reference,
    divergence_notes,
    photographs_blockiness,
)
from groundglass.plans.wide_images import wide_note
from groundglass.recipes.hold_out_model import HoldOutStep
from groundglass.recipes.study_model import StudyStep
from groundglass.selections.intersect import Intersect
from groundglass.selections.ranking import Order
from groundglass.selections.rule import Needs, Rule, Taken
from groundglass.selections.where import Where
from groundglass.settings.measure_request import MeasureRequest
from groundglass.similarity.test_images.known_sets import words_of
from groundglass.tables.columns import ColumnPath, Scope, measured_columns
from groundglass.tables.expressions import parse


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

    def of_study(self, key: str, name: str) -> RuleLookup:
        scope = self.planner.scope
        if not any(column.key == study_key(name) for column in scope.columns):
            before = self.planner.loaded.recipe.steps[: self.planner.index]
            studies = [step.name for step in before if isinstance(step.body, StudyStep)]
            if name in studies:
                self.refuse(
                    key,
                    f"the study {name} scores no images of this set",
                    "it rates folders, or dropped images",
                )
            said = f"no study step before this one is called '{name}'"
            self.planner.fail(
                (*self.keys, key), said, "" if studies else "add a step `study` before it", studies, name
            )
        return replace(self, planner=replace(self.planner, scope=with_study(scope, name)))

    def inside(self, key: str, index: int) -> RuleLookup:
        return replace(self, keys=(*self.keys, key, index))

    def refuse(self, key: str, message: str, hint: str) -> NoReturn:
        self.planner.fail((*self.keys, key), message, hint)


def plan_select(planner: Planner, planned: PlannedStep, rule: Rule) -> PlannedStep:
    """Look up everything that a rule needs; the columns of measures that it takes itself join its scope."""
    needs = rule.needs(RuleLookup(planner, ("select",)))
    notes = (*needs.notes, *_references_notes(planner, needs), *_wide_notes(planned, rule))
    planner.judged_by |= {path[-1] for path in needs.columns}
    asks = tuple(_taken(planner, rule, taken) for taken in needs.taken)
    photographs = any(taken.of == "photographs" for taken in needs.taken)
    return replace(
        planned,
        scope=_with_taken(with_study(planned.scope, needs.study), asks, photographs),
        paths=(*needs.columns, *needs.reads),
        orders=needs.orders,
        asks=asks,
        of_photographs=photographs,
        references=needs.references,
        rest_wanted=_takes_rest(planner),
        notes=notes,
    )


def _taken(planner: Planner, rule: Rule, taken: Taken) -> Ask:
    """The measure that a rule takes; a fault of a file that it needs is reported at the rule's key."""
    if taken.measure == LEAKS.name:
        return _leaks(planner, taken.settings["against"], ("select", rule.keys[0]))
    return ask_of(MEASURES[taken.measure], taken.settings)


def _with_taken(scope: Scope, asks: Iterable[Ask], photographs: bool) -> Scope:
    """The scope with the columns that a rule measures; columns that the recipe measured for these rows come first."""
    generation = 0 if photographs else scope.generation
    known = {} if photographs else scope.own()
    found = (measured_columns(ask.definition, ask.key, "", ask.measure, generation) for ask in asks)
    return scope.with_columns(column for columns in found for column in columns if column.name not in known)


def with_study(scope: Scope, study: str) -> Scope:
    """The scope with the columns of a study step under their own names too: ``score`` for ``rate.score``."""
    named = [column for column in scope.columns if column.key == study_key(study)]
    return scope.with_columns(replace(column, name=column.column) for column in named)


def _references_notes(planner: Planner, needs: Needs) -> tuple[str, ...]:
    if not needs.references:
        return ()
    return divergence_notes(needs.references, planner.judged_by, photographs_blockiness(planner.scope)[-1])


def _wide_notes(planned: PlannedStep, rule: Rule) -> tuple[str, ...]:
    """Notes on a range of shapes that drops every 16:9 image, which is rarely intended."""
    if planned.step.only_if is not None:
        return ()
    rules = (rule, *rule.intersect) if isinstance(rule, Intersect) else (rule,)
    types = planned.scope.types()
    notes = [wide_note(parse(one.where), types) for one in rules if isinstance(one, Where)]
    return tuple(f"its condition {note}" for note in notes if note)


def _takes_rest(planner: Planner) -> bool:
    """Whether a hold-out further down takes the `next` best of a ranked selection."""
    later = planner.loaded.recipe.steps[planner.index + 1 :]
    held = [
        part for step in later if isinstance(step.body, HoldOutStep) for part in step.body.splits.values()
    ]
    return any(part.next is not None for part in held)


def ask(planner: Planner, measure: Measure, request: MeasureRequest, where: tuple[str | int, ...]) -> Ask:
    """The ask of a measure. Keys of leaks and naturalness hash the contents of the files that they compare with."""
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
