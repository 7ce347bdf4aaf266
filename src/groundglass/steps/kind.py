"""What every kind of step is: how it is planned, run and forecast, and what it is called in a few words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from groundglass.plans.measure_missing import count_unknown, missing_of
from groundglass.plans.planner import PlannedStep, Planner
from groundglass.plans.state import State
from groundglass.plans.texts import rows_without_vector
from groundglass.tables.parquet import compute
from groundglass.tables.step_record import StepRecord

Plan = Callable[[Planner, PlannedStep, Any], PlannedStep]
Done = tuple[State, StepRecord]
"""The tables as they stand after a step, and what it did."""
Run = Callable[[State, PlannedStep], Done]


@dataclass(frozen=True)
class StepForecast:
    """One step. ``into`` is exact, or the most there can be; ``to_do`` and ``cached`` only where work is done."""

    name: str
    kind: str
    label: str
    into: int
    exact: bool
    to_do: int | None = None
    cached: int | None = None
    seconds: float = 0.0
    bytes: float = 0.0


@dataclass
class Walk:
    """A plan gone through without work: the tables as they would stand, as far as that is known.

    state    as a run has it, and `dry`: nothing is measured and nothing is written
    exact    whether its rows are the run's; if not, the run has at most as many
    most     once the run had at most so many of the rows, whichever; None where it may have all of them
    came_of  of each row the id of that one which it was then, or was made of
    guessed  whether sizes of rows are guessed
    besides  rows that a hold-out may have taken from what a ranked selection dropped, at most
    notes    what a user should know beforehand
    """

    state: State
    exact: bool = True
    most: int | None = None
    came_of: pa.ChunkedArray | None = None
    guessed: bool = False
    besides: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many rows there are at most."""
        if self.most is None or self.came_of is None:
            return self.state.rows.num_rows
        sizes = np.sort(self.came_of.value_counts().field("counts").to_numpy())
        return int(
            sizes[max(0, len(sizes) - self.most) :].sum()
        )  # at worst it has those that became the most

    @property
    def share(self) -> float:
        """How much of its rows the run has at most: for estimates of time and space."""
        return self.count / self.state.rows.num_rows if self.state.rows.num_rows else 1.0

    def step(self, planned: PlannedStep) -> StepForecast:
        """What is known of a step before it is looked at."""
        return StepForecast(planned.step.name, planned.step.kind, planned.label, self.count, self.exact)

    def lacking(self, planned: PlannedStep, rows: pa.Table) -> int:
        """How many of ``rows`` lack a value that the step asks for; files that no run has read lack them all."""
        read = rows.filter(rows["sha256"].is_valid())
        missing = [missing_of(self.state, ask, read) for ask in planned.asks]
        texts = [rows_without_vector(self.state, read, ask) for ask in planned.texts]
        return max(count_unknown(missing), *texts, 0) + rows.num_rows - read.num_rows

    def does(self, run: Run, planned: PlannedStep, rows: pa.Table) -> bool:
        """Run the step, where all that it needs of ``rows`` is known; whether that was so.

        This is what keeps `plan` and `run` of one mind: the same function judges, cuts and holds out in both.
        """
        if not self.exact or self.lacking(planned, rows):
            return False
        if self.state.rows.num_rows or rows.num_rows:  # of no rows the store may not even know the columns
            self.state, _ = run(self.state, planned)
        return True

    def at_most(self, rows: pa.Table, came_of: pa.ChunkedArray | None = None) -> None:
        """From here on the run is only known to have no other rows than these.

        ``came_of`` are the ids of the rows before that they were made of; without it they are those very rows.
        """
        if came_of is not None and self.came_of is not None:
            self.came_of = self.came_of.take(compute.index_in(came_of, self.state.rows["id"]))
        self.exact = False
        self.state = replace(self.state, rows=rows)

    def bound(self, most: int) -> None:
        """Of the rows as they are now the run has no more than so many."""
        if most < self.count:
            self.most, self.came_of = most, self.state.rows["id"]


Forecast = Callable[[Walk, PlannedStep], StepForecast]


@dataclass(frozen=True)
class StepKind:
    """One kind of step.

    plan      plan(planner, planned, body) -> PlannedStep: every word looked up, before any pixel. Raises RecipeError
    run       run(state, planned) -> the state after it, and its StepRecord
    forecast  forecast(walk, planned) -> StepForecast: as `run` without work, or the most there can be
    label     label(body) -> what it does, in a few words
    """

    plan: Plan
    run: Run
    forecast: Forecast
    label: Callable[[Any], str]


def nothing_changes(walk: Walk, planned: PlannedStep) -> StepForecast:
    """The forecast of a step that no row leaves."""
    return walk.step(planned)


def done(before: State, after: State, planned: PlannedStep, **counts: Any) -> Done:
    """The state after a step, and what it did to the current set of the state before it."""
    into, out = before.rows.num_rows, after.rows.num_rows
    record = StepRecord(planned.step.name, planned.step.kind, planned.label, into, out)
    return after, replace(record, **counts)
