"""The step `hold_out`: rows leave the current set for named splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from groundglass.plans.current_rows import leave
from groundglass.plans.duplicates import fingerprint_ask
from groundglass.plans.leak_reference import photographs_of
from groundglass.plans.planner import PlannedStep, Planner, better_way, check_readable, find_column
from groundglass.plans.state import Held, State
from groundglass.recipes.hold_out_model import HoldOutStep, NextBest
from groundglass.selections.cut_off_table import cut_offs
from groundglass.selections.hold_out import HeldOut, hold_out_count, hold_out_list, hold_out_next
from groundglass.selections.keep_drop_lists import read_list
from groundglass.selections.ranked_rule import RankedRule
from groundglass.selections.ranking import Order
from groundglass.settings.field_types import count_of
from groundglass.steps.kind import Done, Holding, StepForecast, StepKind, Walk, done
from groundglass.steps.related_images import relatives_of
from groundglass.tables.columns import ColumnPath, pool
from groundglass.tables.parquet import compute, numbered, only, without
from groundglass.tables.reasons import count_kinds
from groundglass.tables.rows import ROWS
from groundglass.tables.verdicts import VERDICTS, numbers
from groundglass.text.format import share_or_count

HELD_OUT = "held out for"
"""The beginning of the reason of a row that went to a split."""


@dataclass(frozen=True)
class HoldingDone:
    """The verdicts of the rows that left, how many of them are held out, notes, and the tables of other cut-offs."""

    verdicts: pa.Table
    count: int
    notes: tuple[str, ...]
    cut_off: list[dict[str, Any]]


def hold_out(state: State, planned: PlannedStep) -> tuple[State, HoldingDone]:
    """Hold out each split in turn. No row goes to two splits, and near-duplicates of held-out images leave the set.

    A near-duplicate that stayed in the training set would make the score on the held-out split too good.
    """
    body = planned.step.body
    assert isinstance(body, HoldOutStep)
    relatives = relatives_of(state, planned, _rows_and_rests(state, planned))
    parts: list[pa.Table] = [VERDICTS.empty_table()]
    notes: list[str] = []
    cut_off: list[dict[str, Any]] = []
    for split, part in body.splits.items():
        candidates, left_out = candidates_for(state, planned, split, part, relatives)
        if part.by:
            order = planned.orders[split]
            many = part.next or wanted_of(part, candidates) or candidates.num_rows
            cut_off = cut_offs(candidates, part.by, order, many)
        held = choose(state, planned, split, part, candidates)
        state, verdicts, mates = take_out(state, planned, split, held, relatives)
        parts.append(verdicts)
        notes += [*held.warnings, *likeness_notes(split, left_out, mates)]
    count = sum(state.held[split].rows.num_rows for split in body.splits)
    return state, HoldingDone(pa.concat_tables(parts), count, tuple(notes), cut_off)


def _rows_and_rests(state: State, planned: PlannedStep) -> pa.Table:
    """The current set, and the rows dropped by the selections that this step takes from; each row once."""
    rests = [state.rests.get(step, ROWS.empty_table()) for step in dict.fromkeys(planned.takes_from.values())]
    every = state.rows
    for rest in rests:
        every = pa.concat_tables([every, without(rest, every["id"])])
    return every


def candidates_for(
    state: State, planned: PlannedStep, split: str, part: NextBest, relatives: Mapping[str, str]
) -> tuple[pa.Table, int]:
    """The rows that a split can be taken from, and how many were left out as near-duplicates of the set."""
    if part.next is None:
        return pool(state.rows, planned.paths, planned.scope, state.tables), 0
    in_set = {relatives[root] for root in state.rows["root"].to_pylist()}
    dropped = state.rests[planned.takes_from[split]]
    alike = [relatives[root] in in_set for root in dropped["root"].to_pylist()]
    rest = dropped.filter(compute.invert(pa.array(alike, pa.bool_())))
    table = pool(rest, planned.paths, planned.scope, state.tables)
    ranked = table.take(hold_out_order(table, part.by, planned.orders[split])) if part.by else table
    return ranked, sum(alike)


def choose(state: State, planned: PlannedStep, split: str, part: NextBest, candidates: pa.Table) -> HeldOut:
    """The rows that one split gets."""
    name = f"{planned.step.name}.{split}"
    if part.next is not None:
        return hold_out_next(candidates, part.next, part.pick, state.run.seed, name)
    wanted = wanted_of(part, candidates)
    if wanted is not None:
        order = planned.orders.get(split, "higher")
        return hold_out_count(candidates, wanted, part.pick, state.run.seed, name, part.by, order)
    entries = read_list(Path(part.list or "").expanduser())
    return hold_out_list(candidates, entries, part.pick, state.run.seed, name)


def pickable(state: State, planned: PlannedStep, split: str) -> pa.Table:
    """The rows among which `pick` chooses for a split, best first, when the splits before it have theirs."""
    body = planned.step.body
    assert isinstance(body, HoldOutStep)
    relatives = relatives_of(state, planned, _rows_and_rests(state, planned))
    for name, part in body.splits.items():
        candidates, _ = candidates_for(state, planned, name, part, relatives)
        if name == split:
            every = choose(state, planned, name, part.model_copy(update={"pick": None}), candidates)
            ids = pa.array(every.ids, pa.string())
            return candidates.take(compute.index_in(ids, candidates["id"]))
        state, _, _ = take_out(
            state, planned, name, choose(state, planned, name, part, candidates), relatives
        )
    raise ValueError(f"{planned.step.name} has no split {split}")


def most_of(part: NextBest, rows: int) -> int:
    """Upper bound of the rows that a split takes from at most ``rows``."""
    said = part.count if part.share is None else part.share
    wanted = rows if said is None else count_of(said, rows)
    picked = wanted if part.pick is None else part.pick if isinstance(part.pick, int) else len(part.pick)
    return min(wanted, picked)


def wanted_of(part: NextBest, candidates: pa.Table) -> int | None:
    """How many rows of the current set a count or a share asks for; None without either."""
    said = part.count if part.share is None else part.share
    return None if said is None else count_of(said, candidates.num_rows)


def take_out(
    state: State, planned: PlannedStep, split: str, held: HeldOut, relatives: Mapping[str, str]
) -> tuple[State, pa.Table, int]:
    """Move the held rows to their split; their near-duplicates leave the set.

    Returns the new state, the verdicts, and the number of near-duplicates.
    """
    everything = _rows_and_rests(state, planned)
    ids = pa.array(held.ids, pa.string())
    rows = everything.take(compute.index_in(ids, everything["id"]))
    taken = {relatives[root] for root in rows["root"].to_pylist()}
    alike = pa.array([relatives[root] in taken for root in everything["root"].to_pylist()], pa.bool_())
    gone = everything["id"].filter(alike)
    mates = without(only(state.rows, gone), ids)["id"].to_pylist()
    after = replace(
        state,
        rows=without(state.rows, gone),
        # Also out of the rests: otherwise a later split could take a near-duplicate of this one.
        rests={step: without(rest, gone) for step, rest in state.rests.items()},
        held={**state.held, split: Held(rows, planned.scope)},
    )
    verdicts = [
        out_of_set(held.ids, f"{HELD_OUT} {split}"),
        out_of_set(mates, f"like an image that is held out for {split}"),
    ]
    return after, pa.concat_tables(verdicts), len(mates)


def likeness_notes(split: str, left_out: int, mates: int) -> list[str]:
    """Notes on the rows that near-duplicates cost."""
    notes: list[str] = []
    if left_out:
        notes.append(f"{left_out:,} could not be held out for {split}: the set has near-duplicates of them")
    if mates:
        notes.append(f"{mates:,} left the set: they are near-duplicates of images held out for {split}")
    return notes


def hold_out_order(table: pa.Table, by: str, order: str) -> pa.Array:
    """Positions of the rows, best first, equal values by id; rows without a value are left out."""
    ranked = pa.table({"place": numbered(table), "id": table["id"], "value": numbers(table, by)})
    known = ranked.filter(ranked["value"].is_valid())
    direction = "descending" if order == "higher" else "ascending"
    return known.sort_by([("value", direction), ("id", "ascending")])["place"]


def out_of_set(ids: Sequence[str], reason: str) -> pa.Table:
    """Verdicts of rows that no rule dropped, but that are no longer in the current set."""
    count = len(ids)
    columns = [list(ids), [False] * count, [False] * count, [reason] * count, [None] * count]
    return pa.table(dict(zip(VERDICTS.names, columns, strict=True)), schema=VERDICTS)


def plan(planner: Planner, planned: PlannedStep, body: HoldOutStep) -> PlannedStep:
    paths: tuple[ColumnPath, ...] = ()
    orders: dict[str, Order] = {}
    takes_from: dict[str, str] = {}
    for split, part in body.splits.items():
        keys = ("hold_out", split)
        if part.next:
            takes_from[split] = _ranked_before(planner, part, keys)
        if part.list:
            check_readable(planner, part.list, (*keys, "list"))
        if part.by:
            by = find_column(planner, part.by, (*keys, "by"))
            paths += (by,)
            orders[split] = part.order or better_way(planner, by, (*keys, "by"))
    return replace(planned, paths=paths, orders=orders, asks=(fingerprint_ask(),), takes_from=takes_from)


def _ranked_before(planner: Planner, part: NextBest, keys: tuple[str, str]) -> str:
    """The step name of the ranked selection that `next` takes from."""
    before = planner.loaded.recipe.steps[: planner.index]
    ranked = [step.name for step in before if isinstance(step.body, RankedRule)]
    if part.of is not None and part.of not in ranked:
        planner.fail(
            (*keys, "of"), f"there is no ranked selection '{part.of}' before this step", "", ranked, part.of
        )
    if not ranked:
        planner.fail(
            (*keys, "next"),
            "`next` takes the best rows that a ranked selection dropped, but no step before this one ranks",
            "use count, or put it after top_k, quota or quantile",
        )
    return part.of or ranked[-1]


def run(state: State, planned: PlannedStep) -> Done:
    """Move rows from the current set into named splits."""
    after, held = hold_out(state, planned)
    return done(
        state,
        leave(after, planned, held.verdicts),
        planned,
        held_out=held.count,
        dropped=held.verdicts.num_rows - held.count,
        reasons=count_kinds(
            held.verdicts.filter(compute.invert(compute.starts_with(held.verdicts["reason"], HELD_OUT)))
        ),
        notes=held.notes,
        facts={"cut_off": held.cut_off},
    )


def forecast(walk: Walk, planned: PlannedStep) -> StepForecast:
    """The exact rows if all values are known; else no row leaves, and rows that a ranking dropped may be held out."""
    body, state, into = planned.step.body, walk.state, walk.step(planned)
    assert isinstance(body, HoldOutStep)
    looked_at = photographs_of(_rows_and_rests(state, planned), state.seen)
    if not walk.does(run, planned, looked_at):
        parts = body.splits.values()
        walk.besides += sum(part.next or 0 for part in parts)
        most = sum(most_of(part, walk.count) for part in parts if part.next is None)
        walk.held.append(Holding(min(most, walk.count), state.rows["id"], state.rows["root"]))
        walk.at_most(state.rows)
    return into


def label(body: HoldOutStep) -> str:
    return "; ".join(f"{split}: {_held(part)}" for split, part in body.splits.items())


def _held(part: NextBest) -> str:
    by = f" by {part.by}" if part.by else ""
    picked = f", pick {part.pick if isinstance(part.pick, int) else len(part.pick)}" if part.pick else ""
    if part.list:
        return f"those in {part.list}{picked}"
    many = f"next {part.next:,}" if part.next else share_or_count(part.count or part.share or 0)
    return f"{many}{f' of {part.of}' if part.of else ''}{by}{picked}"


HOLD_OUT = StepKind(plan, run, forecast, label)
