"""Thresholds that a run chose, put into its steps: from then on they are rules like any other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from groundglass.plans.planner import PlannedStep
from groundglass.selections.where import Where
from groundglass.tables.step_record import StepRecord

FACT = "theta"
"""The key of a step's facts that holds the search: see `groundglass.proofs.threshold_found.Found`."""


def with_chosen(steps: Iterable[PlannedStep], records: Iterable[StepRecord]) -> tuple[PlannedStep, ...]:
    """The steps, with the number in the place of each threshold that the records of a run hold.

    So audits, proofs and advice judge by the threshold that the run used, and choose none of their own.
    """
    chosen = {record.step: record for record in records if FACT in record.facts}
    return tuple(
        _fixed(planned, chosen[planned.step.name]) if planned.step.name in chosen else planned
        for planned in steps
    )


def _fixed(planned: PlannedStep, record: StepRecord) -> PlannedStep:
    body = planned.step.body
    if not isinstance(body, Where) or body.theta is None:
        return planned
    step = planned.step.model_copy(update={"body": body.at(record.facts[FACT]["theta"])})
    return replace(planned, step=step, label=record.label)
