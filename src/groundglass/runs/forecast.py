"""The forecast of a run, as far as it can be known without measuring: counts, time and space."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from groundglass.engines.cores import cores
from groundglass.plans.lock import recipe_key
from groundglass.plans.planner import Plan
from groundglass.plans.run_folder import choose_folder
from groundglass.plans.state import make_state
from groundglass.steps.catalog import STEPS
from groundglass.steps.kind import StepForecast, Walk


@dataclass(frozen=True)
class Forecast:
    """The forecast of a whole recipe: seconds on all cores of this machine; upper bound of the release's bytes."""

    name: str
    folder: str
    resumes: bool
    steps: tuple[StepForecast, ...]
    notes: tuple[str, ...]
    seconds: float
    bytes: float
    guessed: bool = False

    @property
    def releases_nothing(self) -> str:
        """Why no release would get an image, as a sentence; "" if one may. Held-out images are released too."""
        kinds = [step.kind for step in self.steps]
        if self.guessed:  # a guess about the tiles of unread files is too weak a reason to refuse
            return ""
        if "release" not in kinds or "hold_out" in kinds or self.steps[kinds.index("release")].into:
            return ""
        emptied = [step for step, after in pairwise(self.steps) if step.into and not after.into]
        if not emptied:
            return "nothing would be released: the sources contain no image"
        last = emptied[0]
        return f"nothing would be released: {last.name}, {last.label}, drops all {last.into:,} images"

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def make_forecast(plan: Plan, runs: Path) -> Forecast:
    """Walk through the plan with known values; after the first unknown value, counts are upper bounds."""
    folder, resumes = choose_folder(runs, plan.recipe.name, recipe_key(plan))
    walk = Walk(make_state(plan, folder, dry=True))
    steps = tuple(STEPS[planned.step.kind].forecast(walk, planned) for planned in plan.steps)
    seconds = sum(step.seconds for step in steps) / cores()
    return Forecast(
        plan.recipe.name,
        str(folder.path),
        resumes,
        steps,
        (*plan.notes, *walk.notes),
        seconds,
        sum(step.bytes for step in steps),
        walk.guessed,
    )
