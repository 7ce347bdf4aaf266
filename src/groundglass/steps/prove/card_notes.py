"""Proofs as the card of a release shows them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from groundglass.plans.state import State
from groundglass.proofs.prove import Proof
from groundglass.proofs.result_folder import PROOF, read_proof
from groundglass.proofs.sentences import (
    alarms_in_words,
    blind_in_words,
    headline,
    label,
    numbers,
    preset_in_words,
    scored_in_words,
)
from groundglass.recipes.prove_model import ProveStep
from groundglass.releases.card_notes import ProofNote


def proof_notes(state: State) -> list[ProofNote]:
    """The proofs of the steps before, as a card shows them: without the names of this machine's folders."""
    notes: list[ProofNote] = []
    for planned in state.run.plan.steps[: len(state.records)]:
        body, name = planned.step.body, planned.step.name
        proof = read_proof(state.run.folder.path / PROOF / name)
        if isinstance(body, ProveStep) and proof is not None:
            folders = ", ".join(Path(folder).name for folder in body.score_on)
            shown = replace(proof, scored_on=folders or proof.scored_on)
            notes.append(proof_note(name, shown))
    return notes


def proof_note(step: str, proof: Proof) -> ProofNote:
    rows = tuple(
        (label(arm), *numbers(arm), f"failed: {arm.reason}" if arm.reason else arm.verdict)
        for arm in proof.arms
    )
    about = f"step {step}, preset {preset_in_words(proof)}, scored on {scored_in_words(proof)}"
    more = (*proof.notes, alarms_in_words(proof), blind_in_words(proof.preset))
    return ProofNote(step, headline(proof), about, rows, tuple(filter(None, more)))
