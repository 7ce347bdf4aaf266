"""The trial: every gate judges the versions that it could detect, and the versions that it drops are counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
import pyarrow as pa

from groundglass.audits.defect_versions import Exhibits, Version, rows_of
from groundglass.audits.defects import CLEAN, Defect
from groundglass.audits.gates import (
    Gate,
    Kept,
    passes,
    passes_as_source,
    passes_beside,
    sources_of,
    table_of,
)
from groundglass.audits.replay_run import ancestors_before
from groundglass.audits.scorecard import (
    Advice,
    Cell,
    Floats,
    Reach,
    Suggestion,
    candidates,
    curve_of,
    knee,
    points,
    stands_out,
    suggest,
)
from groundglass.ratings.shares import wilson
from groundglass.selections.deduplicate import Deduplicate
from groundglass.tables.columns import Tables
from groundglass.tables.parquet import compute
from groundglass.tables.verdicts import numbers

MOST_CANDIDATES = 1000
"""The most thresholds to try; if there are more clean values, so many quantiles of them are tried."""


@dataclass
class Trial:
    """A trial and its results.

    made    the versions that could be made
    units   photograph's id → the unit that is counted: its source, if whole sources are judged; else itself
    caught  version → the gates that dropped it
    """

    exhibits: Exhibits
    tables: Tables
    made: tuple[Version, ...]
    units: Mapping[str, str] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)
    advice: list[Advice] = field(default_factory=list)
    caught: dict[Version, set[str]] = field(default_factory=dict)

    @property
    def clean(self) -> list[Version]:
        return [version for version in self.made if version.defect is CLEAN]

    @property
    def slipped(self) -> list[Version]:
        """Defective versions that no gate dropped."""
        return [
            version for version in self.made if version.defect is not CLEAN and not self.caught.get(version)
        ]

    def hold(self) -> None:
        """Let every gate judge."""
        for gate in self.exhibits.gates:
            if not gate.closed:
                judges = {"copy": _judge_copies, "source": _judge_sources}
                judges.get(gate.kind, _judge_single)(self, gate)

    def before(self, gate: Gate) -> list[Version]:
        """The versions that a gate judges, the clean ones first."""
        return [version for version in self.made if gate in self.exhibits.judged_by(version.defect)]

    def note(self, gate: Gate, versions: Sequence[Version], kept: Kept) -> None:
        """Record the versions that the gate dropped."""
        for version, stays in zip(versions, kept, strict=True):
            if not stays:
                self.caught.setdefault(version, set()).add(gate.name)


def _judge_single(trial: Trial, gate: Gate) -> None:
    """Try a gate that judges each row alone: for faults, or for test images that it shows."""
    versions = trial.before(gate)
    table = table_of(gate, rows_of(trial.exhibits, gate, versions), trial.tables)
    kept = passes(gate, table)
    trial.note(gate, versions, kept)
    column = gate.limit and numbers(table, gate.limit.column).to_numpy(zero_copy_only=False).astype(float)
    clean = _clean_values(trial, gate)
    control = [place for place, version in enumerate(versions) if version.defect is CLEAN]
    alarm = 1 - float(kept[control].mean()) if control else 0.0
    seen: dict[str, list[Floats]] = {}
    for (defect, severity), places in _grouped(versions):
        if defect is CLEAN:
            continue
        suggestion: tuple[Suggestion | None, str] = (None, "the gate is not a single comparison")
        if gate.limit is not None and column is not None:
            suggestion = suggest(gate.limit, column[places], clean)
            if stands_out(gate.limit, column[places], column[control]):
                seen.setdefault(defect.name, []).append(column[places])
        trial.cells.append(_cell(trial, gate, defect, severity, kept[places], alarm, suggestion))
    if gate.limit is not None:
        trial.advice.append(_advice(trial, gate, clean, seen))


def _judge_copies(trial: Trial, gate: Gate) -> None:
    """Try a gate that judges a pool: the copies of one severity are added to it, each next to its original."""
    pool = table_of(gate, trial.exhibits.passage.before[gate.name], trial.exhibits.passage.state.tables)
    alone = passes_beside(gate, pool)
    copies = trial.before(gate)
    for (defect, severity), places in _grouped(copies):
        versions = [copies[place] for place in places]
        originals = _places(pool, [trial.exhibits.row_at(gate, version)["id"] for version in versions])
        known, laid = _laid_in(trial, gate, pool, versions, originals)
        kept = passes_beside(gate, laid)
        # The gate catches a copy if it drops one of the two, no matter which.
        both = (kept[pool.num_rows :] & kept[originals])[known]
        # An original that the gate drops even without its copy is a false alarm.
        alarm = 1 - float(alone[originals].mean())
        judged = [version for version, there in zip(versions, known, strict=True) if there]
        trial.note(gate, judged, both)
        reason = (None, "the gate is not a single comparison")
        trial.cells.append(_cell(trial, gate, defect, severity, both, alarm, reason))


def _judge_sources(trial: Trial, gate: Gate) -> None:
    """Try a gate that judges whole sources: its sources consist of all versions of one severity."""
    judged: dict[tuple[Defect, str], dict[str, bool]] = {}
    before = trial.before(gate)
    for key, places in _grouped(before):
        versions = [before[place] for place in places]
        table = table_of(gate, rows_of(trial.exhibits, gate, versions), trial.tables)
        judged[key] = passes_as_source(gate, table, trial.exhibits.passage.state)
        trial.note(
            gate, versions, np.array([judged[key].get(name, True) for name in sources_of(gate, table)])
        )
    sound = [keeps for (defect, _), kept in judged.items() if defect is CLEAN for keeps in kept.values()]
    reason = (None, "the gate judges whole sources")
    for (defect, severity), kept in judged.items():
        if defect is not CLEAN:
            alarm = 1 - float(np.mean(sound)) if sound else 0.0
            outcome = np.array(list(kept.values()), bool)
            trial.cells.append(_cell(trial, gate, defect, severity, outcome, alarm, reason))


def _laid_in(
    trial: Trial, gate: Gate, pool: pa.Table, versions: Sequence[Version], originals: Kept
) -> tuple[Kept, pa.Table]:
    """The pool with the copies after it, and which copies have the value that the gate compares."""
    names = [version.id_of(trial.exhibits.row_at(gate, version)) for version in versions]
    if versions[0].defect.exact:
        table = pool.take(pa.array(originals))
        table = table.set_column(table.column_names.index("id"), "id", pa.array(names, pa.string()))
    else:
        table = table_of(gate, rows_of(trial.exhibits, gate, versions), trial.tables)
    known = np.ones(len(versions), bool)
    if isinstance(gate.rule, Deduplicate) and gate.rule.deduplicate == "near":
        known = compute.is_valid(table["phash"]).to_numpy()
    return known, pa.concat_tables([pool, table.select(pool.column_names)], promote_options="permissive")


def _places(pool: pa.Table, ids: list[str]) -> Kept:
    return compute.index_in(pa.array(ids, pa.string()), pool["id"].combine_chunks()).to_numpy()


def _grouped(versions: Sequence[Version]) -> list[tuple[tuple[Defect, str], list[int]]]:
    """The places of the versions of each severity, in the order of the catalog."""
    numbered = enumerate(versions)
    groups = groupby(numbered, key=lambda pair: (pair[1].defect.name, pair[1].severity.name))
    found = [list(group) for _, group in groups]
    return [
        ((group[0][1].defect, group[0][1].severity.name), [place for place, _ in group]) for group in found
    ]


def _clean_values(trial: Trial, gate: Gate) -> Floats:
    """The gate's column on the clean rows of the run: those that passed every gate, or had a part that did."""
    if gate.limit is None:
        return np.empty(0)
    passage = trial.exhibits.passage
    table = table_of(gate, ancestors_before(passage, gate.name), passage.state.tables)
    return numbers(table, gate.limit.column).to_numpy().astype(float)


