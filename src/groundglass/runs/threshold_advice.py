"""The effect of other thresholds of a recipe's gates, from the values of its last finished run and its audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from groundglass.audits.gates import Gate, single, table_of
from groundglass.audits.replay_run import Passage, replay
from groundglass.audits.result_folder import latest_audit, read_card
from groundglass.audits.scorecard import Floats, curve_of, kept_share
from groundglass.errors import GroundglassError
from groundglass.plans.current_rows import applies
from groundglass.plans.lock import recipe_key
from groundglass.plans.planner import Plan, PlannedStep
from groundglass.plans.run_folder import RunFolder, finished_runs, load_record
from groundglass.recipes.load import load_recipe
from groundglass.runs.make_plan import make_plan
from groundglass.selections.where import Where
from groundglass.tables.step_record import Threshold
from groundglass.tables.verdicts import numbers

SHOWN = 5
"""Number of limits of a curve; the present one is in the middle if possible."""


@dataclass(frozen=True)
class Kept:
    """A limit, how many of the rows it keeps, and their share, 0 to 1."""

    limit: float
    kept: int
    share: float


@dataclass(frozen=True)
class Caught:
    """A limit, the share of detectable defects that it finds, and the share of clean images that it costs."""

    limit: float
    recall: float
    clean_lost: float


@dataclass(frozen=True)
class ThresholdAdvice:
    """The known facts of one gate that is a single comparison.

    now      the recipe's limit
    run      the folder of the run that the numbers come from
    pool     number of rows before the gate in that run
    curve    limits from loose to strict, the present one among them
    audited  whether an audit of this run looked at the gate
    then     the audit's result for the limit that the run had
    knee     the audit's knee; None if the column detects none of its defects
    """

    gate: str
    column: str
    op: str
    now: float
    run: str
    pool: int
    curve: tuple[Kept, ...]
    audited: bool = False
    then: Caught | None = None
    knee: Caught | None = None


def threshold_advice(plan: Plan, runs: Path) -> tuple[ThresholdAdvice, ...]:
    """For each gate of a plan that compares one column with one number: the effect of other numbers.

    Nothing is measured: values and audit are those of the last finished run of the recipe's name. A gate of that run
    is matched by its name, column and operator. () if there is no such run, or it can no longer be read.
    """
    limits = {planned.step.name: limit for planned in plan.steps if (limit := limit_of(planned))}
    try:
        folder = next(finished_runs(runs, plan.recipe.name), None) if limits else None
        if folder is None:
            return ()
        passage = replay(_plan_of(folder, plan), folder)
    except (
        GroundglassError,
        OSError,
    ):  # a run of another version, or partly deleted: a plan must not fail for lack of advice
        return ()
    audited = _audited(folder)
    found = ((gate, limits.get(gate.step.name)) for gate in passage.gates)
    return tuple(
        _advice(passage, gate, limit, audited) for gate, limit in found if limit and _same(gate, limit)
    )


def limit_of(planned: PlannedStep) -> Threshold | None:
    """The limit of a select step whose rule is a single comparison."""
    body = planned.step.body
    return single((body.where,)) if isinstance(body, Where) and not (body.cascade or body.theta) else None


def _same(gate: PlannedStep, limit: Threshold) -> bool:
    """Whether a gate of the run compares the same column with the same operator, with any number."""
    then = limit_of(gate)
    return then is not None and (then.column, then.op) == (limit.column, limit.op)


def _plan_of(folder: RunFolder, plan: Plan) -> Plan:
    """The plan that a run followed."""
    same = load_record(folder).recipe_key == recipe_key(plan)
    return plan if same else make_plan(load_recipe(folder.path / "recipe.yaml"))


def _audited(folder: RunFolder) -> Mapping[str, Mapping[str, Any]]:
    """The audit's advice on each gate's threshold, by the gate's name."""
    place = latest_audit(folder.path)
    card = place and read_card(place)
    return {advice["gate"]: advice for advice in card["thresholds"]} if card else {}


def _advice(
    passage: Passage, gate: PlannedStep, limit: Threshold, audited: Mapping[str, Mapping[str, Any]]
) -> ThresholdAdvice:
    values = _values(passage, gate, limit)
    said = audited.get(gate.step.name)
    return ThresholdAdvice(
        gate.step.name,
        limit.column,
        limit.op,
        limit.limit,
        str(passage.state.run.folder.path),
        values.size,
        tuple(kept_around(limit, values)),
        said is not None,
        _caught(said["now"]) if said else None,
        _caught(said["knee"]) if said and said["knee"] else None,
    )


def _values(passage: Passage, gate: PlannedStep, limit: Threshold) -> Floats:
    """The column's values on the rows that the gate judged; NaN if a row has none."""
    before = replace(passage.state, rows=passage.before[gate.step.name])
    table = table_of(Gate(gate), applies(before, gate)[0], passage.state.tables)
    return numbers(table, limit.column).to_numpy().astype(float)


def _caught(point: Mapping[str, Any]) -> Caught:
    return Caught(point["limit"], point["recall"], point["clean_lost"])


def kept_around(limit: Threshold, values: Floats) -> list[Kept]:
    """The present limit among its neighbours, looser and stricter ones that keep evenly spaced shares of the values.

    >>> found = kept_around(Threshold("blockiness", "<", 30.0), np.arange(1.0, 101.0))
    >>> [(row.limit, row.kept) for row in found]
    [(40.6, 40), (30.7, 30), (30.0, 29), (20.8, 20), (10.9, 10)]
    """
    nothing = np.empty(0)
    others = [point.limit for point in curve_of(limit, values, nothing, nothing)]
    sign = 1 if limit.op in ("<", "<=") else -1
    looser = [other for other in others if sign * other > sign * limit.limit]
    stricter = [other for other in others if sign * other < sign * limit.limit]
    first = max(0, min(len(looser) - SHOWN // 2, len(looser) + 1 + len(stricter) - SHOWN))
    return _kept(limit, values, [*looser, limit.limit, *stricter][first : first + SHOWN])


def _kept(limit: Threshold, values: Floats, limits: Sequence[float]) -> list[Kept]:
    shares = kept_share(values, limit.op, np.array(limits))
    return [
        Kept(other, round(share * values.size), share)
        for other, share in zip(limits, shares.tolist(), strict=True)
    ]
