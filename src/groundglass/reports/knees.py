"""The knees that a run's latest audit found, for the charts of the steps whose thresholds it judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from groundglass.audits.result_folder import latest_audit, read_card
from groundglass.reports.audit_page import percent
from groundglass.reports.facts import Knee, StepFacts


def with_knees(steps: Iterable[StepFacts], run: Path) -> tuple[StepFacts, ...]:
    """The steps of a run, with what its latest audit says of their thresholds; as they are where there is none."""
    place = latest_audit(run)
    card = read_card(place) if place is not None else None
    known = {advice["gate"]: advice for advice in card["thresholds"]} if card is not None else {}
    return tuple(_with_knee(step, known.get(step.name)) for step in steps)


def _with_knee(step: StepFacts, advice: Mapping[str, Any] | None) -> StepFacts:
    if advice is None or advice["knee"] is None or len(step.thresholds) != 1:
        return step
    threshold, point = step.thresholds[0], advice["knee"]
    if (threshold.column, threshold.op) != (advice["column"], advice["op"]):
        return step
    there = replace(threshold, limit=point["limit"])
    return replace(step, knee=Knee(there, point["recall"], point["clean_lost"], tuple(advice["defects"])))


def told(knee: Knee) -> str:
    """A knee in a few words.

    >>> from groundglass.reports.facts import Threshold
    >>> told(Knee(Threshold("blockiness", "<", 18.2), 0.97, 0.02, ("jpeg",)))
    'knee at blockiness < 18.2: recall 97 %, costs 2 % of clean images'
    """
    return f"knee at {knee.threshold}: recall {percent(knee.recall)}, costs {percent(knee.clean_lost)} of clean images"
