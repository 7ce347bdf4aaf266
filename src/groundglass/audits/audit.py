"""The audit: a sample of the user's own passing photographs, known defects put into them, and who notices."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from groundglass.audits.defects import CLEAN, find_defects
from groundglass.audits.gates import freeze
from groundglass.audits.replay import Passage, passing_chains, replay
from groundglass.audits.scorecard import Scorecard, wilson
from groundglass.audits.specimens import VIEW, Injure
from groundglass.audits.trial import Trial, reaches
from groundglass.audits.versions import Exhibits, Version
from groundglass.kernel.engines.local import run_job
from groundglass.kernel.engines.progress import Progress
from groundglass.kernel.errors import RecipeError
from groundglass.kernel.store import MeasureStore
from groundglass.kernel.table import write_parquet, write_text
from groundglass.recipes.folder import RunFolder, find_run, load_record, run_numbers
from groundglass.recipes.load import LoadedRecipe, load_recipe
from groundglass.recipes.lock import recipe_key
from groundglass.recipes.plan import make_plan, with_limit
from groundglass.recipes.planner import Plan
from groundglass.recipes.run import RunOptions, Talk, run_plan
from groundglass.recipes.shipped import recipe_path

FILES = 400
"""Files of each source that are looked at when a recipe that was never run is audited."""
SHOWN = 3
"""Pictures of each severity that slipped through, kept to look at."""
FEW = 20
"""With fewer photographs, intervals are so wide that it is worth a note."""

SLIPPED = pa.schema(
    [
        ("defect", pa.string()),
        ("severity", pa.string()),
        ("id", pa.string()),
        ("uri", pa.string()),
        ("picture", pa.binary()),
    ]
)
"""What slipped through: defective versions of photographs that no gate dropped, each with a small JPEG of it."""


@dataclass(frozen=True)
class AuditOptions:
    """What to audit with.

    defects  names of `groundglass.audits.defects.DEFECTS`; () for all
    sample   photographs to draw
    seed     of the draw and of the defects; None takes the recipe's
    workers  processes; 0 for one a core
    """

    defects: tuple[str, ...] = ()
    sample: int = 40
    seed: int | None = None
    workers: int = 0


def audit(word: str, runs: Path, options: AuditOptions, progress: Callable[[str], Progress]) -> Scorecard:
    """Audit what ``word`` names: a run (its folder, or a recipe's name for its last run), or else a recipe.

    A recipe that has a finished run is audited on that run. One that has none is run on at most `FILES` files of each
    source, as far as its last gate, in a folder that is thrown away. Raises RecipeError.
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
        folder, _ = run_plan(plan, RunOptions(Path(made), options.workers, max_failed=1.0), Talk(progress))
        card = audit_run(plan, folder, options, progress, keep=False)
    note = (
        f"audited on at most {FILES} files of each source; run the recipe, and its report will hold the audit"
    )
    return replace(card, run="", notes=(*card.notes, note))


def finished_run(plan: Plan, runs: Path) -> RunFolder | None:
    """The last finished run of the very same recipe."""
    for number in reversed(run_numbers(runs / plan.recipe.name)):
        folder = RunFolder(runs / plan.recipe.name / f"{number:04d}")
        if folder.record.exists():
            record = load_record(folder)
            if record.state == "done" and record.recipe_key == recipe_key(plan):
                return folder
    return None


def to_last_gate(plan: Plan) -> Plan:
    """The plan without what comes after its last gate. Raises RecipeError where it has none."""
    gates = [place for place, planned in enumerate(plan.steps) if planned.step.kind == "select"]
    if not gates:
        raise _no_gates(plan)
    steps = plan.steps[: gates[-1] + 1]
    recipe = plan.recipe.model_copy(update={"steps": plan.recipe.steps[: gates[-1] + 1]})
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

    Nothing of the user's is written or touched: defective versions exist in memory only. The same seed gives the same
    scorecard. Raises RecipeError where the run is not finished, has no gates, or no photograph passed them.
    """
    begun = time.perf_counter()
    seed = plan.recipe.seed if options.seed is None else options.seed
    passage = replay(plan, folder)
    if not passage.before:
        raise _no_gates(plan)
    exhibits = _exhibits(passage, options, seed)
    with tempfile.TemporaryDirectory(prefix="groundglass-audit-") as made:
        store = MeasureStore(Path(made))
        job = Injure(exhibits.asks, store.root, passage.state.limits, seed, _reads_files(exhibits))
        settings = replace(passage.state.settings, workers=options.workers, shard=8)
        most = max(len(defect.severities) for defect in exhibits.defects)
        settings = replace(settings, seconds_per_image=settings.seconds_per_image * most)
        run_job(job, exhibits.items(), settings, progress("audit"))
        tables = exhibits.tables(store)
        views = {row["sha256"]: row for row in store.read(VIEW.key).to_pylist()}
        trial = Trial(exhibits, tables, tuple(v for v in exhibits.versions if views[v.key]["error"] is None))
        trial.hold()
        card = _scorecard(plan, folder, seed, exhibits, trial)
        if keep:
            pictures = {key: row["thumbnail"] for key, row in views.items()}
            _keep(folder, card, _slipped(trial, pictures), time.perf_counter() - begun)
    return card


def _exhibits(passage: Passage, options: AuditOptions, seed: int) -> Exhibits:
    chains = passing_chains(passage, options.sample, seed)
    if not chains:
        raise RecipeError(
            "no photograph passed all gates, so there is none to put defects into",
            f"groundglass show {passage.state.folder.path} says where the last one went",
        )
    gates = tuple(freeze(passage, planned) for planned in passage.gates)
    return Exhibits(passage, gates, tuple(chains), find_defects(options.defects))


def _reads_files(exhibits: Exhibits) -> bool:
    return any(ask.definition.needs == "header" for ask in exhibits.asks)


def _scorecard(plan: Plan, folder: RunFolder, seed: int, exhibits: Exhibits, trial: Trial) -> Scorecard:
    last = exhibits.passage.last
    assert last is not None
    alarms = sum(bool(trial.caught.get(version)) for version in trial.clean)
    return Scorecard(
        recipe=plan.recipe.name,
        run=str(folder.path),
        seed=seed,
        passing=len(set(last["root"].to_pylist())),
        asked=len(exhibits.chains),
        false_alarm=alarms / max(1, len(trial.clean)),
        false_alarm_ci95=wilson(alarms, len(trial.clean)),
        gates=tuple(trial.cells),
        defects=tuple(reaches(trial)),
        thresholds=tuple(trial.advice),
        closed=tuple((gate.name, gate.closed) for gate in exhibits.gates if gate.closed),
        notes=tuple(_notes(exhibits, trial)),
        slipped=len(trial.slipped),
        versions=sum(version.defect is not CLEAN for version in trial.made),
    )


def _notes(exhibits: Exhibits, trial: Trial) -> list[str]:
    notes: list[str] = []
    if len(exhibits.chains) < FEW:
        notes.append(
            f"only {len(exhibits.chains)} photographs passed all gates: mind how wide the intervals are"
        )
    if not any(gate.finds_copies for gate in exhibits.gates) and any(d.copies for d in exhibits.defects):
        notes.append("no gate looks for duplicates: - select: {deduplicate: near} does")
    lost = len(exhibits.versions) - len(trial.made)
    if lost:
        notes.append(f"{lost} defective versions could not be made and are not counted")
    return notes


def _slipped(trial: Trial, pictures: dict[str, bytes]) -> pa.Table:
    """Some of each severity that no gate dropped."""
    shown: dict[tuple[str, str], list[Version]] = {}
    for version in trial.slipped:
        shown.setdefault((version.defect.name, version.severity.name), []).append(version)
    rows = [_row(version, pictures) for found in shown.values() for version in found[:SHOWN]]
    return pa.Table.from_pylist(rows, SLIPPED)


def _row(version: Version, pictures: dict[str, bytes]) -> dict[str, object]:
    photograph = version.chain[-1]
    return {
        "defect": version.defect.name,
        "severity": version.severity.name,
        "id": photograph["id"],
        "uri": photograph["uri"],
        "picture": pictures[version.key],
    }


def _keep(folder: RunFolder, card: Scorecard, slipped: pa.Table, seconds: float) -> None:
    place = folder.path / "audit"
    write_parquet(slipped, place / "slipped.parquet")
    write_text(json.dumps(card.plain(), indent=1, ensure_ascii=False) + "\n", place / "scorecard.json")
    folder.log("audit", versions=card.versions, slipped=card.slipped, seconds=round(seconds, 1))


def names_of(text: str | None) -> Sequence[str]:
    """The defects of a command line: ``jpeg,blur``.

    >>> names_of("jpeg, blur")
    ['jpeg', 'blur']
    """
    return [name.strip() for name in (text or "").split(",") if name.strip()]
