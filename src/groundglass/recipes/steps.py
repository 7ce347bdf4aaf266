"""Doing one step: from the tables as they stand to the tables after it, and what to say about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa

from groundglass.kernel.table import compute, only, without, write_parquet
from groundglass.kernel.words import some
from groundglass.recipes.annotating import annotate_rows
from groundglass.recipes.auditing import audit_gates
from groundglass.recipes.cascading import cascade_rows
from groundglass.recipes.columns import ROWS, pool
from groundglass.recipes.deriving import derive_rows
from groundglass.recipes.folder import StepRecord
from groundglass.recipes.gather import gather, photographs
from groundglass.recipes.holding import HELD_OUT, hold_out
from groundglass.recipes.judging import Judged, judge_rows
from groundglass.recipes.leaking import photographs_of
from groundglass.recipes.measuring import measure_rows
from groundglass.recipes.model import MeasureStep, SelectStep, SourceStep, SplitStep
from groundglass.recipes.planner import PlannedStep
from groundglass.recipes.reasons import MOST, OTHERS, count_kinds
from groundglass.recipes.releasing import release_rows
from groundglass.recipes.scores import no_row_is_scored, read_scores, score_notes
from groundglass.recipes.splitting import shares_of, split_rows
from groundglass.recipes.state import State
from groundglass.selections.pool import VERDICTS

Do = Callable[[State, PlannedStep], StepRecord]


def do_source(state: State, planned: PlannedStep) -> StepRecord:
    """List and scan; good files join the current set."""
    body = planned.step.body
    assert isinstance(body, SourceStep)
    found = gather(state, planned.step.name, body)
    state.add_images(found.images)
    rows = photographs(found.images)
    state.rows = pa.concat_tables([state.rows, rows])
    state.add_rows(rows)
    failed = found.images.filter(found.images["error"].is_valid())
    return record(
        planned,
        found.images.num_rows,
        rows.num_rows,
        dropped=found.refused.num_rows,
        failed=failed.num_rows,
        cached=found.cached,
        reasons=count(failed["error"]) | count_kinds(found.refused),
    )


def do_measure(state: State, planned: PlannedStep) -> StepRecord:
    """Measure what is missing; pictures whose pixels cannot be had leave the set as failed."""
    body = planned.step.body
    assert isinstance(body, MeasureStep)
    notes: list[str] = []
    valueless: dict[str, str] = {}
    for request in planned.scores:
        scores = read_scores(request)
        state.scores[request.table] = scores
        write_parquet(scores, state.folder.scores(request.table))
        said = score_notes(request, scores, state.rows)
        notes += said
        if state.rows.num_rows and no_row_is_scored(request, scores, state.rows):
            valueless[request.table] = said[-1]
    chosen, _ = applies(state, planned)
    measured = measure_rows(state, chosen, planned.asks, f"measure {planned.step.name}")
    into = state.rows.num_rows
    leave(state, planned, measured.failed)
    reasons = count(measured.failed["reason"])
    notes += measured.valueless.values()
    facts = {
        "measures": [ask.key for ask in planned.asks],
        "columns": list(planned.brings),
        "valueless": valueless | dict(measured.valueless),
    }
    return record(
        planned,
        into,
        state.rows.num_rows,
        failed=measured.failed.num_rows,
        cached=measured.cached,
        reasons=reasons,
        notes=tuple(notes),
        facts=facts,
    )


def do_annotate(state: State, planned: PlannedStep) -> StepRecord:
    """Ask what is not known yet; a picture without an answer stays, one that cannot be decoded leaves as failed."""
    chosen, _ = applies(state, planned)
    into = state.rows.num_rows
    found = annotate_rows(state, planned, chosen)
    leave(state, planned, found.failed)
    return record(
        planned,
        into,
        state.rows.num_rows,
        failed=found.failed.num_rows,
        cached=found.cached,
        reasons=count(found.failed["reason"]) | found.reasons,
        notes=found.notes,
        facts=found.facts,
    )


def do_select(state: State, planned: PlannedStep) -> StepRecord:
    """Judge the pool; rows that `if` leaves out pass."""
    chosen, _ = applies(state, planned)
    body, into = planned.step.body, state.rows.num_rows
    assert isinstance(body, SelectStep)
    judged = _by_cascade(state, planned, chosen) if body.cascade else _judged(state, planned, body, chosen)
    verdicts = judged.verdicts
    leave(state, planned, verdicts)
    failed = verdicts.filter(verdicts["failed"])
    dropped = verdicts.filter(compute.invert(compute.or_(verdicts["kept"], verdicts["failed"])))
    return record(
        planned,
        into,
        state.rows.num_rows,
        dropped=dropped.num_rows,
        failed=failed.num_rows,
        reasons=count_kinds(verdicts),
        thresholds=judged.thresholds,
        notes=judged.notes,
        facts=judged.facts,
    )


def _judged(state: State, planned: PlannedStep, body: SelectStep, chosen: pa.Table) -> Judged:
    """What the rule says of these rows; pictures that cannot be used for what it needs are failed."""
    measured = photographs_of(chosen, state.seen) if body.decontaminate else chosen
    failed = measure_rows(state, measured, planned.asks, f"select {planned.step.name}").failed
    unreadable = only(failed, chosen["id"])
    judged = judge_rows(state, planned, without(chosen, unreadable["id"]))
    return replace(judged, verdicts=pa.concat_tables([judged.verdicts.cast(VERDICTS), unreadable]))


def _by_cascade(state: State, planned: PlannedStep, chosen: pa.Table) -> Judged:
    """What the rule says of these rows, its costly measure taken only where it must be."""

    def take(rows: pa.Table) -> pa.Table:
        return measure_rows(state, rows, planned.asks, f"select {planned.step.name}").failed

    return cascade_rows(state, planned, chosen, take)


def do_transform(state: State, planned: PlannedStep) -> StepRecord:
    """Replace the rows by virtual images of them; rows too small for any are dropped with that reason."""
    chosen, others = applies(state, planned)
    into = state.rows.num_rows
    derived = derive_rows(state, planned, chosen)
    write_parquet(derived.rows, state.folder.derived(planned.step.name))
    refused = verdicts_of(derived.refused)
    write_parquet(refused, state.folder.verdicts(planned.step.name))
    state.rows = pa.concat_tables([others, derived.rows.select(ROWS.names)])
    state.add_rows(derived.rows)
    failed = refused.filter(refused["failed"])
    dropped = refused.num_rows - failed.num_rows
    return record(
        planned,
        into,
        state.rows.num_rows,
        dropped=dropped,
        failed=failed.num_rows,
        reasons=count(refused["reason"]),
    )


def do_hold_out(state: State, planned: PlannedStep) -> StepRecord:
    """Take rows out of the way into named splits."""
    into = state.rows.num_rows
    held = hold_out(state, planned)
    leave(state, planned, held.verdicts)
    return record(
        planned,
        into,
        state.rows.num_rows,
        held_out=held.count,
        dropped=held.verdicts.num_rows - held.count,
        reasons=count_kinds(
            held.verdicts.filter(compute.invert(compute.starts_with(held.verdicts["reason"], HELD_OUT)))
        ),
        notes=held.notes,
        facts={"cut_off": held.cut_off},
    )


def do_split(state: State, planned: PlannedStep) -> StepRecord:
    """Say which split each row goes to; none leaves the set."""
    body, into = planned.step.body, state.rows.num_rows
    assert isinstance(body, SplitStep)
    splits = split_rows(state, planned)
    state.splits = splits
    photos = pa.table({"photo": state.rows["root"], "split": splits["split"]}).group_by(["photo", "split"])
    facts = {"splits": count(splits["split"]), "photos": count(photos.aggregate([])["split"])}
    wanted = [name for name, share in shares_of(body).items() if share]
    empty = [name for name in wanted if into and name not in facts["splits"]]
    few = some(sum(facts["photos"].values()), "photos")
    notes = [f"{name} is empty: chance decides photo by photo, and here are only {few}" for name in empty]
    return record(planned, into, into, facts=facts, notes=tuple(notes))


def do_release(state: State, planned: PlannedStep) -> StepRecord:
    """Write the dataset."""
    into = state.rows.num_rows + sum(held.rows.num_rows for held in state.held.values())
    released = release_rows(state, planned)
    write_parquet(released.verdicts, state.folder.verdicts(planned.step.name))
    failed = released.verdicts.num_rows
    return record(
        planned,
        into,
        into - failed,
        failed=failed,
        reasons=count(released.verdicts["reason"]),
        notes=released.notes,
        facts=released.facts,
    )


def do_audit(state: State, planned: PlannedStep) -> StepRecord:
    """Audit the gates so far; no row leaves."""
    into = state.rows.num_rows
    audited = audit_gates(state, planned)
    return record(planned, into, into, notes=audited.notes, facts=audited.facts)


DO: Mapping[str, Do] = {
    "source": do_source,
    "measure": do_measure,
    "annotate": do_annotate,
    "select": do_select,
    "transform": do_transform,
    "hold_out": do_hold_out,
    "split": do_split,
    "release": do_release,
    "audit": do_audit,
}


def applies(state: State, planned: PlannedStep) -> tuple[pa.Table, pa.Table]:
    """The rows that a step's `if` holds for, and the others."""
    if planned.step.only_if is None:
        return state.rows, state.rows.slice(0, 0)
    from groundglass.selections.where import where

    table = pool(state.rows, planned.condition, planned.scope, state.tables)
    verdicts = where(table, planned.step.only_if)
    inside = compute.is_in(state.rows["id"], verdicts["id"].filter(verdicts["kept"]))
    return state.rows.filter(inside), state.rows.filter(compute.invert(inside))


