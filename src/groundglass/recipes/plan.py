"""A recipe becomes a plan: every word looked up, every column bound, every path tried, before the first pixel.

A plan is data: `groundglass plan` prints it and `run` executes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from groundglass.kernel.errors import GroundglassError, NotHere, UnreachableError
from groundglass.kernel.expression import ExpressionError
from groundglass.recipes.annotate_model import AnnotateStep
from groundglass.recipes.audit_model import AuditStep
from groundglass.recipes.labels import label
from groundglass.recipes.load import LoadedRecipe, load_recipe
from groundglass.recipes.model import (
    Cascade,
    HoldOutStep,
    MeasureStep,
    ReleaseStep,
    SelectStep,
    SourceStep,
    SplitStep,
    Step,
    TransformStep,
)
from groundglass.recipes.plan_annotate import plan_annotate
from groundglass.recipes.plan_audit import plan_audit
from groundglass.recipes.plan_cascade import plan_cascade
from groundglass.recipes.plan_measures import plan_measure
from groundglass.recipes.plan_outputs import plan_hold_out, plan_release, plan_split, plan_transform
from groundglass.recipes.plan_selections import plan_select
from groundglass.recipes.planner import Plan, PlannedStep, Planner, expression_columns
from groundglass.recipes.sourcing import SourceFault, look_at_source
from groundglass.recipes.surface import profiles_of
from groundglass.recipes.text import recipe_text


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

    Raises RecipeError with file, line, snippet and the nearest valid word for the first thing that cannot be done;
    where only this machine lacks something for it, the hint names the recipe's profile that can do without.
    """
    try:
        return _planned(loaded)
    except (NotHere, UnreachableError) as error:
        profile = _profile_that_can(loaded)
        if profile is None:
            raise
        kind = NotHere if isinstance(error, NotHere) else UnreachableError
        raise kind(error.message, f"{error.hint}; or do without: --profile {profile}") from error


def _profile_that_can(loaded: LoadedRecipe) -> str | None:
    """The first profile of a recipe with which it can be run on this machine."""
    for profile in profiles_of(loaded.root):
        with suppress(GroundglassError):
            _planned(load_recipe(loaded.files[0], loaded.overrides, profile))
            return profile
    return None


def _planned(loaded: LoadedRecipe) -> Plan:
    planner = Planner(loaded)
    steps: list[PlannedStep] = []
    _check_order(planner)
    for planner.index, step in enumerate(loaded.recipe.steps):
        steps.append(_plan_step(planner, step))
    return Plan(loaded.recipe, loaded.text, str(loaded.files[0]), tuple(steps), planner.scope.columns)


def _check_order(planner: Planner) -> None:
    """Sources come first: a picture that joined later would lack what was measured before."""
    kinds = [step.kind for step in planner.loaded.recipe.steps]
    if not kinds or kinds[0] != "source":
        planner.fail((), "a recipe starts with a source", "write it first: - source: {folder: photos/}")
    for index, kind in enumerate(kinds):
        if kind == "source" and any(before != "source" for before in kinds[:index]):
            planner.index = index
            planner.fail((), "all sources come before the first other step", "move this step up")


def _plan_step(planner: Planner, step: Step) -> PlannedStep:
    scope = planner.scope
    planned = PlannedStep(step, label(step.body), scope)
    if step.only_if is not None:
        planned = replace(planned, condition=expression_columns(planner, step.only_if, ("if",)))
    match step.body:
        case SourceStep() as body:
            return _plan_source(planner, planned, body)
        case MeasureStep() as body:
            return plan_measure(planner, planned, body)
        case AnnotateStep() as body:
            return plan_annotate(planner, planned, body)
        case SelectStep(cascade=Cascade() as cascade) as body:
            return plan_cascade(planner, planned, body, cascade)
        case SelectStep() as body:
            return plan_select(planner, planned, body)
        case HoldOutStep() as body:
            return plan_hold_out(planner, planned, body)
        case TransformStep() as body:
            return plan_transform(planner, planned, body)
        case SplitStep() as body:
            return plan_split(planner, planned, body)
        case ReleaseStep() as body:
            return plan_release(planner, planned, body)
        case AuditStep() as body:
            return plan_audit(planner, planned, body)


def _plan_source(planner: Planner, planned: PlannedStep, body: SourceStep) -> PlannedStep:
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


def _add_meta(planner: Planner, new: Mapping[str, str]) -> None:
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
