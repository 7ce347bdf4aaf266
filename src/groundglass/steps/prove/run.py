"""A proof of a recipe's selection: its arms, what they are scored on, and the comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from groundglass.plans.planner import PlannedStep
from groundglass.plans.state import State
from groundglass.proofs.arms import Trial, trained_rows
from groundglass.proofs.preset import PRESETS
from groundglass.proofs.prove import Proof, prove
from groundglass.proofs.scored import SCORED, scored_in_folders, scored_rows
from groundglass.proofs.trained import MIDDLE
from groundglass.proofs.units import forget_pools, ready_for_instant, ready_for_training
from groundglass.recipes.prove_model import ProveStep
from groundglass.steps.prove.recipe_arms import recipe_trial


def prove_recipe(
    state: State,
    planned: PlannedStep,
    steps: Sequence[PlannedStep],
    body: ProveStep,
    place: Path,
    seed: int | None = None,
) -> Proof:
    """Prove what some steps select. Raises RecipeError where there are too few images to score on."""
    return prove_trial(state, recipe_trial(state, planned, steps, body), body, place, seed)


def prove_trial(state: State, trial: Trial, body: ProveStep, place: Path, seed: int | None = None) -> Proof:
    """Do the comparisons of a trial; what trainings write is below ``place``, so that a stopped proof goes on."""
    preset = PRESETS[body.preset]
    trains = preset.name != "instant"
    measure = MIDDLE if trains else SCORED
    if trial.scored is None:
        scored, notes = scored_in_folders(state, body.score_on, measure, trained_rows(trial))
        trial, where = replace(trial, notes=(*trial.notes, *notes)), ", ".join(body.score_on)
    else:
        scored, where = scored_rows(state, trial.scored, measure), "held-out photos"
    seed = state.run.seed if seed is None else seed
    if not trains:
        return prove(trial, ready_for_instant(state, trial, scored), preset, where, seed)
    start = Path(body.start).expanduser() if body.start else None
    ready = ready_for_training(state, trial, scored, preset.name, place / "trainings", body.network, start)
    proof = prove(trial, ready, preset, where, seed)
    if preset.name == "gpu":
        proof = replace(proof, network=body.network, start=body.start or "")
    forget_pools(place / "trainings")
    return proof