def _cell(
    trial: Trial,
    gate: Gate,
    defect: Defect,
    severity: str,
    kept: Kept,
    alarm: float,
    suggestion: tuple[Suggestion | None, str],
) -> Cell:
    caught, n = int((~kept).sum()), len(kept)
    measures = {ask.measure for _, ask in trial.exhibits.read_by(gate)}
    return Cell(
        gate=gate.name,
        defect=defect.name,
        severity=severity,
        recall=caught / n if n else 0.0,
        recall_ci95=wilson(caught, n),
        n=n,
        false_alarm=alarm,
        expected=bool(measures & set(defect.seen_by)) or defect.kind == gate.kind == "copy",
        suggested=suggestion[0],
        reason=suggestion[1],
    )


def _advice(trial: Trial, gate: Gate, clean: Floats, seen: dict[str, list[Floats]]) -> Advice:
    """The curve of the gate's threshold, and its knee if its column detects any defect."""
    assert gate.limit is not None
    passage, limit = trial.exhibits.passage, gate.limit
    table = table_of(gate, passage.before[gate.name], passage.state.tables)
    pool = numbers(table, limit.column).to_numpy().astype(float)
    defective = np.concatenate([values for found in seen.values() for values in found] or [np.empty(0)])
    spread = np.quantile(clean, np.linspace(0, 1, MOST_CANDIDATES)) if clean.size > MOST_CANDIDATES else clean
    tried = points(
        limit, candidates(limit.op, defective, spread, np.array([limit.limit])), pool, clean, defective
    )
    measured = next(
        (c for path in gate.paths if ".".join(path) == limit.column and (c := gate.scope.find(path))), None
    )
    return Advice(
        gate=gate.name,
        column=limit.column,
        op=limit.op,
        unit=measured.unit if measured else "",
        defects=tuple(seen),
        now=points(limit, np.array([limit.limit]), pool, clean, defective)[0],
        knee=knee(tried) if defective.size else None,
        curve=tuple(curve_of(limit, pool, clean, defective)),
    )


def reaches(trial: Trial) -> list[Reach]:
    """How much of each severity all gates together catch."""
    found: list[Reach] = []
    for (defect, severity), places in _grouped(trial.made):
        if defect is CLEAN:
            continue
        versions = [trial.made[place] for place in places]
        caught = len({_unit(trial, version) for version in versions if trial.caught.get(version)})
        n = len({_unit(trial, version) for version in versions})
        cells = [cell for cell in trial.cells if (cell.defect, cell.severity) == (defect.name, severity)]
        best = max(cells, key=lambda cell: cell.recall, default=None)
        name, recall = (best.gate, best.recall) if best is not None and best.recall else ("", 0.0)
        found.append(
            Reach(defect.name, severity, defect.what, caught / n, wilson(caught, n), n, name, recall)
        )
    return found


def _unit(trial: Trial, version: Version) -> str:
    photograph = version.chain[-1]["id"]
    return trial.units.get(photograph, photograph)
