"""The audit step: audit the gates before it, as `groundglass audit` audits those of a whole run.

It changes no row. The scorecard is kept in the run's folder with a hash of the audited rows, so that a run that goes
on does not audit them again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from groundglass.audits.replay_run import go_through
from groundglass.audits.result_folder import keep_audit, read_card, step_place
from groundglass.audits.run_audit import AuditOptions, examine
from groundglass.errors import RecipeError
from groundglass.files.atomic import write_text
from groundglass.plans.lock import digest
from groundglass.plans.planner import PlannedStep
from groundglass.plans.run_folder import load_record
from groundglass.plans.state import State
from groundglass.recipes.audit_model import AuditStep

if TYPE_CHECKING:
    from groundglass.audits.replay_run import Passage

BASIS = "of.txt"
"""A file next to a scorecard: a hash of the audited rows."""


@dataclass(frozen=True)
class Audited:
    """The notes and facts of an audit for a step's record; ``facts`` are empty if there was nothing to audit."""

    notes: tuple[str, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)


def audit_gates(state: State, planned: PlannedStep) -> Audited:
    """Audit the gates before this step, or read the scorecard of an earlier attempt at the same run."""
    body = planned.step.body
    assert isinstance(body, AuditStep)
    passage = _passage(state, planned)
    place, basis = step_place(state.run.folder.path, planned.step.name), _basis(passage)
    card = read_card(place) if _read(place / BASIS) == basis else None
    if card is None:
        try:
            card = _examined(state, planned, passage, place)
        except RecipeError as nothing:
            return Audited((f"nothing was audited: {nothing.message}",))
        # Written last: without this file, an interrupted audit is done again.
        write_text(basis, place / BASIS)
    return Audited(tuple(_notes(card)), {"audit": card_facts(card)})


def _passage(state: State, planned: PlannedStep) -> Passage:
    """The run, replayed up to this step."""
    before = state.run.plan.steps[: state.run.plan.steps.index(planned)]
    return go_through(replace(state.run.plan, steps=before), state.run.folder, load_record(state.run.folder))


def _examined(state: State, planned: PlannedStep, passage: Passage, place: Path) -> Mapping[str, Any]:
    body = planned.step.body
    assert isinstance(body, AuditStep)
    options = AuditOptions(body.defects, body.sample, workers=state.run.settings.workers)
    card, slipped = examine(passage, options, state.run.progress)
    keep_audit(place, card, slipped)
    return card.plain()


def _basis(passage: Passage) -> str:
    """A hash of the rows before each gate and after the last: an equal hash means an equal audit."""
    assert passage.last is not None
    tables = [*passage.before.values(), passage.last]
    found = [digest(pa.chunked_array([table["id"].sort()], pa.string())) for table in tables]
    return hashlib.sha256("\n".join(found).encode()).hexdigest()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _notes(card: Mapping[str, Any]) -> list[str]:
    """The notes on an audit that the funnel shows."""
    slipped = (
        f"{card['slipped']:,} of {card['versions']:,} defective versions of {card['asked']:,} photos slipped "
        f"through, and {card['false_alarm']:.0%} of the photos without a defect were dropped"
    )
    return [slipped, *(f"{name} is not audited: {why}" for name, why in card["closed"]), *card["notes"]]


def card_facts(card: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a scorecard for `run.json` and a release's card: the share of each defect that all gates catch."""
    whole = ("seed", "passing", "asked", "versions", "slipped", "false_alarm", "false_alarm_ci95")
    one = ("defect", "severity", "what", "recall", "recall_ci95", "n", "best")
    defects = [{name: reach[name] for name in one} for reach in card["defects"]]
    return {name: card[name] for name in whole} | {"defects": defects}
