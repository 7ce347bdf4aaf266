"""The split step: shares or counts of the current set; near-duplicates and tiles of a photograph stay together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa

from groundglass.plans.current_rows import count
from groundglass.plans.duplicates import fingerprint_ask
from groundglass.plans.leak_reference import photographs_of
from groundglass.plans.measure_missing import measure_rows
from groundglass.plans.planner import PlannedStep, Planner, find_column
from groundglass.plans.state import State
from groundglass.recipes.split_model import SplitStep
from groundglass.releases.split import assign_splits
from groundglass.releases.split_counts import assign_counts
from groundglass.releases.split_names import TRAIN
from groundglass.settings.field_types import count_of
from groundglass.steps.kind import Done, StepForecast, StepKind, Walk, done
from groundglass.steps.related_images import with_hashes
from groundglass.tables.expressions import column_path
from groundglass.text.format import share_or_count, some, thousands


def plan(planner: Planner, planned: PlannedStep, body: SplitStep) -> PlannedStep:
    names = [("stratify", body.stratify), ("group", body.group)]
    paths = tuple(find_column(planner, name, ("split", key)) for key, name in names if name)
    return replace(planned, paths=paths, asks=(fingerprint_ask(),))


def run(state: State, planned: PlannedStep) -> Done:
    """Give each row its split; no row leaves the set."""
    body, into = planned.step.body, state.rows.num_rows
    assert isinstance(body, SplitStep)
    splits = split_rows(state, planned)
    state.run.write(splits, state.run.folder.splits(planned.step.name))
    photos = pa.table({"photo": state.rows["root"], "split": splits["split"]}).group_by(["photo", "split"])
    facts = {"splits": count(splits["split"]), "photos": count(photos.aggregate([])["split"])}
    notes: list[str] = []
    if into and body.counted:
        notes = notes_on_counts(counts_of(body, into), facts["splits"], into)
    elif into:
        wanted = [name for name, share in shares_of(body).items() if share]
        empty = [name for name in wanted if name not in facts["splits"]]
        few = some(sum(facts["photos"].values()), "photos")
        notes = [
            f"{name} is empty: each photo is assigned at random, and there are only {few}" for name in empty
        ]
    return done(state, replace(state, splits=splits), planned, facts=facts, notes=tuple(notes))


def notes_on_counts(wanted: Mapping[str, int], got: Mapping[str, int], images: int) -> list[str]:
    """Notes on splits with another count than the recipe asks for, and why."""
    short = images < sum(wanted.values())
    why = (
        f"the set has only {thousands(images)}"
        if short
        else "groups that stay together do not add up to more"
    )
    off = {name: got.get(name, 0) for name, count in wanted.items() if got.get(name, 0) != count}
    notes = [
        f"{name} has {thousands(has)} of the {thousands(wanted[name])} images that the recipe asks for: {why}"
        if has < wanted[name]
        else f"{name} has {thousands(has)} images, not {thousands(wanted[name])}: it takes the rest"
        for name, has in off.items()
    ]
    if TRAIN not in got and TRAIN not in off:
        notes.append(f"{TRAIN} is empty: the other splits take all {some(images, 'images')}")
    return notes


def split_rows(state: State, planned: PlannedStep) -> pa.Table:
    """id, split of every row of the current set.

    Near-duplicates are found by the hashes of the photographs; hashes that the store lacks are measured here.
    """
    body = planned.step.body
    assert isinstance(body, SplitStep)
    measure_rows(
        state, photographs_of(state.rows, state.seen), planned.asks, f"fingerprints for {planned.step.name}"
    )
    rows = with_hashes(state, planned, state.rows)
    seed, step = state.run.seed, planned.step.name
    stratify, group = (name and ".".join(column_path(name)) for name in (body.stratify, body.group))
    if body.counted:
        counts = {name: count for name, count in counts_of(body, rows.num_rows).items() if name != TRAIN}
        return assign_counts(rows, counts, seed, step, stratify=stratify, group=group)
    return assign_splits(rows, shares_of(body), seed, step, stratify=stratify, group=group)


def counts_of(body: SplitStep, images: int) -> dict[str, int]:
    """Split → the count that the recipe asks for out of ``images``; train only if the recipe names it."""
    said = {TRAIN: body.train, "validation": body.validation, "test": body.test}
    return {name: count_of(part, images) for name, part in said.items() if part is not None}


def shares_of(body: SplitStep) -> dict[str, float]:
    """Split → its share of 1; the rest goes to train."""
    return {"train": rest_of(body), "validation": body.validation, "test": body.test}


def rest_of(body: SplitStep) -> float:
    return body.train if body.train is not None else 1.0 - body.validation - body.test


def forecast(walk: Walk, planned: PlannedStep) -> StepForecast:
    """No row leaves; a note is added if the counts would take all of them."""
    body, into = planned.step.body, walk.step(planned)
    assert isinstance(body, SplitStep)
    if body.counted and into.into and not walk.guessed:
        wanted = counts_of(body, into.into)
        if sum(wanted.values()) >= into.into + wanted.get(TRAIN, 0):
            asked = f"{' and '.join(name for name in wanted if name != TRAIN and wanted[name])}"
            total = thousands(sum(wanted.values()) - wanted.get(TRAIN, 0))
            known = "there are" if into.exact else "there are at most"
            walk.notes.append(
                f"{planned.step.name}: {asked} would take {total} images, and {known} {thousands(into.into)}: "
                "nothing is left to train on"
            )
    return into


def label(body: SplitStep) -> str:
    said = {TRAIN: body.train, "validation": body.validation, "test": body.test}
    parts = ", ".join(f"{name} {share_or_count(part)}" for name, part in said.items() if part)
    return f"{parts} by {body.group or 'photo'}"


SPLIT = StepKind(plan, run, forecast, label)
