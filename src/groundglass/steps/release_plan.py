"""Planning the release step: settings that cannot be used here are refused before anything is measured."""

from __future__ import annotations

from groundglass.errors import NotHere, RecipeError
from groundglass.image.resize import KERNELS
from groundglass.plans.planner import Planner, find_column
from groundglass.recipes.hold_out_model import HoldOutStep
from groundglass.recipes.split_model import SplitStep
from groundglass.releases.licences import check_licences
from groundglass.releases.writers.writer import Release
from groundglass.sources.folder import lies_in, place_of
from groundglass.sources.source import Source
from groundglass.transforms.transform import Transform


def plan_release(planner: Planner, body: Release, licences: bool = True) -> None:
    """Refuse settings that cannot be used here; ``licences`` says whether images are released."""
    low = [("kernel", body.kernel)] + (
        [("validation_lr", body.validation_lr.kernel)] if body.validation_lr else []
    )
    for key, kernel in low:
        if kernel not in KERNELS:
            planner.fail(("release", key), f"there is no kernel '{kernel}'", "", KERNELS, kernel)
    if body.validation_lr and not _makes_split(planner, "validation"):
        planner.fail(
            ("release", "validation_lr"),
            "no step before this one puts images into the split 'validation'",
            "add a hold_out or split step, or leave validation_lr out",
        )
    if body.of_made:
        _check_made(planner)
    if body.captions is not None:
        _check_captions(planner, body.captions)
    if body.to is not None:
        _check_outside(planner, body.to)
    try:
        body.check()
        if licences:
            check_licences(planner.licences, body.allow_unknown_licence)
    except RecipeError as error:
        planner.fail(("release",), error.message, error.hint, lacking=isinstance(error, NotHere))


def _check_made(planner: Planner) -> None:
    """Refuse pairs that no step makes, or that a later transform takes apart."""
    before = planner.loaded.recipe.steps[: planner.index]
    last = next((step for step in reversed(before) if isinstance(step.body, Transform)), None)
    if last is None or not isinstance(last.body, Transform) or not last.body.makes:
        say = "`paired` has no pairs: `lr_scales` is missing, and the last transform is not `degrade` or `restore`"
        planner.fail(
            ("release", "format"),
            say,
            "add for example `lr_scales: [2, 4]`; or a step `- transform: {degrade: realesrgan-x4plus}`",
        )
    held = [step.name for step in before[: before.index(last)] if isinstance(step.body, HoldOutStep)]
    if held:
        say = f"`paired`: images that step {held[0]} holds out have no pair, because {last.name} comes later"
        planner.fail(
            ("release", "format"),
            say,
            "hold out after it, or use `split`: it keeps tiles of a photo together",
        )
    if last.only_if is not None:
        say = f"`paired`: step {last.name} has an `if`, so some images have no pair"
        planner.fail(
            ("release", "format"), say, "select these images first, then degrade or restore them all"
        )


def _check_captions(planner: Planner, name: str) -> None:
    """Refuse captions that are not a column of texts at this step."""
    keys = ("release", "captions")
    kind = planner.scope.types()[".".join(find_column(planner, name, keys))]
    if kind != "VARCHAR":
        planner.fail(
            keys,
            f"'{name}' holds {kind}, not text",
            "name a column of texts, such as meta.caption",
            word=name,
        )


def _check_outside(planner: Planner, to: str) -> None:
    """Refuse a folder that a source would read as its own images, or that another release is written to."""
    place = place_of(to)
    keys = ("release", "to")
    for step in planner.loaded.recipe.steps[: planner.index]:
        body = step.body
        for folder in body.folders() if isinstance(body, Source) else ():
            if lies_in(place, place_of(folder)):
                say = f"the release would be in {folder}, which is a source: the next run would read it as images"
                planner.fail(keys, say, "choose a folder outside of it")
        if isinstance(body, Release) and body.to is not None and place_of(body.to) == place:
            planner.fail(keys, f"step {step.name} writes to {to} already", "give each release its own folder")


def _makes_split(planner: Planner, name: str) -> bool:
    """Whether a step so far can put images into a split."""
    bodies = [step.body for step in planner.loaded.recipe.steps[: planner.index]]
    held = any(isinstance(body, HoldOutStep) and name in body.splits for body in bodies)
    return held or any(isinstance(body, SplitStep) and getattr(body, name, 0) for body in bodies)
