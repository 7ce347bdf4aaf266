"""The step `select`: judge the pool by a rule, or by a cascade."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from groundglass.plans.current_rows import applies, leave
from groundglass.plans.judge import Judged, judge_rows
from groundglass.plans.leak_reference import photographs_of
from groundglass.plans.measure_missing import measure_rows
from groundglass.plans.planner import PlannedStep, Planner
from groundglass.plans.run_folder import StepRecord
from groundglass.plans.source_quality_reference import must_be_profiled
from groundglass.plans.state import State
from groundglass.recipes.select_model import Cascade, SelectStep
from groundglass.steps.kind import StepForecast, StepKind, Walk, record
from groundglass.steps.measure.step import MEASURE_SECONDS, megapixels
from groundglass.steps.select.cascade import cascade_rows, check_size
from groundglass.steps.select.cascade_forecast import known_cascade, most_calls
from groundglass.steps.select.plan import plan_select
from groundglass.steps.select.plan_cascade import plan_cascade
from groundglass.tables.parquet import compute, only, without
from groundglass.tables.reasons import count_kinds
from groundglass.tables.verdicts import VERDICTS


def plan(planner: Planner, planned: PlannedStep, body: SelectStep) -> PlannedStep:
    """A rule, or a cascade before it."""
    if body.cascade is not None:
        return plan_cascade(planner, planned, body, body.cascade)
    return plan_select(planner, planned, body)


def run(state: State, planned: PlannedStep) -> StepRecord:
    """Judge the pool; rows that `if` leaves out pass."""
    chosen, _ = applies(state, planned)
    body = planned.step.body
    assert isinstance(body, SelectStep)
    judged = _by_cascade(state, planned, chosen) if body.cascade else _judged(state, planned, body, chosen)
    return _as_judged(state, planned, judged)


def _as_judged(state: State, planned: PlannedStep, judged: Judged) -> StepRecord:
    into, verdicts = state.rows.num_rows, judged.verdicts
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


def forecast(walk: Walk, planned: PlannedStep) -> StepForecast:
    """The very verdicts where all is known; else at most what a rule that counts lets pass."""
    body, state, into = planned.step.body, walk.state, walk.step(planned)
    assert isinstance(body, SelectStep)
    if body.cascade:
        return _forecast_cascade(walk, planned, into, body.cascade)
    rows = applies(state, planned)[0] if walk.exact else state.rows
    asked = photographs_of(rows, state.seen) if body.decontaminate else rows
    if must_be_profiled(body) or not walk.does(run, planned, asked):
        most = body.top_k if not body.per and planned.step.only_if is None else None
        if most and most < state.rows.num_rows:
            walk.guessed = walk.guessed or len(compute.unique(state.rows["width"])) > 1
        walk.at_most(state.rows.slice(0, most))
    return into


def _forecast_cascade(walk: Walk, planned: PlannedStep, into: StepForecast, wish: Cascade) -> StepForecast:
    """Exact where all that it would measure is known already; else at most what its budget allows."""
    state = walk.state
    chosen = applies(state, planned)[0] if walk.exact else state.rows
    check_size(planned, wish, chosen.num_rows)
    judged = known_cascade(state, planned, chosen) if walk.exact else None
    if judged is not None:
        _as_judged(state, planned, judged)
        return replace(into, to_do=0)
    walk.at_most(state.rows)
    to_do = most_calls(state, planned, wish, chosen)
    share = to_do / chosen.num_rows if chosen.num_rows else 0.0
    return replace(into, to_do=to_do, seconds=share * megapixels(chosen) * MEASURE_SECONDS)


def label(body: SelectStep) -> str:
    """What the rule keeps, in a few words.

    >>> label(SelectStep(top_k=2000, by="hyperiqa"))
    'best 2,000 by hyperiqa'
    """
    per = f" per {body.per}" if body.per else ""
    if body.where is not None:
        return f"{body.where}, cascade by {body.cascade.by}" if body.cascade else body.where
    if body.quantile is not None:
        return f"{body.by} at or above its {body.quantile:.0%} quantile{per}"
    if body.top_k is not None:
        return f"best {body.top_k:,} by {body.by}{per}"
    if body.quota is not None:
        return f"{', '.join(f'{name} {count:,}' for name, count in body.quota.items())} by {body.by}{per}"
    if body.intersect is not None:
        return " and ".join(label(inner) for inner in body.intersect)
    if body.source_divergence is not None:
        rule = body.source_divergence
        return f"sources of quality {rule.least:g} by {rule.reference}{per}"
    if body.decontaminate:
        sets = "known sets" if "all" in body.decontaminate else ", ".join(body.decontaminate)
        return f"no test image of {sets}"
    if body.deduplicate is not None:
        return _deduplicated(body)
    return " ".join(
        f"{what} those in {path}" for what, path in (("keep", body.keep), ("drop", body.drop)) if path
    )


def _deduplicated(body: SelectStep) -> str:
    """Which one of the duplicates stays."""
    kind = {"near": "near duplicates", "pixels": "equal pixels"}.get(body.deduplicate or "", "equal files")
    if body.by is None and body.deduplicate == "near":
        return f"of {kind} the largest, least compressed"
    return f"of {kind} {f'the best by {body.by}' if body.by else 'one'}"


SELECT = StepKind(plan, run, forecast, label)
