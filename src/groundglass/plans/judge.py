"""The select step: a recipe's rule becomes a call of the selection that it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from groundglass.image.region import TILE_SIGN, WHOLE
from groundglass.plans.duplicates import with_copies
from groundglass.plans.leak_reference import with_leaks
from groundglass.plans.measure_folders import Workshop, find_reference
from groundglass.plans.planner import PlannedStep
from groundglass.plans.source_quality_reference import photographs_blockiness, references_in
from groundglass.plans.state import State
from groundglass.recipes.select_model import SelectStep, SourceDivergence
from groundglass.selections.cut_off_table import cut_offs
from groundglass.selections.decontaminate import COLUMNS as LEAK_COLUMNS
from groundglass.selections.decontaminate import decontaminate
from groundglass.selections.deduplicate import (
    DEFAULT_DISTANCE,
    NEAR,
    ORIGINAL,
    PIXELS,
    TRUE_SCALE,
    copies_in_words,
    deduplicate,
)
from groundglass.selections.intersect import intersect
from groundglass.selections.keep_drop_lists import drop, keep, read_list, unmatched
from groundglass.selections.quantile import quantile
from groundglass.selections.quota import quota
from groundglass.selections.ranking import Order, ranked_rest
from groundglass.selections.source_divergence import by_quality, quality_in_words, source_qualities
from groundglass.selections.top_k import top_k
from groundglass.selections.where import where
from groundglass.source_quality.clean_profile import Profile
from groundglass.tables.columns import ColumnPath, pool
from groundglass.tables.expressions import parse
from groundglass.tables.parquet import compute


@dataclass(frozen=True)
class Judged:
    """Verdicts in the pool's order, what the rule held rows to, and things the user should know."""

    verdicts: pa.Table
    thresholds: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def judge_rows(state: State, planned: PlannedStep, rows: pa.Table) -> Judged:
    """The verdicts of a select step on ``rows``; a ranked one remembers whom it dropped, best first."""
    body = planned.step.body
    assert isinstance(body, SelectStep)
    scope = with_copies(planned.scope, body)
    if body.decontaminate:
        paths = [("root", name) for name in LEAK_COLUMNS]
        table = pool(rows, paths, with_leaks(scope, planned.asks[0]), state.tables)
        return Judged(decontaminate(table, ("root",)))
    table = pool(rows, needed(planned, body), scope, state.tables)
    judged = judge(table, body, planned.orders, references_for(state, planned, body))
    if body.by and body.is_ranked:
        state.ranked_by = (body.by, planned.orders[body.by])
        if not body.per:
            kept = int(compute.sum(judged.verdicts["kept"]).as_py() or 0)
            table_of = {"cut_off": cut_offs(table, *state.ranked_by, kept)}
            judged = replace(judged, facts={**judged.facts, **table_of})
        if planned.rest_wanted:
            rest = ranked_rest(table, judged.verdicts, *state.ranked_by)
            state.rests[planned.step.name] = rows.take(compute.index_in(rest["id"], rows["id"]))
    return judged


def needed(planned: PlannedStep, body: SelectStep) -> tuple[ColumnPath, ...]:
    """The columns that the rule reads."""
    mode = body.deduplicate or ""
    names = {"near": NEAR, "pixels": (PIXELS,)}.get(mode, ())
    if mode and body.by is None:
        names += ORIGINAL[mode]
        names += (TRUE_SCALE,) if mode == "near" and TRUE_SCALE in planned.scope.own() else ()
    return (*planned.paths, *((name,) for name in names))


@dataclass(frozen=True)
class References:
    """What sources are judged by: the column of their photographs, and profiles by what the recipe calls them."""

    by: str = ""
    profiles: Mapping[str, Profile] = field(default_factory=dict)


NO_REFERENCES = References()


def references_for(state: State, planned: PlannedStep, body: SelectStep) -> References:
    """The profiles that a select step judges by; folders are profiled now."""
    rules = references_in(body)
    if not rules:
        return NO_REFERENCES
    shop = Workshop(state.store_folder, state.settings, state.limits, state.progress)
    for rule in rules:
        if rule.reference not in state.profiles:
            state.profiles[rule.reference] = find_reference(rule.reference, shop)
    return References(".".join(photographs_blockiness(planned.scope)), state.profiles)


