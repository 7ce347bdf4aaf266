"""The knees that a run's latest audit found, for the charts of the steps that it judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from groundglass.audits.result_folder import latest_audit, read_card
from groundglass.reports.facts import Knee
from groundglass.tables.step_record import StepRecord
from groundglass.text.format import percent


def knees_of(steps: Iterable[StepRecord], run: Path) -> dict[str, Knee]:
    """The knee of each step's threshold in the latest audit of a run; empty if there is no audit."""
    place = latest_audit(run)
    card = read_card(place) if place is not None else None
    known = {advice["gate"]: advice for advice in card["thresholds"]} if card is not None else {}
    found = {step.step: _knee(step, known[step.step]) for step in steps if step.step in known}
    return {name: knee for name, knee in found.items() if knee is not None}


def _knee(step: StepRecord, advice: Mapping[str, Any]) -> Knee | None:
    point = advice["knee"]
    if point is None or len(step.whole_rule) != 1:
        return None
    (threshold,) = step.whole_rule
    if (threshold.column, threshold.op) != (advice["column"], advice["op"]):
        return None
    knee = replace(threshold, limit=point["limit"])
    return Knee(knee, point["recall"], point["clean_lost"], tuple(advice["defects"]))


def in_words(knee: Knee) -> str:
    """A knee in a few words.

    >>> from groundglass.tables.step_record import Threshold
    >>> in_words(Knee(Threshold("blockiness", "<", 18.2), 0.97, 0.02, ("jpeg",)))
    'knee at blockiness < 18.2: recall 97 %, costs 2 % of clean images'
    """
    return f"knee at {knee.threshold}: recall {percent(knee.recall)}, costs {percent(knee.clean_lost)} of clean images"
