"""The step `prove`: train on the selection and on what it is compared with; no row leaves."""

from __future__ import annotations

from dataclasses import replace

from groundglass.engines.process import cpu_seconds_of_all
from groundglass.plans.chosen_thetas import with_chosen
from groundglass.plans.planner import PlannedStep
from groundglass.plans.state import State
from groundglass.proofs.preset import PRESETS
from groundglass.proofs.result_folder import PROOF, keep_proof
from groundglass.proofs.sentences import proof_in_words
from groundglass.recipes.prove_model import ProveStep
from groundglass.steps.kind import Done, StepForecast, StepKind, Walk, done
from groundglass.steps.prove.plan import plan_prove
from groundglass.steps.prove.recipe_arms import facts_of
from groundglass.steps.prove.run import prove_recipe

IMAGE_SECONDS = 0.015
"""To take the moments of one image of .15 megapixels, one core; the store keeps them."""


def run(state: State, planned: PlannedStep) -> Done:
    """Compare the selection so far with what it is to be better than."""
    body = planned.step.body
    assert isinstance(body, ProveStep)
    before = state.run.plan.steps[: state.run.plan.steps.index(planned)]
    steps = with_chosen(before, state.records)
    begun = cpu_seconds_of_all()
    place = state.run.folder.path / PROOF / planned.step.name
    proof = prove_recipe(state, planned, steps, body, place)
    proof = replace(proof, cpu_seconds=round(cpu_seconds_of_all() - begun, 1))
    keep_proof(place, proof)
    return done(
        state, state, planned, notes=proof_in_words(proof), facts={"prove": facts_of(proof.plain()["arms"])}
    )


def forecast(walk: Walk, planned: PlannedStep) -> StepForecast:
    """The images that are trained on, at most."""
    body = planned.step.body
    assert isinstance(body, ProveStep)
    steps = walk.state.run.plan.steps
    gates = sum(one.step.kind == "select" for one in steps[: steps.index(planned)])
    arms = 2 + sum(gates if word == "without" else 2 for word in body.arms)
    seconds = arms * (min(walk.count, body.images) * IMAGE_SECONDS + PRESETS[body.preset].seconds)
    return replace(walk.step(planned), seconds=seconds)


def label(body: ProveStep) -> str:
    return f"{', '.join(body.arms)} ({body.preset})"


PROVE = StepKind(plan_prove, run, forecast, label)
