"""The step `select`: judge the pool by a rule, or by a cascade."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from groundglass.plans.current_rows import applies, leave
from groundglass.plans.judge import given_to, pool_of, rule_of, with_profiles
from groundglass.plans.leak_reference import photographs_of
from groundglass.plans.measure_missing import measure_rows
from groundglass.plans.planner import PlannedStep, Planner
from groundglass.plans.source_quality_reference import must_be_profiled
from groundglass.plans.state import State
from groundglass.proofs.preset import PRESETS
from groundglass.selections.cut_off_table import cut_offs
from groundglass.selections.ranked_rule import RankedRule
from groundglass.selections.ranking import ranked_rest
from groundglass.selections.rule import Judged, Rule
from groundglass.selections.where import Cascade, Where
from groundglass.steps.kind import Done, StepForecast, StepKind, Walk, done
from groundglass.steps.measure.step import MEASURE_SECONDS, megapixels
from groundglass.steps.select.cascade import cascade_of, cascade_rows, check_size
from groundglass.steps.select.cascade_forecast import known_cascade, most_calls
from groundglass.steps.select.plan import plan_select
from groundglass.steps.select.plan_cascade import plan_cascade
from groundglass.steps.select.plan_theta import plan_theta
from groundglass.steps.select.theta import known_theta, label_at, theta_of, theta_rows
from groundglass.tables.parquet import compute, only, without
from groundglass.tables.reasons import count_kinds
from groundglass.tables.verdicts import VERDICTS

UNIT_SECONDS = 0.015
"""To take the moments of one image of .15 megapixels, one core; the store keeps them."""


def plan(planner: Planner, planned: PlannedStep, body: Rule) -> PlannedStep:
    """Plan a rule, with its cascade or its candidates for a threshold if it has them."""
    if isinstance(body, Where) and body.theta is not None:
        return plan_theta(planner, planned, body, body.theta)
    if isinstance(body, Where) and body.cascade is not None:
        return plan_cascade(planner, planned, body, body.cascade)
    return plan_select(planner, planned, body)


def run(state: State, planned: PlannedStep) -> Done:
    """Judge the pool; rows for which `if` is false pass."""
    chosen, _ = applies(state, planned)
    if cascade_of(planned):
        return _as_judged(state, state, planned, _by_cascade(state, planned, chosen))
    if theta_of(planned):
        return _with_theta(state, planned, theta_rows(state, planned, chosen))
    after, judged = _judged(with_profiles(state, planned), planned, chosen)
    return _as_judged(state, after, planned, judged)


def _as_judged(before: State, after: State, planned: PlannedStep, judged: Judged) -> Done:
    """The rows that the verdicts keep, and the record of the others."""
    verdicts = judged.verdicts
    failed = verdicts.filter(verdicts["failed"])
    dropped = verdicts.filter(compute.invert(compute.or_(verdicts["kept"], verdicts["failed"])))
    return done(
        before,
        leave(after, planned, verdicts),
        planned,
        dropped=dropped.num_rows,
        failed=failed.num_rows,
        reasons=count_kinds(verdicts),
        thresholds=judged.thresholds,
        notes=judged.notes,
        facts=judged.facts,
    )


def _with_theta(state: State, planned: PlannedStep, judged: Judged) -> Done:
    """The same, labelled with the threshold that was used."""
    after, record = _as_judged(state, state, planned, judged)
    return after, replace(record, label=label_at(planned, judged))


def _judged(state: State, planned: PlannedStep, chosen: pa.Table) -> tuple[State, Judged]:
    """The rule's verdicts on these rows; images without the pixels that it needs are failed."""
    measured = photographs_of(chosen, state.seen) if planned.of_photographs else chosen
    failed = measure_rows(state, measured, planned.asks, f"select {planned.step.name}").failed
    unreadable = only(failed, chosen["id"])
    rows = without(chosen, unreadable["id"])
    table, rule = pool_of(state, planned, rows), rule_of(planned)
    judged = rule.judge(table, given_to(state, planned))
    if isinstance(rule, RankedRule):
        state, judged = _ranked(state, planned, rule, rows, table, judged)
    return state, replace(judged, verdicts=pa.concat_tables([judged.verdicts.cast(VERDICTS), unreadable]))


