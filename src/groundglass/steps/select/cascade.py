"""A select step with a cascade: measure a sample, find a limit of the cheap column, and measure the doubtful rows.

The recipe and the pool alone decide which rows are measured, never the values that a store happens to have. So a run
that was killed, or that finds values of an earlier one, ends with the same rows. Known values come from the store.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from groundglass.errors import RecipeError
from groundglass.plans.judge import rule_of
from groundglass.plans.planner import PlannedStep
from groundglass.plans.state import State
from groundglass.random_streams import stream
from groundglass.selections.cascade import (
    PROPOSING,
    Calibration,
    Numbers,
    Sample,
    calibrate,
    can_show,
    dropped_unseen,
    fewest_keepers,
    held_out,
    weigh,
)
from groundglass.selections.rule import Judged
from groundglass.selections.where import Cascade, Where, where
from groundglass.tables.columns import pool
from groundglass.tables.expressions import column_path
from groundglass.tables.parquet import compute, connect, numbered, only, without
from groundglass.tables.thresholds import limits_of
from groundglass.tables.verdicts import VERDICTS, numbers

Take = Callable[[pa.Table], pa.Table]
"""Takes the costly measure of rows, and returns verdicts of the rows with an unusable image."""
Places = NDArray[np.int64]

SAMPLED = 0.5
"""The most of its budget that a cascade draws as a sample."""
GROWTH = 4
"""If a sample holds out too few rows that the rule keeps, it grows by at most this factor at once."""
LEAST, ENOUGH = 2, 5
"""Multiples of the smallest number of such rows that can show the recall: for a sample that is a large part of the
pool, and for a small one. With the smallest number none may be missed, with twice that 1 in 118, with five times 8
in 295."""
SMALL = 0.05
"""Up to this share of the pool a sample is small: its cost is minor compared with the saving of a better limit."""


@dataclass(frozen=True)
class Bench:
    """A pool, the rule that judges it, and the means to take the costly measure."""

    state: State
    planned: PlannedStep
    rows: pa.Table
    take: Take
    rule: str
    wish: Cascade

    @property
    def most(self) -> int:
        """How many rows may be measured."""
        return most_measured(self.wish, self.rows.num_rows)

    @cached_property
    def values(self) -> Numbers:
        """The cheap column; NaN for a row without a value."""
        path = column_path(self.wish.by)
        table = pool(self.rows, [path], self.planned.scope, self.state.tables)
        return np.asarray(numbers(table, self.wish.by).fill_null(math.nan).to_numpy(), np.float64)

    @cached_property
    def lot(self) -> Places:
        """The places of the rows in the order in which they are drawn: fixed by seed, step and each row's id alone.

        A pool that grows keeps the order of its earlier rows, so that most of its sample is measured already.
        """
        salt = stream(self.state.run.seed, self.planned.step.name, "cascade").bytes(16).hex()
        con = connect()
        con.register("pool", pa.table({"id": self.rows["id"], "place": numbered(self.rows)}))
        sql = "SELECT place FROM pool ORDER BY md5($salt || id), id"
        drawn = con.sql(sql, params={"salt": salt}).to_arrow_table()
        return np.asarray(drawn["place"].to_numpy(), np.int64)

    def judged(self, places: Places) -> pa.Table:
        """Exact verdicts of the rows at these places, in this order."""
        rows = self.rows.take(pa.array(places))
        unreadable = only(self.take(rows), rows["id"])
        readable = without(rows, unreadable["id"])
        table = pool(readable, self.planned.paths, self.planned.scope, self.state.tables)
        found = pa.concat_tables([where(table, self.rule).cast(VERDICTS), unreadable.cast(VERDICTS)])
        return found.take(compute.index_in(rows["id"], found["id"]))


def cascade_of(planned: PlannedStep) -> Cascade | None:
    """The cascade of a select step, if it has one."""
    rule = rule_of(planned)
    return rule.cascade if isinstance(rule, Where) else None


def cascade_rows(state: State, planned: PlannedStep, rows: pa.Table, take: Take) -> Judged:
    """The verdicts of a select step with a cascade, in the order of the rows.

    Raises RecipeError if recall and budget cannot both be met: before anything is measured if that can be known,
    else after the sample.
    """
    rule, wish = rule_of(planned), cascade_of(planned)
    assert isinstance(rule, Where)
    assert wish is not None
    bench = Bench(state, planned, rows, take, rule.where, wish)
    size, found = _calibrated(bench)
    unseen = found.drops(bench.values)
    # Rows of the sample are measured already, so they keep their exact verdicts.
    unseen[bench.lot[:size]] = False
    _hold_budget(bench, found, size, unseen)
    seen = bench.judged(np.flatnonzero(~unseen))
    ids = rows["id"].filter(pa.array(unseen))
    blind = [] if found.low is None else [_blind(bench, ids, unseen, found)]
    verdicts = pa.concat_tables([seen, *blind])
    facts = _facts(bench, found, size, unseen)
    return Judged(
        verdicts.take(compute.index_in(rows["id"], verdicts["id"])),
        tuple(limits_of(bench.rule)),
        (_in_words(bench, facts),) if rows.num_rows else (),
        {"rule": "where", "exact": False, "columns": list(planned.brings), "cascade": facts},
    )


def _blind(bench: Bench, ids: Any, unseen: NDArray[np.bool_], found: Calibration) -> pa.Table:
    return dropped_unseen(ids, bench.values[unseen], found, bench.wish.by, bench.rule)


def _calibrated(bench: Bench) -> tuple[int, Calibration]:
    """The size of the sample, and its calibration; without a sample nothing is dropped unseen."""
    recall, most = bench.wish.recall, _largest_sample(bench.wish, bench.rows.num_rows)
    if not check_size(bench.planned, bench.wish, bench.rows.num_rows):
        return 0, Calibration("higher", None, 0, 0, 0, 0)
    fewest = fewest_keepers(recall)
    # A share of the sample only proposes limits and is not held out, so the sample is larger by that share.
    size = min(most, math.ceil(LEAST * fewest * PROPOSING / (PROPOSING - 1)))
    while True:
        sample = _sample(bench, size)
        keepers = int((sample.keeps & sample.held_out).sum())
        wanted = fewest * (LEAST if size > SMALL * bench.rows.num_rows else ENOUGH)
        if size == most or keepers >= wanted:
            return size, calibrate(sample, recall)
        # Each round decodes its images again, so rounds should be few: the next size is the one that the share of
        # keepers so far makes likely.
        likely = 1.1 * wanted / max(keepers, 1)
        size = min(most, math.ceil(size * min(max(likely, 1.2), GROWTH)))


def check_size(planned: PlannedStep, wish: Cascade, total: int) -> bool:
    """Whether so many rows are enough for a sample that can show the recall.

    Raises RecipeError if they are not, and the budget does not allow measuring all rows.
    """
    sample = _largest_sample(wish, total)
    if can_show(wish.recall, sample):
        return True
    if most_measured(wish, total) == total:
        return False
    raise RecipeError(
        f"{planned.step.name}: a budget of {most_measured(wish, total):,} of {total:,} rows cannot show a recall of "
        f"{wish.recall:g}: half of it, the sample, holds out {held_out(sample).sum():,} rows, but "
        f"at least {fewest_keepers(wish.recall):,} rows that the rule keeps are needed",
        "raise the budget or lower the recall; or leave `cascade` out: a pool this small is best measured in full",
    )


def most_measured(wish: Cascade, total: int) -> int:
    """How many of so many rows may be measured."""
    # 0.29 * 100 is 28.999999999999996 in floating point, but the budget means 29 rows.
    return math.floor(wish.budget * total + 1e-9)


def _largest_sample(wish: Cascade, total: int) -> int:
    return math.floor(SAMPLED * most_measured(wish, total))


def _sample(bench: Bench, size: int) -> Sample:
    drawn = bench.lot[:size]
    keeps = np.asarray(bench.judged(drawn)["kept"].to_numpy(), bool)
    return Sample(bench.values[drawn], keeps, held_out(size))


def _hold_budget(bench: Bench, found: Calibration, size: int, unseen: NDArray[np.bool_]) -> None:
    """Stop the run if recall and budget cannot both be met, and suggest values that would work.

    Neither may give way silently: a lower recall would lose images, an overrun budget is a bill.
    """
    needed = int((~unseen).sum())
    if needed <= bench.most:
        return
    total, wish = bench.rows.num_rows, bench.wish
    enough = math.ceil(100 * needed / total) / 100
    raise RecipeError(
        f"{bench.planned.step.name}: a recall of {wish.recall:g} takes {bench.planned.asks[0].measure} of {needed:,} "
        f"of {total:,} rows, and the budget is {bench.most:,}{_why(bench, found)}",
        f"about budget: {enough:g} would be enough{_affordable(bench, found, size)}; the measured values are kept",
    )


def _why(bench: Bench, found: Calibration) -> str:
    """Why every row would have to be measured; empty if not."""
    if found.low is not None:
        return ""
    if found.keepers >= fewest_keepers(bench.wish.recall):
        return f"; no limit of {bench.wish.by} shows it"
    return f"; only {found.keepers:,} held-out rows of the sample are kept by the rule, too few to show it"


def _affordable(bench: Bench, found: Calibration, size: int) -> str:
    """The approximate recall that the budget would be enough for."""
    sign = 1 if found.order == "higher" else -1
    rest = np.sort(sign * np.nan_to_num(bench.values[bench.lot[size:]], nan=sign * math.inf))
    low = sign * float(rest[len(rest) - (bench.most - size)])
    recall = weigh(_sample(bench, size), found.order, low).recall[1]
    shown = math.floor(100 * recall) / 100
    return f", or about recall: {shown:g}" if shown > 0 else ""


def _facts(bench: Bench, found: Calibration, size: int, unseen: NDArray[np.bool_]) -> dict[str, Any]:
    """The facts of a cascade for a run's record and its lock."""
    recall, low, high = found.recall
    blind = int(unseen.sum())
    shares = {
        "recall": recall,
        "recall_low": low,
        "recall_high": high,
        "beyond_at_most": found.beyond_at_most,
    }
    return {
        "by": bench.wish.by,
        "measure": bench.planned.asks[0].key,
        "wish": bench.wish.recall,
        "budget": bench.wish.budget,
        "rows": bench.rows.num_rows,
        "sampled": size,
        "measured": bench.rows.num_rows - blind,
        "unseen": blind,
        **asdict(found),
        **{name: round(value, 6) for name, value in shares.items()},
    }


def _in_words(bench: Bench, facts: dict[str, Any]) -> str:
    """How much was saved, and the recall that this may have cost."""
    measure, total = bench.planned.asks[0].measure, facts["rows"]
    if not facts["unseen"]:
        small = f"a pool this small cannot show a recall of {facts['wish']:g}"
        none = f"no limit of {facts['by']} drops any and shows a recall of {facts['wish']:g}"
        return f"{measure} of all {total:,} rows: {none if facts['sampled'] else small}"
    side = "below" if facts["order"] == "higher" else "above"
    return (
        f"{measure} of {facts['measured']:,} of {total:,} rows ({facts['measured'] / total:.0%}), including a "
        f"sample of {facts['sampled']:,}; {facts['unseen']:,} dropped unseen, {facts['by']} {side} {facts['low']:g}; "
        f"recall {facts['recall']:.3f} ({facts['recall_low']:.3f} to {facts['recall_high']:.3f}: "
        f"{facts['found']:,} of {facts['keepers']:,} held-out rows)"
    )
