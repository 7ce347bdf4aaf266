"""The split step: shares of the current set, near-duplicates and tiles of one photograph together."""

from __future__ import annotations

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
from groundglass.steps.kind import Done, StepKind, done, nothing_changes
from groundglass.steps.related_images import with_hashes
from groundglass.text.format import some


def plan(planner: Planner, planned: PlannedStep, body: SplitStep) -> PlannedStep:
    names = [("stratify", body.stratify), ("group", body.group)]
    paths = tuple(find_column(planner, name, ("split", key)) for key, name in names if name)
    return replace(planned, paths=paths, asks=(fingerprint_ask(),))


def run(state: State, planned: PlannedStep) -> Done:
    """Say which split each row goes to; none leaves the set."""
    body, into = planned.step.body, state.rows.num_rows
    assert isinstance(body, SplitStep)
    splits = split_rows(state, planned)
    photos = pa.table({"photo": state.rows["root"], "split": splits["split"]}).group_by(["photo", "split"])
    facts = {"splits": count(splits["split"]), "photos": count(photos.aggregate([])["split"])}
    wanted = [name for name, share in shares_of(body).items() if share]
    empty = [name for name in wanted if into and name not in facts["splits"]]
    few = some(sum(facts["photos"].values()), "photos")
    notes = [f"{name} is empty: chance decides photo by photo, and here are only {few}" for name in empty]
    return done(state, replace(state, splits=splits), planned, facts=facts, notes=tuple(notes))


def split_rows(state: State, planned: PlannedStep) -> pa.Table:
    """id, split of every row of the current set.

    Near-duplicates are found by the hashes of the photographs, which are measured here where they are not known yet.
    """
    body = planned.step.body
    assert isinstance(body, SplitStep)
    measure_rows(
        state, photographs_of(state.rows, state.seen), planned.asks, f"fingerprints for {planned.step.name}"
    )
    rows = with_hashes(state, planned, state.rows)
    return assign_splits(
        rows, shares_of(body), state.run.seed, planned.step.name, stratify=body.stratify, group=body.group
    )


def shares_of(body: SplitStep) -> dict[str, float]:
    """Split → its share of 1; what is not said goes to train."""
    return {"train": rest_of(body), "validation": body.validation, "test": body.test}


def rest_of(body: SplitStep) -> float:
    return body.train if body.train is not None else 1.0 - body.validation - body.test


def label(body: SplitStep) -> str:
    shares = {"train": body.train, "validation": body.validation, "test": body.test}
    shares = {name: 100 * (share or 0) for name, share in shares.items()}
    parts = ", ".join(f"{name} {share:.4g}%" for name, share in shares.items() if share)
    return f"{parts} by {body.group or 'photo'}"


SPLIT = StepKind(plan, run, nothing_changes, label)