def judge(
    table: pa.Table, body: SelectStep, orders: Mapping[str, Order], references: References = NO_REFERENCES
) -> Judged:
    """One rule on one pool."""
    order = orders.get(body.by or "", "higher")
    if body.where is not None:
        limits = limits_of(body.where)
        exact = len(limits) == len(parse(body.where).comparisons)
        return Judged(where(table, body.where), tuple(limits), facts={"rule": "where", "exact": exact})
    if body.quantile is not None and body.by:
        verdicts = quantile(table, body.quantile, body.by, order, body.per)
        return Judged(
            verdicts, cut_of(table, verdicts, body, order), facts=ranked_facts(body, order, "quantile")
        )
    if body.top_k is not None and body.by:
        verdicts = top_k(table, body.top_k, body.by, order, body.per)
        return Judged(
            verdicts, cut_of(table, verdicts, body, order), facts=ranked_facts(body, order, "top_k")
        )
    if body.quota is not None and body.by and body.per:
        return Judged(quota(table, body.quota, body.per, body.by, order))
    if body.intersect is not None:
        return judge_together(table, body.intersect, orders, references)
    if body.source_divergence is not None:
        return judge_sources(table, body.source_divergence, body.per or "source", references)
    if body.deduplicate is not None:
        distance = DEFAULT_DISTANCE if body.distance is None else body.distance
        verdicts = deduplicate(by_content(table), body.deduplicate, distance, body.by, order)
        said = copies_in_words(verdicts["reason"].to_pylist()) if body.by is None else ""
        return Judged(verdicts, (), (said,) if said else ())
    return judge_lists(table, body)


def by_content(table: pa.Table) -> pa.Table:
    """The pool with what each row itself is as ``sha256`` and ``uri``: two tiles of one photograph are no copies."""
    whole = compute.equal(table["region"], WHOLE)
    for name, sign in (("sha256", "/"), ("uri", TILE_SIGN)):
        part = compute.binary_join_element_wise(table[name], table["region"], sign)
        own = compute.if_else(whole, table[name], part)
        table = table.set_column(table.column_names.index(name), name, own)
    return table


def judge_together(
    table: pa.Table, bodies: Sequence[SelectStep], orders: Mapping[str, Order], references: References
) -> Judged:
    """Several rules on the same pool, all required."""
    parts = [judge(table, body, orders, references) for body in bodies]
    verdicts = intersect(table, [part.verdicts for part in parts])
    thresholds = tuple(limit for part in parts for limit in part.thresholds)
    return Judged(verdicts, thresholds, tuple(note for part in parts for note in part.notes))


def judge_sources(table: pa.Table, rule: SourceDivergence, per: str, references: References) -> Judged:
    """Whole sources by their quality; those that none can be given of are told."""
    found = source_qualities(table, references.profiles[rule.reference], references.by, per)
    verdicts = by_quality(table, found, rule.least, per, rule.unknown)
    done = {"keep": "kept", "drop": "dropped"}[rule.unknown]
    notes = [
        f"{per} {name}: {quality_in_words(quality, rule.least)}; {done}"
        for name, quality in found.items()
        if quality.abstained
    ]
    facts = {"source_qualities": {name: quality.plain() for name, quality in found.items()}}
    return Judged(verdicts, (), tuple(notes[:20]), facts)


def judge_lists(table: pa.Table, body: SelectStep) -> Judged:
    """`keep` and `drop` files; what in them matches nothing is told."""
    parts: list[pa.Table] = []
    notes: list[str] = []
    for rule, name in ((keep, body.keep), (drop, body.drop)):
        if name is not None:
            entries = read_list(Path(name).expanduser())
            parts.append(rule(table, entries, Path(name).name))
            notes += [f"'{entry}' in {name} names no image here" for entry in unmatched(table, entries)[:20]]
    verdicts = parts[0] if len(parts) == 1 else intersect(table, parts)
    return Judged(verdicts, (), tuple(notes))


def limits_of(expression: str) -> list[dict[str, Any]]:
    """The thresholds of an expression that compare one column with one number: for the report's lines."""
    found: list[dict[str, Any]] = []
    for atom in parse(expression).comparisons:
        if atom.has_threshold and len(atom.columns) == 1 and atom.subject_text == ".".join(atom.columns[0]):
            if atom.operator == "between":
                found += [
                    limit(atom.subject_text, ">=", atom.limits[0]),
                    limit(atom.subject_text, "<=", atom.limits[1]),
                ]
            else:
                found.append(limit(atom.subject_text, atom.operator, atom.limits[0]))
    return found


def limit(column: str, operator: str, value: Any) -> dict[str, Any]:
    return {"column": column, "op": operator, "limit": float(value)}


def ranked_facts(body: SelectStep, order: Order, rule: str) -> dict[str, Any]:
    """For the report: which one list was cut in two. Groups have a cut each, which no one line can show."""
    ranking = {"column": body.by, "order": order, "rule": rule}
    return {"rule": rule} | ({} if body.per else {"ranking": ranking})


def cut_of(table: pa.Table, verdicts: pa.Table, body: SelectStep, order: Order) -> tuple[dict[str, Any], ...]:
    """Where a ranking of the whole pool was cut: the worst value that was kept."""
    name = body.by or ""
    if body.per is not None or name not in table.column_names:
        return ()
    kept = table[name].filter(verdicts["kept"])
    bounds = compute.min_max(kept)
    worst = bounds["min"] if order == "higher" else bounds["max"]
    if worst.as_py() is None or (body.top_k and len(kept) == len(table)):
        return ()
    return (limit(name, ">=" if order == "higher" else "<=", worst.as_py()),)
