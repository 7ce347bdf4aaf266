"""The candidates of a hold-out of a finished run, so that people can pick among them by eye."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from groundglass.errors import RecipeError
from groundglass.plans.run_folder import RunFolder, load_record
from groundglass.plans.state import make_state
from groundglass.recipes.hold_out_model import HoldOutStep
from groundglass.recipes.load import load_recipe
from groundglass.runs.make_plan import make_plan
from groundglass.steps.catalog import STEPS
from groundglass.steps.hold_out import pickable
from groundglass.steps.kind import Walk
from groundglass.text.suggest import did_you_mean


@dataclass(frozen=True)
class Candidates:
    """The rows among which one split of a hold-out picks.

    rows    best first: id, uri, sha256, region …
    wanted  how many the recipe picks; None if it takes all
    picked  ids that the recipe names already
    """

    run: RunFolder
    step: str
    split: str
    rows: pa.Table
    wanted: int | None
    picked: tuple[str, ...]


def pick_candidates(run: RunFolder, step: str, split: str | None = None) -> Candidates:
    """The candidates of a `hold_out` step of a finished run; ``split`` may be left out if it has only one.

    The steps before it are done again on the values that the store has; nothing is measured or written. Raises
    RecipeError if the run is not done, has no such step or split, or if its values are gone.
    """
    record = load_record(run)
    if record.state != "done":
        raise RecipeError(f"{run.path} is not done ({record.state})", "run the recipe to its end first")
    plan = make_plan(load_recipe(run.path / "recipe.yaml"))
    steps = {
        planned.step.name: planned for planned in plan.steps if isinstance(planned.step.body, HoldOutStep)
    }
    if step not in steps:
        names = ", ".join(steps) or "it has none"
        raise RecipeError(
            f"this run has no hold_out step '{step}'.{did_you_mean(step, steps)}", f"its hold_outs: {names}"
        )
    body = steps[step].step.body
    assert isinstance(body, HoldOutStep)
    if split is None and len(body.splits) > 1:
        raise RecipeError(
            f"{step} has {len(body.splits)} splits", f"say which: --split {' or '.join(body.splits)}"
        )
    split = split or next(iter(body.splits))
    if split not in body.splits:
        raise RecipeError(f"{step} has no split '{split}'.{did_you_mean(split, body.splits)}")
    walk = Walk(make_state(plan, run, dry=True))
    for planned in plan.steps:
        if planned.step.name == step:
            break
        STEPS[planned.step.kind].forecast(walk, planned)
    if not walk.exact or walk.lacking(steps[step], walk.state.rows):
        raise RecipeError(
            f"the store no longer has all values that lead to {step}",
            "run the recipe again: it measures what is missing",
        )
    pick = body.splits[split].pick
    wanted = pick if isinstance(pick, int) else len(pick) if pick else None
    rows = pickable(walk.state, steps[step], split)
    return Candidates(run, step, split, rows, wanted, tuple(pick) if isinstance(pick, tuple) else ())
