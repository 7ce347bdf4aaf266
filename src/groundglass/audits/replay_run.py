"""Replay a finished run on its tables: the rows before each gate, and the rows that passed all gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from groundglass.errors import RecipeError
from groundglass.plans.chosen_thetas import with_chosen
from groundglass.plans.current_rows import applies
from groundglass.plans.external_scores import read_scores
from groundglass.plans.planner import Plan, PlannedStep
from groundglass.plans.run_folder import RunFolder, RunRecord, load_record, study_key
from groundglass.plans.run_tables import RunTables, read_tables
from groundglass.plans.state import State, make_state
from groundglass.plans.texts import with_known_texts
from groundglass.random_streams import stream
from groundglass.tables.parquet import compute, only, read_table, without
from groundglass.tables.rows import photographs


@dataclass(frozen=True)
class Passage:
    """The rows of a run at its gates.

    state   the run's tables, in which values are looked up
    before  the rows before each select step that was reached, by its name
    last    the rows that passed the last gate
    """

    state: State
    before: dict[str, pa.Table] = field(default_factory=dict)
    last: pa.Table | None = None

    @property
    def gates(self) -> list[PlannedStep]:
        """The steps that keep or drop, in order."""
        return [planned for planned in self.state.run.plan.steps if planned.step.name in self.before]


def replay(plan: Plan, folder: RunFolder) -> Passage:
    """Go through a run's verdicts. Raises RecipeError if the run has not ended."""
    record = load_record(folder)
    if record.state != "done":
        raise RecipeError(
            f"{folder.path} is not finished ({record.state})",
            "run it to its end first: the same command goes on",
        )
    return go_through(plan, folder, record)


def go_through(plan: Plan, folder: RunFolder, record: RunRecord) -> Passage:
    """Go through the verdicts of a plan's steps; the run may still be working on later ones.

    Thresholds that the run chose are in the plan of the state that this gives.
    """
    plan = replace(plan, steps=with_chosen(plan.steps, record.steps))
    tables = read_tables(folder, record)
    state = make_state(plan, folder).with_images(tables.images)
    # a derived row that is its whole photograph is already there; `with_seen` skips it
    state = state.with_seen(photographs(tables.images)).with_seen(tables.derived)
    before: dict[str, pa.Table] = {}
    last: pa.Table | None = None
    for planned in plan.steps:
        if planned.step.kind == "select":
            before[planned.step.name] = state.rows
        state = _after(state, planned, tables)
        if planned.step.kind == "select":
            last = state.rows
    return Passage(state, before, last)


def _after(state: State, planned: PlannedStep, tables: RunTables) -> State:
    """The tables after a step, from its verdicts and the images that it made."""
    name = planned.step.name
    scores = {request.table: read_scores(request) for request in planned.scores}
    if scores:
        state = replace(state, scores={**state.scores, **scores})
    made = [study_key(name)] if planned.step.kind == "study" else [asked.key for asked in planned.prompts]
    for key in made:
        path = tables.folder.scores(key)
        state = replace(state, scores={**state.scores, key: read_table(path)}) if path.exists() else state
    state = with_known_texts(state, planned.texts)
    if planned.step.kind == "source":
        listed = compute.equal(tables.images["source"], name)
        rows = pa.concat_tables([state.rows, photographs(tables.images.filter(listed))])
        return replace(state, rows=rows)
    if planned.step.kind == "transform":
        _, others = applies(state, planned)
        made = tables.derived.filter(compute.equal(tables.derived["step"], name)).select(others.column_names)
        return replace(state, rows=pa.concat_tables([others, made]))
    if name in tables.verdicts and planned.step.kind != "release":
        verdicts = tables.verdicts[name]
        gone = verdicts["id"].filter(compute.invert(verdicts["kept"]))
        return replace(state, rows=without(state.rows, gone))
    return state


Chain = tuple[Mapping[str, Any], ...]
"""A row that passed all gates and the rows it was made from: itself first, its photograph last."""


def passing_chains(passage: Passage, most: int, seed: int) -> list[Chain]:
    """Photographs drawn at random among those with a row that passed all gates, each with one such row."""
    assert passage.last is not None
    photographs = sorted(set(passage.last["root"].to_pylist()))
    drawn = stream(seed, "audit", "photographs").permutation(len(photographs))[:most]
    return chains_of(passage, [photographs[place] for place in sorted(drawn)], seed)


def chains_of(passage: Passage, chosen: Sequence[str], seed: int) -> list[Chain]:
    """For each of these photographs, one row that passed all gates, drawn at random, with the rows it was made from."""
    assert passage.last is not None
    rows = {
        row["id"]: row for row in only(passage.state.seen, pa.array(chosen, pa.string()), "root").to_pylist()
    }
    ends: dict[str, list[str]] = {root: [] for root in chosen}
    for row in only(passage.last, pa.array(chosen, pa.string()), "root").to_pylist():
        ends[row["root"]].append(row["id"])
    return [_chain(rows, _draw(sorted(ends[root]), seed, root)) for root in chosen]


def _draw(ids: list[str], seed: int, root: str) -> str:
    return ids[int(stream(seed, "audit", "row", root).integers(len(ids)))]


def _chain(rows: Mapping[str, Mapping[str, Any]], last: str) -> Chain:
    chain = [rows[last]]
    while (parent := chain[-1]["parent"]) is not None and parent != chain[-1]["id"]:
        chain.append(rows[parent])
    return tuple(chain)


def ancestors_before(passage: Passage, gate: str) -> pa.Table:
    """The rows before a gate that passed all gates, or had a part that did: they count as clean."""
    assert passage.last is not None
    rows = passage.before[gate]
    here = set(rows["id"].to_pylist())
    seen = passage.state.seen
    parents = dict(zip(seen["id"].to_pylist(), seen["parent"].to_pylist(), strict=True))
    found: set[str] = set()
    wanted = set(passage.last["id"].to_pylist())
    while wanted:
        found |= wanted & here
        above = {parents.get(one) for one in wanted - here}
        wanted = {one for one in above if one is not None} - wanted
    return only(rows, pa.array(sorted(found), pa.string()))
