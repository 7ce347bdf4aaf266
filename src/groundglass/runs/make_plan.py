"""A recipe becomes a plan: every word is looked up and every path is tried before the first pixel is read.

A plan is data: `groundglass plan` prints it and `run` executes it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from groundglass.errors import GroundglassError, NotHere, UnreachableError
from groundglass.plans.planner import Plan, PlannedStep, Planner, expression_columns
from groundglass.recipes.load import LoadedRecipe, load_recipe
from groundglass.recipes.model import Step
from groundglass.recipes.parse_steps import profiles_of
from groundglass.recipes.to_yaml import recipe_text
from groundglass.sources.source import Source
from groundglass.steps.catalog import STEPS


def with_limit(loaded: LoadedRecipe, most: int | None) -> LoadedRecipe:
    """The recipe with at most ``most`` files of each source.

    The limit becomes part of the recipe, so that a run with another limit is another run.
    """
    if most is None:
        return loaded
    recipe = loaded.recipe
    steps = [
        step.model_copy(
            update={"body": step.body.model_copy(update={"limit": min(most, step.body.limit or most)})}
        )
        if isinstance(step.body, Source)
        else step
        for step in recipe.steps
    ]
    limited = recipe.model_copy(update={"steps": tuple(steps)})
    return replace(loaded, recipe=limited, text=recipe_text(limited))


def make_plan(loaded: LoadedRecipe) -> Plan:
    """The plan of a recipe.

    Raises RecipeError with file, line, snippet and the nearest valid word for the first thing that cannot be done;
    if only this machine lacks something, the hint names the recipe's profile that works without it.
    """
    try:
        return _planned(loaded)
    except (NotHere, UnreachableError) as error:
        profile = _profile_that_can(loaded)
        if profile is None:
            raise
        kind = NotHere if isinstance(error, NotHere) else UnreachableError
        raise kind(error.message, f"{error.hint}; or work without it: --profile {profile}") from error


def _profile_that_can(loaded: LoadedRecipe) -> str | None:
    """The first profile of a recipe with which it can be run on this machine."""
    for profile in profiles_of(loaded.root):
        # Only a profile that really plans on this machine is worth naming.
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
    scope = planner.scope
    return Plan(
        loaded.recipe, loaded.text, str(loaded.files[0]), tuple(steps), scope.columns, scope.meta or {}
    )


def _check_order(planner: Planner) -> None:
    """Refuse a source after another step: an image that joined later would lack the earlier measures."""
    kinds = [step.kind for step in planner.loaded.recipe.steps]
    if not kinds or kinds[0] != "source":
        planner.fail((), "a recipe starts with a source", "write it first: - source: {folder: photos/}")
    for index, kind in enumerate(kinds):
        if kind == "source" and any(before != "source" for before in kinds[:index]):
            planner.index = index
            planner.fail((), "all sources come before the first other step", "move this step up")


def _plan_step(planner: Planner, step: Step) -> PlannedStep:
    scope = planner.scope
    planned = PlannedStep(step, STEPS[step.kind].label(step.body), scope)
    if step.only_if is not None:
        planned = replace(planned, condition=expression_columns(planner, step.only_if, ("if",)))
    return STEPS[step.kind].plan(planner, planned, step.body)
