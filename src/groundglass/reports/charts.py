"""The charts of a step, and the numbers with which the page's script moves their thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundglass.catalog import Column
from groundglass.reports.charts_svg import Axis, Mark, Side, Size, choose_axis, histogram
from groundglass.reports.facts import Knee
from groundglass.reports.knees import in_words
from groundglass.reports.step_pools import Pool, Pools
from groundglass.tables.step_record import StepRecord, Threshold

_SMALL = Size(460, 132)


@dataclass(frozen=True)
class Chart:
    """One histogram of a step.

    column  the column whose values are counted
    limit   the threshold; None if the step has none
    op      how a value is compared with the limit
    svg     the chart
    knee    the knee that an audit found; None without one
    """

    column: str
    about: Column
    axis: Axis
    svg: str
    limit: float | None = None
    op: str = ""
    knee: Knee | None = None

    @property
    def side(self) -> Side:
        """The kept side of the threshold."""
        return "below" if self.op in ("<", "<=") else "above"


def lines_of(step: StepRecord, pool: Pool, pools: Pools) -> tuple[Threshold, ...]:
    """The thresholds that decide a step, all of them or none: a part of a rule would be a different rule."""
    if step.ranking is not None:
        return _cut_of(step.ranking.column, step.ranking.order, pool, pools)
    return step.whole_rule if all(line.column in pools.columns for line in step.whole_rule) else ()


def _cut_of(column: str, order: str, pool: Pool, pools: Pools) -> tuple[Threshold, ...]:
    """The threshold of a ranking: the worst value that was kept."""
    if column not in pools.columns:
        return ()
    # Failed rows have no value; they are left out with the other NaN below.
    kept = pools.values(column)[pool.rows][pool.status != 1]
    kept = kept[np.isfinite(kept)]
    if not kept.size:
        return ()
    higher = order == "higher"
    return (Threshold(column, ">=" if higher else "<=", float(kept.min() if higher else kept.max())),)


def charts_of(step: StepRecord, pool: Pool, pools: Pools, name: str) -> tuple[Chart, ...]:
    """The histograms of a step: one per threshold or measured column, or the shorter side of a source's images."""
    if not len(pool):
        return ()
    lines = lines_of(step, pool, pools)
    if lines:
        size = Size() if len(lines) == 1 else _SMALL
        return tuple(
            _line_chart(line, pools.facts.knees.get(step.step), pool, pools, f"{name}-{place}", size)
            for place, line in enumerate(lines)
        )
    columns = [column for column in step.columns if column in pools.columns]
    charts = (
        _plain_chart(column, pools.columns[column], pools.values(column)[pool.rows]) for column in columns
    )
    if step.kind == "source":
        charts = iter((_side_chart(pool, pools),))
    return tuple(chart for chart in charts if chart is not None)


def _line_chart(line: Threshold, knee: Knee | None, pool: Pool, pools: Pools, name: str, size: Size) -> Chart:
    values = pools.values(line.column)[pool.rows]
    mark = None if knee is None else Mark(knee.threshold.limit, "knee", f"audit: {in_words(knee)}")
    axis = choose_axis(values, (line.limit,) if mark is None else (line.limit, mark.value))
    side: Side = "below" if line.op in ("<", "<=") else "above"
    title = f"{line.column} of {len(pool):,} images, kept where {line.op} {line.limit:.6g}"
    svg = histogram(values, axis, name, title, line.limit, side, size, mark)
    return Chart(line.column, pools.columns[line.column], axis, svg, line.limit, line.op, knee)


def _plain_chart(column: str, about: Column, values: NDArray[np.float64]) -> Chart | None:
    if not np.isfinite(values).any():
        return None
    axis = choose_axis(values)
    return Chart(
        column,
        about,
        axis,
        histogram(values, axis, column, f"{column} of {len(values):,} images", size=_SMALL),
    )


def _side_chart(pool: Pool, pools: Pools) -> Chart | None:
    sides = np.fmin(pools.values("width")[pool.rows], pools.values("height")[pool.rows])
    return _plain_chart(
        "shorter side", Column("px", 1, None, "higher", "the shorter of width and height"), sides
    )


def axis_data(axis: Axis) -> dict[str, Any]:
    """An axis as the page's script reads it."""
    return {"low": axis.low, "high": axis.high, "log": axis.log}
