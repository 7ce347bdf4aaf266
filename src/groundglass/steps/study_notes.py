"""The card's notes on studies: who rated, how far they agree, and what the gates dropped of what people would drop."""

from __future__ import annotations

from groundglass.plans.run_folder import study_key
from groundglass.plans.state import State
from groundglass.releases.card_notes import GateNote, StudyNote
from groundglass.studies.gate_agreement import compare_gates, is_by_study, kept_by
from groundglass.tables.parquet import read_table
from groundglass.tables.step_record import StepRecord


def study_notes(state: State) -> list[StudyNote]:
    """A note on each study of the run so far."""
    return [_note(state, step) for step in state.records if step.facts.get("study")]


def _note(state: State, step: StepRecord) -> StudyNote:
    facts = step.facts["study"]
    agreement = tuple((name, value) for name, value in facts["agreement"].items() if value is not None)
    return StudyNote(
        step=step.step,
        protocol=facts["protocol"],
        images=facts["items"],
        votes=facts["votes"],
        raters=facts["raters"],
        agreement=agreement,
        flagged=facts["flagged"],
        flags=tuple(facts["flags"].items()),
        rejected=facts["rejected"],
        gates=tuple(_gates(state, step.step, facts["protocol"])),
    )


def _gates(state: State, study: str, protocol: str) -> list[GateNote]:
    """The gates against people; empty if nothing says which images people would drop."""
    folder = state.run.folder
    if not folder.scores(study_key(study)).exists():
        return []
    verdicts = {
        step.step: read_table(folder.verdicts(step.step))
        for step in state.records
        if step.kind == "select" and folder.verdicts(step.step).exists()
    }
    scores = read_table(folder.scores(study_key(study)))
    if "score" not in scores.column_names:
        return []
    score = dict(zip(scores["id"].to_pylist(), scores["score"].to_pylist(), strict=True))
    if protocol == "accept":
        bad = {row: value < 0.5 for row, value in score.items() if value not in (None, 0.5)}
    else:
        # A selection by the scores says which of them are bad.
        mine = [
            step.step for step in state.records if is_by_study(step.label, study) and step.step in verdicts
        ]
        kept = kept_by(verdicts[mine[-1]]) if mine else {}
        bad = {row: not kept[row] for row, value in score.items() if value is not None and row in kept}
    roots = dict(zip(state.seen["id"].to_pylist(), state.seen["root"].to_pylist(), strict=True))
    found = compare_gates(bad, study, state.records, verdicts, roots)
    return [
        GateNote(
            gate.gate, gate.judged, gate.recall, gate.recall_ci95, gate.false_alarm, gate.false_alarm_ci95
        )
        for gate in found
        if gate.judged
    ]
