"""The images that a step judged, the outcome of each, and the numbers that it judged by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from groundglass.catalog import Column
from groundglass.reports.facts import STATUSES, RunFacts
from groundglass.tables.step_record import StepRecord

Numbers = NDArray[np.float64]

SIZES = {
    "width": Column("px", 1, None, "higher", "width of the image"),
    "height": Column("px", 1, None, "higher", "height of the image"),
}
"""Columns that every image has, measured or not."""

RULES = ("select", "hold_out")
"""Kinds of steps that judge every row; the others have verdicts only on failures."""

_KEPT, _DROPPED, _FAILED, _HELD_OUT = range(len(STATUSES))


@dataclass(frozen=True)
class Pool:
    """The rows that a step judged.

    rows     indices in the rows table, ascending
    status   of each: an index in `STATUSES`
    margin   of each: its distance from the threshold, positive on the kept side; NaN if there is no such number
    reasons  of each: why it left; None if it stayed
    """

    rows: NDArray[np.int32]
    status: NDArray[np.uint8]
    margin: Numbers
    reasons: list[str | None]

    def __len__(self) -> int:
        return len(self.rows)


class Pools:
    """The pools of all steps of a run. Tables are joined once, on first use."""

    def __init__(self, facts: RunFacts) -> None:
        self.facts = facts
        self.columns = {**_numeric_columns(facts), **SIZES}
        self._values: dict[str, Numbers] = {}
        self._pools: dict[str, Pool] = {}

    @cached_property
    def place_of(self) -> dict[str, int]:
        """The row of an id."""
        return {key: place for place, key in enumerate(self.facts.rows["id"].to_pylist())}

    @cached_property
    def step_place(self) -> dict[str | None, int]:
        """The index of a step's name; None, the end, comes after all of them."""
        names = [step.step for step in self.facts.steps]
        return {None: len(names), **{name: place for place, name in enumerate(names)}}

    @cached_property
    def born(self) -> NDArray[np.int32]:
        """The step at which each row appeared."""
        return self._steps("born_at")

    @cached_property
    def left(self) -> NDArray[np.int32]:
        """The step at which each row left the current set; the number of steps for rows that never did."""
        return self._steps("left_at")

    @cached_property
    def status(self) -> NDArray[np.uint8]:
        """The outcome of each row: an index in `STATUSES`."""
        code = {status: place for place, status in enumerate(STATUSES)}
        return np.array([code[status] for status in self.facts.rows["status"].to_pylist()], np.uint8)

    @cached_property
    def derived(self) -> NDArray[np.bool_]:
        """Whether a row was made from another one."""
        return np.array(self.facts.rows["parent"].is_valid().to_pylist(), bool)

    def values(self, column: str) -> Numbers:
        """A column's numbers, NaN if there is none."""
        if column not in self._values:
            self._values[column] = _floats(self.facts.rows[column])
        return self._values[column]

    def of(self, step: StepRecord) -> Pool:
        """The rows that a step judged: for a rule those of its verdicts, otherwise all rows at that step."""
        if step.step not in self._pools:
            judged = self._verdicts(step)
            self._pools[step.step] = self._judged(judged, step) if judged is not None else self._present(step)
        return self._pools[step.step]

    @cached_property
    def _verdict_places(self) -> dict[str, list[int]]:
        """The rows of the verdicts table that belong to each step."""
        found: dict[str, list[int]] = {}
        for place, name in enumerate(self.facts.verdicts["step"].to_pylist()):
            found.setdefault(name, []).append(place)
        return found

    def _verdicts(self, step: StepRecord) -> pa.Table | None:
        """The verdicts of a rule; None for any other step, or if there are none."""
        places = self._verdict_places.get(step.step)
        return self.facts.verdicts.take(pa.array(places)) if places and step.kind in RULES else None

    def _steps(self, column: str) -> NDArray[np.int32]:
        return np.array([self.step_place[name] for name in self.facts.rows[column].to_pylist()], np.int32)

    def _judged(self, table: pa.Table, step: StepRecord) -> Pool:
        places = np.array([self.place_of.get(key, -1) for key in table["id"].to_pylist()], np.int32)
        kept, failed = (np.array(table[name].to_pylist(), bool) for name in ("kept", "failed"))
        status = np.where(failed, _FAILED, np.where(kept, _KEPT, _DROPPED)).astype(np.uint8)
        # A held-out image has a verdict of not kept, like a dropped one; its final status separates them.
        away = (self.status[places] == _HELD_OUT) & (self.left[places] == self.step_place[step.step])
        status[away] = _HELD_OUT
        margin = _floats(table["margin"])
        reasons = table["reason"].to_pylist()
        # The page searches these rows by bisection, so they must be ascending.
        order = [place for place in np.argsort(places, kind="stable").tolist() if places[place] >= 0]
        return Pool(places[order], status[order], margin[order], [reasons[place] for place in order])

    def _present(self, step: StepRecord) -> Pool:
        here = self.step_place[step.step]
        born = self.born == here if step.kind == "source" else self.born <= here
        rows = np.flatnonzero(born & (here <= self.left)).astype(np.int32)
        gone = self.left[rows] == here
        status = np.where(gone, self.status[rows], _KEPT).astype(np.uint8)
        said = self.facts.rows["reason"].take(rows).to_pylist()
        reasons = [reason if away else None for reason, away in zip(said, gone.tolist(), strict=True)]
        return Pool(rows, status, np.full(len(rows), np.nan), reasons)


def _floats(column: pa.ChunkedArray) -> Numbers:
    """A column as float64, NaN if it is empty."""
    return np.asarray(column.cast(pa.float64()).fill_null(float("nan")).to_numpy(), np.float64)


def _numeric_columns(facts: RunFacts) -> dict[str, Column]:
    def is_number(name: str) -> bool:
        kind = facts.rows.schema.field(name).type
        return pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)

    return {name: column for name, column in facts.columns.items() if name not in SIZES and is_number(name)}
