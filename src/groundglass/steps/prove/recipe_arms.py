"""The arms of a recipe: what it selects, as many random images, and what it selects without each gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from groundglass.plans.planner import PlannedStep
from groundglass.plans.state import State
from groundglass.proofs.arms import (
    ALL,
    RANDOM,
    SELECTED,
    Arm,
    Comparison,
    Trial,
    balanced_rows,
    best_rows,
    held_out_to_score,
    resolution_arms,
    sampled,
    size_arms,
    without_photos,
)
from groundglass.recipes.prove_model import ProveStep
from groundglass.steps.prove.variants import Variant, variant_of
from groundglass.tables.columns import pool
from groundglass.tables.expressions import column_path
from groundglass.tables.verdicts import values
from groundglass.text.format import some

WITHOUT = "without"
WORDS = {
    SELECTED: "the selected images, against as many random ones",
    WITHOUT: "the recipe without each gate, against the selected images",
    "sizes": "a quarter and a half of the selected images, against all of them",
    "resolution": "the selected photos at half and a quarter of their resolution, against full resolution",
    "turned": "the selected images with all flips and rotations, against the images alone",
}
BY_COLUMN = {
    "best": "as many images with the best values of a column, against random ones",
    "balanced": "equally many images of each value of a column, against random ones",
}
"""Arms that name a column behind a colon: best:hyperiqa, balanced:meta.category."""


def recipe_trial(state: State, planned: PlannedStep, steps: Sequence[PlannedStep], body: ProveStep) -> Trial:
    """The arms that a prove step asks for, of the steps before it."""
    gates = [one.step.name for one in steps if one.step.kind == "select"]
    whole = variant_of(state, steps)
    selected, every = whole.rows, variant_of(state, steps, gates).rows
    scored = None if body.score_on else held_out_to_score(selected)
    notes = (
        []
        if scored is None
        else [
            f"scored on {scored.num_rows} photos held out from those that passed every gate: they are like the "
            "selected ones, which favours the selection; --score-on FOLDER names neutral ones"
        ]
    )

    def kept(rows: pa.Table) -> pa.Table:
        return sampled(rows if scored is None else without_photos(rows, scored), body.images)

    chosen = kept(selected)
    arms: dict[str, Arm] = {SELECTED: Arm(chosen), ALL: Arm(kept(every))}
    compared: list[Comparison] = []
    unknown: dict[str, str] = {}
    for word in dict.fromkeys(body.arms):
        name, _, column = word.partition(":")
        if word == SELECTED:
            compared.append(Comparison(SELECTED, RANDOM))
        elif word == WITHOUT:
            for gate in gates:
                variant = variant_of(state, steps, {gate})
                arms[f"without {gate}"] = Arm(kept(variant.rows))
                compared.append(Comparison(f"without {gate}", SELECTED))
                unknown[f"without {gate}"] = _never_asked(gate, variant, whole)
        elif word == "turned":
            arms["turned"] = Arm(chosen, turned=True)
            compared.append(Comparison("turned", SELECTED, "same photos"))
        elif word in ("sizes", "resolution"):
            more, pairs = size_arms(chosen) if word == "sizes" else resolution_arms(chosen)
            arms.update(more)
            compared += pairs
        else:
            arms[word] = Arm(kept(_by_column(state, planned, every, name, column, selected.num_rows)))
            compared.append(Comparison(word, RANDOM))
    arms[RANDOM] = arms.pop(ALL)
    unknown = {name: why for name, why in unknown.items() if why}
    return Trial(arms, tuple(compared), scored, tuple(notes), unknown)


def _never_asked(gate: str, variant: Variant, whole: Variant) -> str:
    """Why it is not known which rows the recipe keeps without a gate; "" if it is."""
    return "; ".join(
        f"the model of step {step} was never asked about {some(more, 'images')} that {gate} drops, so the gates after "
        "it cannot judge them"
        for step, count in variant.unasked.items()
        if (more := count - whole.unasked.get(step, 0)) > 0
    )


def _by_column(
    state: State, planned: PlannedStep, every: pa.Table, kind: str, column: str, count: int
) -> pa.Table:
    """As many images as the recipe selects, chosen by a column alone."""
    table = pool(every, planned.paths, planned.scope, state.tables)
    found = values(table, column_path(column))
    if kind == "best":
        return best_rows(every, found, planned.orders[column] == "higher", count)
    return balanced_rows(every, found, count)


def gates_before(steps: Sequence[PlannedStep]) -> list[str]:
    """The select steps among some steps, by their names."""
    return [one.step.name for one in steps if one.step.kind == "select"]


def facts_of(results: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """The part of each result that `run.json` and a card hold."""
    names = ("arm", "against", "verdict", "effect", "ci95", "null_sd", "power", "n_images", "reason")
    return [{name: result[name] for name in names} for result in results]
