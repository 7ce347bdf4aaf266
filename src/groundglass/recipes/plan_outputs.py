"""Planning what follows the selections: hold-outs, transforms, splits and releases."""

from __future__ import annotations

from dataclasses import replace

from groundglass.kernel.errors import NotHere, RecipeError
from groundglass.kernel.resize import KERNELS
from groundglass.measures.catalog import MEASURES
from groundglass.measures.look import ask_of
from groundglass.recipes.columns import ColumnPath
from groundglass.recipes.model import (
    HoldOutStep,
    ReleaseStep,
    SourceStep,
    SplitStep,
    TransformStep,
)
from groundglass.recipes.plan_selections import fingerprint_ask
from groundglass.recipes.planner import Plan, PlannedStep, Planner, better_way, check_readable, find_column
from groundglass.releases.journal import check_place
from groundglass.releases.layout import check_settings
from groundglass.releases.licences import check_licences
from groundglass.releases.patches import small_tiles_note
from groundglass.selections.ranking import Order
from groundglass.sources.folder import lies_in, place_of
from groundglass.transforms.best_tile import BEST_TILE


def plan_hold_out(planner: Planner, planned: PlannedStep, body: HoldOutStep) -> PlannedStep:
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
            check_readable(planner, who.list, (*keys, "list"))
        if who.by:
            by = find_column(planner, who.by, (*keys, "by"))
            paths += (by,)
            orders[who.by] = who.order or better_way(planner, by, (*keys, "by"))
    return replace(planned, paths=paths, orders=orders, asks=(fingerprint_ask(),))


def plan_transform(planner: Planner, planned: PlannedStep, body: TransformStep) -> PlannedStep:
    if body.kernel is not None and body.kernel not in KERNELS:
        planner.fail(("transform", "kernel"), f"there is no kernel '{body.kernel}'", "", KERNELS, body.kernel)
    if body.kernel == "box" and body.to_effective_resolution:
        planner.fail(("transform", "kernel"), "box makes whole factors only", "use lanczos or area")
    notes = ()
    if body.tile and body.stride and body.stride > body.tile:
        notes = (f"tiles of {body.tile} px stand {body.stride} px apart: what lies between them is in none",)
    asks = (ask_of(BEST_TILE, {"size": body.best_tile}),) if body.best_tile else ()
    if body.to_effective_resolution:
        asks = (ask_of(MEASURES["resolution"], {}),)
    if body.multiscale is not None or body.downscale is not None or body.to_effective_resolution:
        planner.resized = True
    planner.scope = replace(
        planner.scope, generation=planner.scope.generation + 1, mixed=planned.step.only_if is not None
    )
    return replace(planned, asks=asks, notes=notes)


def plan_split(planner: Planner, planned: PlannedStep, body: SplitStep) -> PlannedStep:
    names = [("stratify", body.stratify), ("group", body.group)]
    paths = tuple(find_column(planner, name, ("split", key)) for key, name in names if name)
    return replace(planned, paths=paths, asks=(fingerprint_ask(),))


def plan_release(planner: Planner, planned: PlannedStep, body: ReleaseStep) -> PlannedStep:
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
    if body.to is not None:
        _check_place(planner, body.to)
    try:
        check_settings(body)
        check_licences(planner.licences, body.allow_unknown_licence)
    except RecipeError as error:
        planner.fail(("release",), error.message, error.hint, lacking=isinstance(error, NotHere))
    return planned


def small_tile_notes(plan: Plan) -> list[str]:
    """What to know before a run of hours: the tiles that it will release are too small for trainers."""
    notes: list[str] = []
    side: int | None = None
    for planned in plan.steps:
        match planned.step.body:
            case TransformStep() as body:
                side = None if planned.step.only_if else body.tile or body.best_tile
            case ReleaseStep() as body if side is not None:
                notes += [f"{planned.step.name}: {note}" for note in small_tiles_note(side, body)]
            case _:
                pass
    return notes


def _check_place(planner: Planner, to: str) -> None:
    """Nothing of the user's lies where a release goes, and no source would find the release among its pictures."""
    place = place_of(to)
    keys = ("release", "to")
    for step in planner.loaded.recipe.steps[: planner.index]:
        body = step.body
        folders = body.folder if isinstance(body, SourceStep) else ()
        for folder in folders:
            if lies_in(place, place_of(folder)):
                say = f"the release would lie in {folder}, which is read: the next run would find it there"
                planner.fail(keys, say, "choose a folder outside of it")
        if isinstance(body, ReleaseStep) and body.to is not None and place_of(body.to) == place:
            planner.fail(keys, f"step {step.name} writes to {to} already", "give each release its own folder")
    try:
        check_place(place, planner.loaded.text)
    except RecipeError as error:
        planner.fail(keys, error.message, error.hint)


def _makes_split(planner: Planner, name: str) -> bool:
    """Whether a step so far can put pictures into a split."""
    bodies = [step.body for step in planner.loaded.recipe.steps[: planner.index]]
    held = any(isinstance(body, HoldOutStep) and name in body.splits for body in bodies)
    return held or any(isinstance(body, SplitStep) and getattr(body, name, 0) for body in bodies)