def _ranked(
    state: State, planned: PlannedStep, rule: RankedRule, rows: pa.Table, table: pa.Table, judged: Judged
) -> tuple[State, Judged]:
    """Record a ranking: the table of other cut-offs, and the rows that it dropped, best first."""
    ranked_by = (rule.by, rule.way(planned.orders))
    state = replace(state, ranked_by=ranked_by)
    if planned.rest_wanted:
        rest = ranked_rest(table, judged.verdicts, *ranked_by)
        dropped = rows.take(compute.index_in(rest["id"], rows["id"]))
        state = replace(state, rests={**state.rests, planned.step.name: dropped})
    if rule.per:
        return state, judged
    kept = int(compute.sum(judged.verdicts["kept"]).as_py() or 0)
    return state, replace(judged, facts={**judged.facts, "cut_off": cut_offs(table, *ranked_by, kept)})


def _by_cascade(state: State, planned: PlannedStep, chosen: pa.Table) -> Judged:
    """The rule's verdicts on these rows, with its costly measure taken only where necessary."""

    def take(rows: pa.Table) -> pa.Table:
        return measure_rows(state, rows, planned.asks, f"select {planned.step.name}").failed

    return cascade_rows(state, planned, chosen, take)


def forecast(walk: Walk, planned: PlannedStep) -> StepForecast:
    """The exact verdicts if all values are known; else at most as many rows as a counting rule keeps."""
    state, into, wish = walk.state, walk.step(planned), cascade_of(planned)
    if wish:
        return _forecast_cascade(walk, planned, into, wish)
    if theta_of(planned):
        return _forecast_theta(walk, planned, into)
    rows = applies(state, planned)[0] if walk.exact else state.rows
    asked = photographs_of(rows, state.seen) if planned.of_photographs else rows
    if must_be_profiled(planned.references) or not walk.does(run, planned, asked):
        walk.at_most(state.rows)
        most = rule_of(planned).at_most(walk.count) if planned.step.only_if is None else walk.count
        if most < walk.count:
            # Which rows a counting rule will keep is unknown, so their sizes are too, unless all are equal.
            walk.guessed = walk.guessed or len(compute.unique(state.rows["width"])) > 1
        walk.bound(most)
    return into


def _forecast_cascade(walk: Walk, planned: PlannedStep, into: StepForecast, wish: Cascade) -> StepForecast:
    """Exact if all values that it would measure are known; else at most as many as its budget allows."""
    state = walk.state
    chosen = applies(state, planned)[0] if walk.exact else state.rows
    check_size(planned, wish, chosen.num_rows)
    judged = known_cascade(state, planned, chosen) if walk.exact else None
    if judged is not None:
        walk.state, _ = _as_judged(state, state, planned, judged)
        return replace(into, to_do=0)
    walk.at_most(state.rows)
    to_do = most_calls(state, planned, wish, chosen)
    share = to_do / chosen.num_rows if chosen.num_rows else 0.0
    return replace(into, to_do=to_do, seconds=share * megapixels(chosen) * MEASURE_SECONDS)


def _forecast_theta(walk: Walk, planned: PlannedStep, into: StepForecast) -> StepForecast:
    """Exact if the search was made before; else at most all rows."""
    state, theta = walk.state, theta_of(planned)
    assert theta is not None
    if walk.exact:
        judged = known_theta(state, planned, applies(state, planned)[0])
        if judged is not None:
            walk.state, _ = _as_judged(state, state, planned, judged)
            return into
    walk.at_most(state.rows)
    rows = walk.count
    count = len(theta.candidates)
    units = min(rows, count * theta.images)
    return replace(into, seconds=units * UNIT_SECONDS + (count - 1) * PRESETS[theta.preset].seconds)


def label(body: Rule) -> str:
    """A description of a few words of the rows that the rule keeps."""
    return body.label()


SELECT = StepKind(plan, run, forecast, label)
