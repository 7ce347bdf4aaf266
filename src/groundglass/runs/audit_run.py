"""The audit: put known defects into a sample of the user's passing photographs, and count which gates catch them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from groundglass.audits.defects import find_defects
from groundglass.audits.replay_run import replay
from groundglass.audits.result_folder import COMMAND, keep_audit
from groundglass.audits.run_audit import AuditOptions, examine
from groundglass.audits.scorecard import Scorecard
from groundglass.engines.progress import Progress
from groundglass.errors import RecipeError
from groundglass.plans.lock import recipe_key
from groundglass.plans.planner import Plan
from groundglass.plans.run_folder import RunFolder, find_run, finished_runs, load_record
from groundglass.recipes.load import LoadedRecipe, load_recipe
from groundglass.recipes.shipped import recipe_path
from groundglass.runs.make_plan import make_plan, with_limit
from groundglass.runs.run import RunOptions, Talk, run_plan

FILES = 400
"""The most files of each source to use if a recipe is audited that was never run."""


def audit(word: str, runs: Path, options: AuditOptions, progress: Callable[[str], Progress]) -> Scorecard:
    """Audit what ``word`` names: a run (its folder, or a recipe's name for its last run), or else a recipe.

    A recipe with a finished run is audited on that run. A recipe without one is run on at most `FILES` files of each
    source, up to its last gate, in a folder that is deleted afterwards. Raises RecipeError.
    """
    find_defects(options.defects)
    try:
        folder = find_run(word, runs)
    except RecipeError as nothing:
        return _audit_recipe(_recipe(word, nothing), runs, options, progress)
    return audit_run(make_plan(load_recipe(folder.path / "recipe.yaml")), folder, options, progress)


def _recipe(word: str, nothing: RecipeError) -> LoadedRecipe:
    try:
        path = recipe_path(word)
    except RecipeError as error:
        raise RecipeError(
            f"there is neither a run nor a recipe '{word}'", error.hint or nothing.hint
        ) from error
    return load_recipe(path)


def _audit_recipe(
    loaded: LoadedRecipe, runs: Path, options: AuditOptions, progress: Callable[[str], Progress]
) -> Scorecard:
    plan = make_plan(loaded)
    finished = finished_run(plan, runs)
    if finished is not None:
        return audit_run(plan, finished, options, progress)
    plan = to_last_gate(make_plan(with_limit(loaded, FILES)))
    with tempfile.TemporaryDirectory(prefix="groundglass-audit-") as made:
        # Failed images do not matter here: only photographs that pass every gate get defects.
        folder, _ = run_plan(plan, RunOptions(Path(made), options.workers, max_failed=1.0), Talk(progress))
        card = audit_run(plan, folder, options, progress, keep=False)
    note = f"audited on at most {FILES} files of each source; run the recipe, then its report will contain the audit"
    return replace(card, run="", notes=(*card.notes, note))


def finished_run(plan: Plan, runs: Path) -> RunFolder | None:
    """The last finished run of exactly the same recipe."""
    key = recipe_key(plan)
    done = finished_runs(runs, plan.recipe.name)
    return next((folder for folder in done if load_record(folder).recipe_key == key), None)


def to_last_gate(plan: Plan) -> Plan:
    """The plan up to its last gate, without audit steps. Raises RecipeError if it has no gate."""
    gates = [place for place, planned in enumerate(plan.steps) if planned.step.kind == "select"]
    if not gates:
        raise _no_gates(plan)
    steps = tuple(planned for planned in plan.steps[: gates[-1] + 1] if planned.step.kind != "audit")
    recipe = plan.recipe.model_copy(update={"steps": tuple(planned.step for planned in steps)})
    return replace(plan, steps=steps, recipe=recipe)


def _no_gates(plan: Plan) -> RecipeError:
    return RecipeError(
        f"{plan.recipe.name} has no gates: no step keeps or drops images",
        'add one, for example: - select: {where: "blockiness < 30"}',
    )


def audit_run(
    plan: Plan,
    folder: RunFolder,
    options: AuditOptions,
    progress: Callable[[str], Progress],
    keep: bool = True,
) -> Scorecard:
    """Audit a finished run; the result is kept in its folder as ``audit/scorecard.json`` and ``audit/slipped.parquet``.

    No file of the user is touched: defective versions exist in memory only. The same seed gives the same scorecard.
    Raises RecipeError if the run is not finished, has no gates, or no photograph passed them.
    """
    begun = time.perf_counter()
    passage = replay(plan, folder)
    if not passage.before:
        raise _no_gates(plan)
    card, slipped = examine(passage, options, progress)
    if keep:
        keep_audit(folder.path / COMMAND, card, slipped)
        seconds = round(time.perf_counter() - begun, 1)
        folder.log("audit", versions=card.versions, slipped=card.slipped, seconds=seconds)
    return card


def names_of(text: str | None) -> Sequence[str]:
    """The defects of a command line: ``jpeg,blur``.

    >>> names_of("jpeg, blur")
    ['jpeg', 'blur']
    """
    return [name.strip() for name in (text or "").split(",") if name.strip()]
