"""The step `transform`: rows become rows of virtual images."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from groundglass.measures.catalog import MEASURES
from groundglass.measures.measure_job import Ask, ask_of
from groundglass.plans.current_rows import applies, count, refusals
from groundglass.plans.measure_missing import measure_rows
from groundglass.plans.planner import PlannedStep, Planner
from groundglass.plans.state import State
from groundglass.steps.kind import Done, StepForecast, StepKind, Walk, done
from groundglass.tables.columns import ROWS
from groundglass.transforms.derived import Derived
from groundglass.transforms.transform import Transform


def plan(planner: Planner, planned: PlannedStep, body: Transform) -> PlannedStep:
    planner.resized = planner.resized or body.resizes
    planner.scope = replace(
        planner.scope, generation=planner.scope.generation + 1, mixed=planned.step.only_if is not None
    )
    return replace(planned, asks=_asks(body), notes=body.notes())


def _asks(body: Transform) -> tuple[Ask, ...]:
    wanted = body.measured()
    if wanted is None:
        return ()
    measure = MEASURES[wanted.measure] if isinstance(wanted.measure, str) else wanted.measure
    return (ask_of(measure, wanted.settings),)


def run(state: State, planned: PlannedStep) -> Done:
    """Replace the rows by virtual images of them; rows too small for any are dropped with that reason."""
    chosen, others = applies(state, planned)
    derived = derive_rows(state, planned, chosen)
    state.run.write(derived.rows, state.run.folder.derived(planned.step.name))
    refused = refusals(derived.refused)
    state.run.write(refused, state.run.folder.verdicts(planned.step.name))
    rows = pa.concat_tables([others, derived.rows.select(ROWS.names)])
    after = replace(state, rows=rows).with_seen(derived.rows)
    failed = refused.filter(refused["failed"])
    dropped = refused.num_rows - failed.num_rows
    return done(
        state,
        after,
        planned,
        dropped=dropped,
        failed=failed.num_rows,
        reasons=count(refused["reason"]),
    )


def derive_rows(state: State, planned: PlannedStep, rows: pa.Table) -> Derived:
    """The virtual images that a transform step makes from ``rows``, and the rows that gave none."""
    if not planned.asks:
        return transform_of(planned).make(rows, None)
    measure_rows(state, rows, planned.asks, planned.step.name)
    return transform_of(planned).make(rows, state.run.store.read(planned.asks[0].key))


def transform_of(planned: PlannedStep) -> Transform:
    """The transform of a step."""
    body = planned.step.body
    assert isinstance(body, Transform)
    return body


def forecast(walk: Walk, planned: PlannedStep) -> StepForecast:
    """The exact rows if all values are known; else the most that the sizes of the rows allow."""
    state, into = walk.state, walk.step(planned)
    rows = applies(state, planned)[0] if walk.exact else state.rows
    if walk.does(run, planned, rows):
        return into
    derived = transform_of(planned).at_most(state.rows)
    if derived is None:
        walk.guessed = True
        walk.at_most(state.rows)
        return into
    made = derived.rows.select(ROWS.names)
    rows, came_of = made, derived.rows["parent"]
    if planned.step.only_if is not None:
        # It is unknown for which rows `if` is true. A row stays or becomes its tiles: together they are an upper bound.
        rows = pa.concat_tables([state.rows, made])
        came_of = pa.chunked_array([*state.rows["id"].chunks, *came_of.chunks])
    walk.at_most(rows, came_of)
    walk.state = walk.state.with_seen(derived.rows)
    return into


def label(body: Transform) -> str:
    """A description of a few words."""
    return body.label()


TRANSFORM = StepKind(plan, run, forecast, label)
