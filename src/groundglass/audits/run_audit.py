"""One audit, from the gates of a run to its scorecard: draw photographs, damage them in memory, and judge them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from groundglass.audits.defect_job import VIEW, Injure
from groundglass.audits.defect_versions import Exhibits, Version
from groundglass.audits.defects import CLEAN, DEFECTS, Defect, find_defects
from groundglass.audits.gates import Gate, freeze
from groundglass.audits.judge_defects import Trial, reaches
from groundglass.audits.replay_run import Passage, passing_chains
from groundglass.audits.scorecard import Scorecard
from groundglass.audits.stand_in_test_sets import NO_HALVES, Bench, halve
from groundglass.audits.whole_sources import WholeSources, draw_sources
from groundglass.engines.progress import Progress
from groundglass.engines.run import run_job
from groundglass.errors import RecipeError
from groundglass.made_images.makes import makes_of
from groundglass.made_images.records import FOLDER
from groundglass.plans.naturalness_reference import fitted
from groundglass.plans.texts import with_texts
from groundglass.ratings.shares import wilson
from groundglass.tables.measure_store import MeasureStore
from groundglass.tables.rows import photographs
from groundglass.transforms.transform import Transform

SHOWN = 3
"""Number of images of each severity that slipped through and are kept for the report."""
FEW = 20
"""With fewer photographs, a note warns that the intervals are wide."""
NO_GATE = {
    "copy": "no gate looks for duplicates: - select: {deduplicate: near} does",
    "leak": "no gate looks for test images: - select: {decontaminate: all} does",
}
"""Notes for defects of a kind that no gate of the recipe looks for."""

SLIPPED = pa.schema(
    [
        ("defect", pa.string()),
        ("severity", pa.string()),
        ("id", pa.string()),
        ("uri", pa.string()),
        ("picture", pa.binary()),
    ]
)
"""The table of versions that slipped through: no gate dropped them. Each has a small JPEG."""


@dataclass(frozen=True)
class AuditOptions:
    """The options of an audit.

    defects  names of `groundglass.audits.defects.DEFECTS`; () for all that a gate of the run may see
    sample   photographs to draw; from each source, if whole sources are judged
    seed     of the draw and of the defects; None takes the recipe's
    workers  processes; 0 for one per core
    """

    defects: tuple[str, ...] = ()
    sample: int = 40
    seed: int | None = None
    workers: int = 0


@dataclass(frozen=True)
class _Held:
    """A trial that was held, and the small JPEGs of its versions by their keys."""

    trial: Trial
    views: Mapping[str, bytes]
    sources: WholeSources | None = None


def examine(
    passage: Passage, options: AuditOptions, progress: Callable[[str], Progress]
) -> tuple[Scorecard, pa.Table]:
    """Audit the gates that a passage went through: the scorecard, and `SLIPPED`.

    Raises RecipeError if no photograph passed all of them.
    """
    seed = passage.state.run.plan.recipe.seed if options.seed is None else options.seed
    chains = passing_chains(passage, options.sample, seed)
    if not chains:
        raise RecipeError(
            "no photo passed all gates, so there is none to put defects into",
            f"groundglass show {passage.state.run.folder.path} shows where the last one left",
        )
    passage = _with_texts(passage, progress)
    gates = tuple(freeze(passage, planned) for planned in passage.gates)
    defects = chosen_defects(options.defects, gates)
    with tempfile.TemporaryDirectory(prefix="groundglass-audit-") as made:
        settings = replace(passage.state.run.settings, workers=options.workers)
        bench = Bench(Path(made), settings, passage.state.run.limits, progress)
        singly = tuple(gate for gate in gates if gate.kind != "source")
        exhibits = Exhibits(passage, singly, tuple(chains), _of(defects, source=False))
        held = [_hold(_with_halves(exhibits, bench), bench, seed)]
        if sources := _of(defects, source=True):
            wholes = [gate for gate in gates if gate.kind == "source"]
            held += [_hold_sources(passage, gate, sources, options.sample, bench, seed) for gate in wholes]
    slipped = pa.concat_tables([_slipped(one) for one in held])
    card = _scorecard(passage, seed, gates, held)
    return replace(card, notes=(*card.notes, *_missing(options.defects, gates))), slipped


def _with_texts(passage: Passage, progress: Callable[[str], Progress]) -> Passage:
    """With the vectors of all texts that images are compared to: those that the store has lost are made again."""
    state = replace(passage.state, run=replace(passage.state.run, progress=progress))
    for planned in state.run.plan.steps:
        for ask in planned.texts:
            state = with_texts(state, photographs(state.tables.images), ask, "audit")
    return replace(passage, state=replace(state, run=passage.state.run))


def chosen_defects(names: Sequence[str], gates: Sequence[Gate]) -> tuple[Defect, ...]:
    """The named defects; without names all, except kinds that no gate looks for, such as leaks and bad sources."""
    sought = {"fault", "copy", *(gate.kind for gate in gates if not gate.closed)}
    return find_defects(names or [defect.name for defect in DEFECTS.values() if defect.kind in sought])


def _of(defects: Sequence[Defect], *, source: bool) -> tuple[Defect, ...]:
    return tuple(defect for defect in defects if (defect.kind == "source") is source)


def _with_halves(exhibits: Exhibits, bench: Bench) -> Exhibits:
    """Add test sets made from the sample, if leaks are among the defects.

    If they are not, gates against leaks are left out: there is nothing for them to judge.
    """
    if any(defect.kind == "leak" for defect in exhibits.defects):
        return replace(exhibits, halves=halve(exhibits.photographs(), bench))
    return replace(
        exhibits, gates=tuple(gate for gate in exhibits.gates if gate.kind != "leak"), halves=NO_HALVES
    )


def _hold_sources(
    passage: Passage, gate: Gate, defects: tuple[Defect, ...], sample: int, bench: Bench, seed: int
) -> _Held:
    """The trial of one gate on whole sources."""
    drawn = draw_sources(passage, gate, sample, seed)
    exhibits = Exhibits(passage, (gate,), drawn.chains, defects if drawn.chains else ())
    shop = replace(bench, folder=bench.folder / gate.name)
    return replace(_hold(exhibits, shop, seed, drawn.of), sources=drawn)


def _hold(exhibits: Exhibits, bench: Bench, seed: int, units: Mapping[str, str] | None = None) -> _Held:
    """Make and measure every version, and let the gates judge."""
    store = MeasureStore(bench.folder / "store")
    reads_files = any(ask.definition.needs == "header" for ask in exhibits.asks)
    state = exhibits.passage.state
    # Restored versions go with the audit's folder: they are of no use afterwards.
    makes = replace(makes_of(state.run.store_folder), keep=bench.folder / FOLDER)
    job = Injure(fitted(state, exhibits.asks), store.root, bench.limits, seed, reads_files, makes)
    most = max((len(defect.severities) for defect in exhibits.defects), default=1)
    # One item makes and measures all severities of a defect, so its time limit grows with their number.
    seconds = bench.settings.seconds_per_image * most
    settings = replace(bench.settings, shard=8, seconds_per_image=seconds)
    for planned in state.run.plan.steps:
        if isinstance(planned.step.body, Transform):
            settings = planned.step.body.settings_of(settings)
    run_job(job, exhibits.items(), settings, bench.progress("audit"))
    tables = exhibits.tables(store)
    views = {row["sha256"]: row for row in store.read(VIEW.key).to_pylist()}
    made = tuple(version for version in exhibits.versions if views[version.key]["error"] is None)
    trial = Trial(exhibits, tables, made, units or {})
    trial.hold()
    return _Held(trial, {key: row["thumbnail"] for key, row in views.items()})


def _scorecard(passage: Passage, seed: int, gates: Sequence[Gate], held: Sequence[_Held]) -> Scorecard:
    assert passage.last is not None
    first, trials = held[0].trial, [one.trial for one in held]
    alarms = sum(bool(first.caught.get(version)) for version in first.clean)
    return Scorecard(
        recipe=passage.state.run.plan.recipe.name,
        run=str(passage.state.run.folder.path),
        seed=seed,
        passing=len(set(passage.last["root"].to_pylist())),
        asked=len(first.exhibits.chains),
        false_alarm=alarms / max(1, len(first.clean)),
        false_alarm_ci95=wilson(alarms, len(first.clean)),
        gates=tuple(cell for trial in trials for cell in trial.cells),
        defects=tuple(reach for trial in trials for reach in reaches(trial)),
        thresholds=tuple(advice for trial in trials for advice in trial.advice),
        closed=tuple(_closed(gates, held)),
        notes=tuple(_notes(gates, held)),
        slipped=sum(len(trial.slipped) for trial in trials),
        versions=sum(version.defect is not CLEAN for trial in trials for version in trial.made),
    )


def _closed(gates: Sequence[Gate], held: Sequence[_Held]) -> list[tuple[str, str]]:
    """Every gate that was not audited, and why."""
    judged = {cell.gate for one in held for cell in one.trial.cells}
    scarce = {
        gate.name: one.sources.closed for one in held if one.sources for gate in one.trial.exhibits.gates
    }
    found = ((gate.name, gate.closed or scarce.get(gate.name) or _unasked(gate)) for gate in gates)
    return [(name, why) for name, why in found if name not in judged]


def _unasked(gate: Gate) -> str:
    names = [defect.name for defect in DEFECTS.values() if defect.kind == gate.kind]
    return f"it looks for none of the chosen defects ({', '.join(names)})"


def _notes(gates: Sequence[Gate], held: Sequence[_Held]) -> list[str]:
    exhibits = held[0].trial.exhibits
    notes: list[str] = []
    if len(exhibits.chains) < FEW:
        notes.append(f"only {len(exhibits.chains)} photos were audited: note how wide the intervals are")
    notes += [f"of {gate.name}, {' and '.join(gate.partly)} is not audited" for gate in gates if gate.partly]
    scarce = [name for one in held if one.sources and one.trial.cells for name in one.sources.scarce]
    if scarce:
        notes.append(f"sources with too few photos to be judged: {', '.join(scarce[:8])}")
    lost = sum(len(one.trial.exhibits.versions) - len(one.trial.made) for one in held)
    if lost:
        notes.append(f"{lost} defective versions could not be made and are not counted")
    return notes


def _missing(names: Sequence[str], gates: Sequence[Gate]) -> list[str]:
    """Notes on the named kinds of defects that no gate looks for."""
    wanted = {defect.kind for defect in find_defects(names)}
    looked_for = {gate.kind for gate in gates}
    return [said for kind, said in NO_GATE.items() if kind in wanted and kind not in looked_for]


def _slipped(held: _Held) -> pa.Table:
    """Some versions of each severity that no gate dropped."""
    shown: dict[tuple[str, str], list[Version]] = {}
    for version in held.trial.slipped:
        shown.setdefault((version.defect.name, version.severity.name), []).append(version)
    rows = [_row(version, held.views) for found in shown.values() for version in found[:SHOWN]]
    return pa.Table.from_pylist(rows, SLIPPED)


def _row(version: Version, views: Mapping[str, bytes]) -> dict[str, object]:
    photograph = version.chain[-1]
    return {
        "defect": version.defect.name,
        "severity": version.severity.name,
        "id": photograph["id"],
        "uri": photograph["uri"],
        "picture": views[version.key],
    }
