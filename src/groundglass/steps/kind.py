"""The record of a kind of step: how it is planned, run and forecast, and its label of a few words."""

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
"""The tables after a step, and the step's record."""
Run = Callable[[State, PlannedStep], Done]


@dataclass(frozen=True)
class StepForecast:
    """The forecast of one step. ``into`` is exact, or an upper bound; ``to_do`` and ``cached`` only if work is done.

    ``untimed`` says that ``seconds`` leave out work of which nobody knows yet how long it takes.
    """

    name: str
    kind: str
    label: str
    into: int
    exact: bool
    to_do: int | None = None
    cached: int | None = None
    seconds: float = 0.0
    bytes: float = 0.0
    untimed: bool = False


@dataclass(frozen=True)
class Holding:
    """A hold-out whose rows are not known: at most ``most`` of the rows that had ``ids`` leave the set for a split.

    roots    the photographs that these rows are cut from; of a whole photograph, it is the id
    counted  whether a later rule keeps a number of rows, whichever
    """

    most: int
    ids: pa.ChunkedArray
    roots: pa.ChunkedArray
    counted: bool = False

    def gained(self, rows: pa.Table) -> int:
        """Upper bound of the rows that a release has more because of it, if ``rows`` are all that the set may have.

        A row that is held out is released whatever later steps do. The set loses the rows that come of it: nothing is
        gained, unless no row comes of it, such as of a photograph too small for a tile, or a later rule counts.
        """
        originals = compute.all(compute.equal(self.ids, self.roots)).as_py()
        if self.counted or not originals:
            return self.most
        childless = compute.invert(compute.is_in(self.roots, rows["root"].combine_chunks()))
        return min(self.most, int(compute.sum(childless).as_py() or 0))


@dataclass
class Walk:
    """A pass over a plan without work: the tables that a run would have, as far as they are known.

    state    the state of a run, but `dry`: nothing is measured and nothing is written
    exact    whether its rows are the run's; if not, the run has at most as many
    most     at an earlier step, the run kept at most so many of the rows, whichever; None if it may keep all
    came_of  for each row, the id of the row that it was at that step, or was made from
    guessed  whether sizes of rows are guessed
    besides  upper bound of the rows that a hold-out takes from the rows that a ranked selection dropped
    held     the hold-outs from the current set whose rows are not known
    notes    sentences that the user should read before the run
    """

    state: State
    exact: bool = True
    most: int | None = None
    came_of: pa.ChunkedArray | None = None
    guessed: bool = False
    besides: int = 0
    held: list[Holding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Upper bound of the number of rows."""
        if self.most is None or self.came_of is None:
            return self.state.rows.num_rows
        sizes = np.sort(self.came_of.value_counts().field("counts").to_numpy())
        return int(
            sizes[max(0, len(sizes) - self.most) :].sum()
        )  # the worst case: the rows that it keeps are those with the most tiles

    @property
    def held_besides(self) -> int:
        """Upper bound of the rows that a release has besides those of ``count``, because of hold-outs not known."""
        return self.besides + sum(holding.gained(self.state.rows) for holding in self.held)

    @property
    def share(self) -> float:
        """The largest share of the rows that the run may have, for estimates of time and space."""
        return self.count / self.state.rows.num_rows if self.state.rows.num_rows else 1.0

    def step(self, planned: PlannedStep) -> StepForecast:
        """The forecast of a step before its rule or measures are considered."""
        return StepForecast(planned.step.name, planned.step.kind, planned.label, self.count, self.exact)

    def lacking(self, planned: PlannedStep, rows: pa.Table) -> int:
        """How many of ``rows`` lack a value that the step needs; files that no run has read lack all of them."""
        read = rows.filter(rows["sha256"].is_valid())
        missing = [missing_of(self.state, ask, read) for ask in planned.asks]
        texts = [rows_without_vector(self.state, read, ask) for ask in planned.texts]
        return max(count_unknown(missing), *texts, 0) + rows.num_rows - read.num_rows

    def does(self, run: Run, planned: PlannedStep, rows: pa.Table) -> bool:
        """Run the step if all values that it needs of ``rows`` are known. Returns whether it ran.

        Because of this, `plan` and `run` cannot disagree: the same function judges, cuts and holds out in both.
        """
        if not self.exact or self.lacking(planned, rows):
            return False
        if (
            self.state.rows.num_rows or rows.num_rows
        ):  # without any row, the store may not even have the columns
            self.state, _ = run(self.state, planned)
        return True

    def at_most(self, rows: pa.Table, came_of: pa.ChunkedArray | None = None) -> None:
        """From here on, all that is known is that the run has no rows besides these.

        ``came_of`` are the ids of the earlier rows that they were made from; without it they are the same rows.
        """
        if came_of is not None and self.came_of is not None:
            self.came_of = self.came_of.take(compute.index_in(came_of, self.state.rows["id"]))
        self.exact = False
        self.state = replace(self.state, rows=rows)

    def bound(self, most: int) -> None:
        """From here on, the run has at most ``most`` of the present rows."""
        if most < self.count:
            self.held = [replace(holding, counted=True) for holding in self.held]
            self.most, self.came_of = most, self.state.rows["id"]


Forecast = Callable[[Walk, PlannedStep], StepForecast]


@dataclass(frozen=True)
class StepKind:
    """One kind of step.

    plan      plan(planner, planned, body) -> PlannedStep: every word is looked up, no pixel is read. Raises RecipeError
    run       run(state, planned) -> the state after it, and its StepRecord
    forecast  forecast(walk, planned) -> StepForecast: as `run` without work, or an upper bound
    label     label(body) -> a description of a few words
    """

    plan: Plan
    run: Run
    forecast: Forecast
    label: Callable[[Any], str]


def nothing_changes(walk: Walk, planned: PlannedStep) -> StepForecast:
    """The forecast of a step that no row leaves."""
    return walk.step(planned)


def done(before: State, after: State, planned: PlannedStep, **counts: Any) -> Done:
    """The state after a step, and the record of the change from the state before it."""
    into, out = before.rows.num_rows, after.rows.num_rows
    record = StepRecord(planned.step.name, planned.step.kind, planned.label, into, out)
    return after, replace(record, **counts)
