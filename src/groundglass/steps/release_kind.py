"""The kind of step `release`: images as a dataset, or the ratings that people gave to them."""

from __future__ import annotations

from dataclasses import replace

from groundglass.errors import RecipeError
from groundglass.plans.planner import PlannedStep, Planner
from groundglass.plans.state import State
from groundglass.releases.journal import check_place
from groundglass.releases.writers.ratings import RatingsRelease
from groundglass.releases.writers.writer import Release
from groundglass.sources.folder import place_of
from groundglass.steps.kind import Done, StepForecast, StepKind, Walk
from groundglass.steps.release import forecast as forecast_images
from groundglass.steps.release import recorded, release_rows
from groundglass.steps.release_plan import plan_release
from groundglass.steps.release_ratings import (
    TABLE_BYTES,
    check_place_of_ratings,
    plan_ratings,
    release_ratings_of,
)


def plan(planner: Planner, planned: PlannedStep, body: Release) -> PlannedStep:
    if isinstance(body, RatingsRelease):
        plan_ratings(planner, body)
    plan_release(planner, body, licences=not isinstance(body, RatingsRelease) or body.images)
    if body.to is not None:
        try:
            if isinstance(body, RatingsRelease):
                check_place_of_ratings(place_of(body.to), body, planner.loaded.text)
            else:
                check_place(place_of(body.to), planner.loaded.text)
        except RecipeError as error:
            planner.fail(("release", "to"), error.message, error.hint)
    return planned


def run(state: State, planned: PlannedStep) -> Done:
    """Write the dataset, or the ratings."""
    ratings = isinstance(planned.step.body, RatingsRelease)
    return recorded(
        state, planned, release_ratings_of(state, planned) if ratings else release_rows(state, planned)
    )


def forecast(walk: Walk, planned: PlannedStep) -> StepForecast:
    """The size of the release: the remaining rows and the held-out ones."""
    body, found = planned.step.body, forecast_images(walk, planned)
    if isinstance(body, RatingsRelease) and not body.images:
        return replace(found, seconds=0.0, bytes=float(found.into * TABLE_BYTES))
    return found


def label(body: Release) -> str:
    return body.label()


RELEASE = StepKind(plan, run, forecast, label)
