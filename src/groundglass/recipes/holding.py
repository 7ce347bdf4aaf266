"""The hold-out step: rows leave the current set for named splits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from groundglass.kernel.table import compute, numbered, without
from groundglass.recipes.columns import pool
from groundglass.recipes.cut_offs import cut_offs
from groundglass.recipes.model import HoldOutStep, NextBest
from groundglass.recipes.plan import PlannedStep
from groundglass.recipes.state import VERDICTS, Held, State
from groundglass.selections.hold_out import HeldOut, hold_out_count, hold_out_list, hold_out_next
from groundglass.selections.lists import read_list


@dataclass(frozen=True)
class HoldingDone:
    """The verdicts of the rows that were held out, things the user should know, and where rankings were cut."""

    verdicts: pa.Table
    notes: tuple[str, ...]
    cut_off: list[dict[str, Any]]


def hold_out(state: State, planned: PlannedStep) -> HoldingDone:
    """Hold out each split in turn; no row goes to two."""
    body = planned.step.body
    assert isinstance(body, HoldOutStep)
    parts: list[pa.Table] = [VERDICTS.empty_table()]
    notes: list[str] = []
    cut_off: list[dict[str, Any]] = []
    for split, who in body.splits.items():
        table = pool(state.rows, planned.paths, planned.scope, state.tables)
        if who.by:
            ranked = pool(state.rest if who.next else state.rows, planned.paths, planned.scope, state.tables)
            cut_off = cut_offs(
                ranked, who.by, planned.orders[who.by], who.next or who.count or ranked.num_rows
            )
        held = choose(state, planned, f"{planned.step.name}.{split}", who, table)
        candidates = pa.concat_tables([state.rows, state.rest])
        rows = candidates.take(compute.index_in(pa.array(held.ids, pa.string()), candidates["id"]))
        state.held[split] = Held(rows, planned.scope)
        parts.append(verdicts_of(held.ids, split))
        notes += held.warnings
        gone = pa.array(held.ids, pa.string())
        state.rows = without(state.rows, gone)
        state.rest = without(state.rest, gone)
    return HoldingDone(pa.concat_tables(parts), tuple(notes), cut_off)


def choose(state: State, planned: PlannedStep, name: str, who: NextBest, table: pa.Table) -> HeldOut:
    """The rows that one split gets."""
    if who.next is not None:
        return hold_out_next(best_first(state, planned, who), who.next, who.pick, state.seed, name)
    if who.count is not None:
        order = planned.orders.get(who.by or "", "higher")
        return hold_out_count(table, who.count, who.pick, state.seed, name, who.by, order)
    return hold_out_list(table, read_list(Path(who.list or "").expanduser()), who.pick, state.seed, name)


def best_first(state: State, planned: PlannedStep, who: NextBest) -> pa.Table:
    """The rows that the last ranked selection dropped: in its own order, or ranked anew by ``by``."""
    if who.by is None:
        return state.rest
    table = pool(state.rest, planned.paths, planned.scope, state.tables)
    return table.take(hold_out_order(table, who.by, planned.orders[who.by]))


def hold_out_order(table: pa.Table, by: str, order: str) -> pa.Array:
    """Places of the rows, best first, equal values by id; rows without a value are left out."""
    from groundglass.selections.pool import numbers

    ranked = pa.table({"place": numbered(table), "id": table["id"], "value": numbers(table, by)})
    known = ranked.filter(ranked["value"].is_valid())
    direction = "descending" if order == "higher" else "ascending"
    return known.sort_by([("value", direction), ("id", "ascending")])["place"]


def verdicts_of(ids: tuple[str, ...], split: str) -> pa.Table:
    """The rows were not dropped, but they are in the current set no more."""
    count = len(ids)
    columns = [list(ids), [False] * count, [False] * count, [f"held out for {split}"] * count, [None] * count]
    return pa.table(dict(zip(VERDICTS.names, columns, strict=True)), schema=VERDICTS)
