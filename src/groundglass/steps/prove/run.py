"""A proof of a recipe's selection: its arms, what they are scored on, and the comparisons."""

from __future__ import annotations

from collections.abc import Sequence

from groundglass.plans.planner import PlannedStep
from groundglass.plans.state import State
from groundglass.proofs.arms import Trial
from groundglass.proofs.preset import PRESETS
from groundglass.proofs.prove import Proof, prove
from groundglass.proofs.scored import scored_in_folders, scored_rows
from groundglass.recipes.prove_model import ProveStep
from groundglass.steps.prove.recipe_arms import recipe_trial


def prove_recipe(
    state: State, planned: PlannedStep, steps: Sequence[PlannedStep], body: ProveStep, seed: int | None = None
) -> Proof:
    """Prove what some steps select. Raises RecipeError where there are too few images to score on."""
    return prove_trial(state, recipe_trial(state, planned, steps, body), body, seed)


def prove_trial(state: State, trial: Trial, body: ProveStep, seed: int | None = None) -> Proof:
    """Do the comparisons of a trial."""
    if trial.scored is None:
        scored, where = scored_in_folders(state, body.score_on), ", ".join(body.score_on)
    else:
        scored, where = scored_rows(state, trial.scored), "held-out photos"
    return prove(state, trial, PRESETS[body.preset], scored, where, state.run.seed if seed is None else seed)
