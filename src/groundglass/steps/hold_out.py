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
from groundglass.steps.kind import Done, StepForecast, StepKind, Walk, done
from groundglass.steps.related_images import relatives_of
from groundglass.tables.columns import ColumnPath, pool
from groundglass.tables.parquet import compute, numbered, only, without
from groundglass.tables.reasons import count_kinds
from groundglass.tables.rows import ROWS
from groundglass.tables.verdicts import VERDICTS, numbers
from groundglass.text.format import share_or_count

HELD_OUT = "held out for"
"""How the reason of a row begins that went to a split."""


@dataclass(frozen=True)
class HoldingDone:
    """The verdicts of the rows that left, how many of them are held out, notes, and where rankings were cut."""

    verdicts: pa.Table
    count: int
    notes: tuple[str, ...]
    cut_off: list[dict[str, Any]]


def hold_out(state: State, planned: PlannedStep) -> tuple[State, HoldingDone]:
    """Hold out each split in turn; no row goes to two, and nothing that is like a held-out picture stays behind."""
    body = planned.step.body
    assert isinstance(body, HoldOutStep)
    relatives = relatives_of(state, planned, _rows_and_rests(state, planned))
    parts: list[pa.Table] = [VERDICTS.empty_table()]
    notes: list[str] = []
    cut_off: list[dict[str, Any]] = []
    for split, who in body.splits.items():
        candidates, left_out = candidates_for(state, planned, split, who, relatives)
        if who.by:
            order = planned.orders[split]
            many = who.next or wanted_of(who, candidates) or candidates.num_rows
            cut_off = cut_offs(candidates, who.by, order, many)
        held = choose(state, planned, split, who, candidates)
        state, verdicts, mates = take_out(state, planned, split, held, relatives)
        parts.append(verdicts)
        notes += [*held.warnings, *likeness_notes(split, left_out, mates)]
    count = sum(state.held[split].rows.num_rows for split in body.splits)
    return state, HoldingDone(pa.concat_tables(parts), count, tuple(notes), cut_off)


def _rows_and_rests(state: State, planned: PlannedStep) -> pa.Table:
    """The current set, and what the selections dropped that this step takes from; a row that is in two once."""
    rests = [state.rests.get(step, ROWS.empty_table()) for step in dict.fromkeys(planned.takes_from.values())]
    every = state.rows
    for rest in rests:
        every = pa.concat_tables([every, without(rest, every["id"])])
    return every


def candidates_for(
    state: State, planned: PlannedStep, split: str, who: NextBest, relatives: Mapping[str, str]
) -> tuple[pa.Table, int]:
    """The rows that a split can be taken from, and how many were left out since the set holds something like them."""
    if who.next is None:
        return pool(state.rows, planned.paths, planned.scope, state.tables), 0
    in_set = {relatives[root] for root in state.rows["root"].to_pylist()}
    dropped = state.rests[planned.takes_from[split]]
    alike = [relatives[root] in in_set for root in dropped["root"].to_pylist()]
    rest = dropped.filter(compute.invert(pa.array(alike, pa.bool_())))
    table = pool(rest, planned.paths, planned.scope, state.tables)
    ranked = table.take(hold_out_order(table, who.by, planned.orders[split])) if who.by else table
    return ranked, sum(alike)


def choose(state: State, planned: PlannedStep, split: str, who: NextBest, candidates: pa.Table) -> HeldOut:
    """The rows that one split gets."""
    name = f"{planned.step.name}.{split}"
    if who.next is not None:
        return hold_out_next(candidates, who.next, who.pick, state.run.seed, name)
    wanted = wanted_of(who, candidates)
    if wanted is not None:
        order = planned.orders.get(split, "higher")
        return hold_out_count(candidates, wanted, who.pick, state.run.seed, name, who.by, order)
    entries = read_list(Path(who.list or "").expanduser())
    return hold_out_list(candidates, entries, who.pick, state.run.seed, name)


def wanted_of(who: NextBest, candidates: pa.Table) -> int | None:
    """How many of the current set are wanted, where a count or a share says it."""
    said = who.count if who.share is None else who.share
    return None if said is None else count_of(said, candidates.num_rows)