def leave(state: State, planned: PlannedStep, verdicts: pa.Table) -> None:
    """Write the verdicts, and let the rows that were not kept leave the current set."""
    write_parquet(verdicts, state.folder.verdicts(planned.step.name))
    if verdicts["id"].equals(state.rows["id"]):  # all were judged, in their order: none need be looked up
        state.rows = state.rows.filter(verdicts["kept"])
    else:
        state.rows = without(state.rows, verdicts["id"].filter(compute.invert(verdicts["kept"])))


def verdicts_of(refused: pa.Table) -> pa.Table:
    """Verdicts of rows that a transform could make nothing of: too small is dropped, anything else failed."""
    rows = refused.num_rows
    failed = compute.not_equal(refused["reason"], "too_small")
    return pa.table(
        [refused["id"], pa.array([False] * rows), failed, refused["reason"], pa.nulls(rows, pa.float64())],
        schema=VERDICTS,
    )


def count(reasons: Any) -> dict[str, int]:
    """How often each reason occurs, most frequent first; the rarest together, so that the counts add up."""
    found = Counter(reasons.to_pylist()).most_common()
    rest = sum(many for _, many in found[MOST - 1 :])
    return dict(found if len(found) <= MOST else [*found[: MOST - 1], (OTHERS, rest)])


def record(planned: PlannedStep, into: int, out: int, **counts: Any) -> StepRecord:
    return replace(StepRecord(planned.step.name, planned.step.kind, planned.label, into, out), **counts)
