"""The step `audit`: audit the gates before it; no row leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from groundglass.audits.gates import Gate
from groundglass.audits.run_audit import chosen_defects
from groundglass.plans.leak_reference import photographs_of
from groundglass.plans.networks import core_seconds
from groundglass.plans.planner import PlannedStep
from groundglass.plans.state import State
from groundglass.recipes.audit_model import AuditStep
from groundglass.steps.audit.plan import plan_audit
from groundglass.steps.audit.run import audit_gates
from groundglass.steps.kind import Done, StepForecast, StepKind, Walk, done
from groundglass.steps.measure.step import megapixels
from groundglass.tables.parquet import compute

AUDIT_SECONDS = 0.15
"""Seconds to put a defect into one megapixel and measure it for the gates, on one core."""


def run(state: State, planned: PlannedStep) -> Done:
    """Audit the gates before this step; no row leaves."""
    audited = audit_gates(state, planned)
    return done(state, state, planned, notes=audited.notes, facts=audited.facts)


def forecast(walk: Walk, planned: PlannedStep) -> StepForecast:
    """The number of defective versions, and the time to measure them for the gates."""
    state = walk.state
    before = state.run.plan.steps[: state.run.plan.steps.index(planned)]
    gates = [Gate(step) for step in before if step.step.kind == "select"]
    known = {ask.key: ask for step in before for ask in step.asks}
    asks = {ask for gate in gates for _, ask in gate.asks(known)}
    photos = photographs_of(state.rows, state.seen)
    versions = most_versions(planned, gates, photos)
    each = megapixels(photos) / max(1, photos.num_rows) * AUDIT_SECONDS + sum(map(core_seconds, asks))
    walk.notes.append(f"{planned.step.name}: at most {versions:,} versions of photos are made and judged")
    return replace(walk.step(planned), seconds=versions * each)


def most_versions(planned: PlannedStep, gates: Sequence[Gate], photos: pa.Table) -> int:
    """How many versions an audit makes: each drawn photo without a defect, and with every severity of every defect."""
    body = planned.step.body
    assert isinstance(body, AuditStep)
    sources = len(compute.unique(photos["source"]))
    defects = chosen_defects(body.defects, gates)
    single = sum(len(defect.severities) for defect in defects if defect.kind != "source")
    whole = sum(len(defect.severities) for defect in defects if defect.kind == "source")
    drawn = min(body.sample, photos.num_rows)
    of_each = min(body.sample * sources, photos.num_rows)
    judges = sum(gate.kind == "source" for gate in gates) if whole else 0
    return drawn * (1 + single) + judges * of_each * (1 + whole)


def label(body: AuditStep) -> str:
    return f"{', '.join(body.defects) or 'every defect'} in {body.sample:,} photos"


AUDIT = StepKind(plan_audit, run, forecast, label)