def take_out(
    state: State, planned: PlannedStep, split: str, held: HeldOut, relatives: Mapping[str, str]
) -> tuple[State, pa.Table, int]:
    """Move the held rows to their split; what is like them leaves the set.

    The state after that, the verdicts, and how many are alike.
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
        rests={step: without(rest, gone) for step, rest in state.rests.items()},
        held={**state.held, split: Held(rows, planned.scope)},
    )
    verdicts = [
        out_of_set(held.ids, f"{HELD_OUT} {split}"),
        out_of_set(mates, f"like a picture that is held out for {split}"),
    ]
    return after, pa.concat_tables(verdicts), len(mates)


def likeness_notes(split: str, left_out: int, mates: int) -> list[str]:
    """What near-duplicates cost, in words."""
    notes: list[str] = []
    if left_out:
        notes.append(f"{left_out:,} could not be held out for {split}: the set holds something like them")
    if mates:
        notes.append(f"{mates:,} left the set: they are like what is held out for {split}")
    return notes


def hold_out_order(table: pa.Table, by: str, order: str) -> pa.Array:
    """Places of the rows, best first, equal values by id; rows without a value are left out."""
    ranked = pa.table({"place": numbered(table), "id": table["id"], "value": numbers(table, by)})
    known = ranked.filter(ranked["value"].is_valid())
    direction = "descending" if order == "higher" else "ascending"
    return known.sort_by([("value", direction), ("id", "ascending")])["place"]


def out_of_set(ids: Sequence[str], reason: str) -> pa.Table:
    """The rows were not dropped by a rule, but they are in the current set no more."""
    count = len(ids)
    columns = [list(ids), [False] * count, [False] * count, [reason] * count, [None] * count]
    return pa.table(dict(zip(VERDICTS.names, columns, strict=True)), schema=VERDICTS)


def plan(planner: Planner, planned: PlannedStep, body: HoldOutStep) -> PlannedStep:
    paths: tuple[ColumnPath, ...] = ()
    orders: dict[str, Order] = {}
    takes_from: dict[str, str] = {}
    for split, who in body.splits.items():
        keys = ("hold_out", split)
        if who.next:
            takes_from[split] = _ranked_before(planner, who, keys)
        if who.list:
            check_readable(planner, who.list, (*keys, "list"))
        if who.by:
            by = find_column(planner, who.by, (*keys, "by"))
            paths += (by,)
            orders[split] = who.order or better_way(planner, by, (*keys, "by"))
    return replace(planned, paths=paths, orders=orders, asks=(fingerprint_ask(),), takes_from=takes_from)


def _ranked_before(planner: Planner, who: NextBest, keys: tuple[str, str]) -> str:
    """The ranked selection that `next` means, by its step's name."""
    before = planner.loaded.recipe.steps[: planner.index]
    ranked = [step.name for step in before if isinstance(step.body, RankedRule)]
    if who.of is not None and who.of not in ranked:
        planner.fail(
            (*keys, "of"), f"there is no ranked selection '{who.of}' before this step", "", ranked, who.of
        )
    if not ranked:
        planner.fail(
            (*keys, "next"),
            "`next` takes the best that a ranked selection dropped, and there is none before this step",
            "use count, or put it after top_k, quota or quantile",
        )
    return who.of or ranked[-1]


def run(state: State, planned: PlannedStep) -> Done:
    """Take rows out of the way into named splits."""
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
    """The very rows where all is known; else none leave, and those that a ranking dropped may come back in a split."""
    body, state, into = planned.step.body, walk.state, walk.step(planned)
    assert isinstance(body, HoldOutStep)
    looked_at = photographs_of(_rows_and_rests(state, planned), state.seen)
    if not walk.does(run, planned, looked_at):
        walk.besides += sum(who.next or 0 for who in body.splits.values())
        walk.at_most(state.rows)
    return into


def label(body: HoldOutStep) -> str:
    return "; ".join(f"{split}: {_held(who)}" for split, who in body.splits.items())


def _held(who: NextBest) -> str:
    by = f" by {who.by}" if who.by else ""
    picked = f", pick {who.pick if isinstance(who.pick, int) else len(who.pick)}" if who.pick else ""
    if who.list:
        return f"those in {who.list}{picked}"
    many = f"next {who.next:,}" if who.next else share_or_count(who.count or who.share or 0)
    return f"{many}{f' of {who.of}' if who.of else ''}{by}{picked}"


HOLD_OUT = StepKind(plan, run, forecast, label)
