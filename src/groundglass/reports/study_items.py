"""The items of a study as rows: their place, their part of the plot and their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from groundglass.ratings.scores import ItemScore
from groundglass.reports.charts_svg import Axis, Numbers
from groundglass.reports.study_charts import axis_around, interval_strip, scale
from groundglass.reports.study_words import short_name
from groundglass.text.format import some

FEW_ITEMS = 40
"""Up to so many items, each has a row of the plot; of more, only the best and the worst."""
ENDS = 10
"""Rows from each end of the order of many items."""
PART_ENDS = 3
"""The same for each part of a comparison graph in pieces, which may have many parts."""


@dataclass(frozen=True)
class ItemRow:
    """An item's row: its place in the order, its name, its part of the plot, and its numbers as text."""

    place: int | None
    name: str
    strip: str
    score: str
    interval: str
    votes: int


@dataclass(frozen=True)
class ItemGroup:
    """Rows below one heading; ``gap`` says how many items are left out before them."""

    rows: tuple[ItemRow, ...]
    heading: str = ""
    gap: str = ""


def in_jod(row: ItemScore, jod: float) -> ItemScore:
    """The item with its score and interval in JOD; ``jod`` is 1 JOD on the scale of the scores."""
    ends = None if row.ci95 is None else (row.ci95[0] / jod, row.ci95[1] / jod)
    return ItemScore(row.item, row.jod, ends, row.votes, row.jod, row.part)


def columns_of(rows: Sequence[ItemScore]) -> tuple[Numbers, Numbers, Numbers]:
    """Score and ends of the interval of the items that have a score; NaN without an interval."""
    scored = [row for row in rows if row.score is not None]
    ends = np.array([row.ci95 or (np.nan, np.nan) for row in scored]).reshape(-1, 2)
    return np.array([row.score for row in scored], np.float64), ends[:, 0], ends[:, 1]


def item_rows(rows: Sequence[ItemScore], pairs: bool) -> tuple[tuple[ItemGroup, ...], str]:
    """The rows of the plot in groups, and the numbers above it."""
    scored = sorted((row for row in rows if row.score is not None), key=lambda row: -(row.score or 0.0))
    if not scored:
        return (), ""
    parts = sorted({row.part or 0 for row in scored})
    most, ends = (FEW_ITEMS, ENDS) if len(parts) == 1 else (2 * PART_ENDS + 1, PART_ENDS)
    shown: list[tuple[str, str, list[tuple[int, ItemScore]]]] = []
    for part in parts:
        inside = list(enumerate((row for row in scored if (row.part or 0) == part), 1))
        heading = f"Part {part}" if len(parts) > 1 else ""
        if len(inside) > most:
            gap = f"{some(len(inside) - 2 * ends, 'items')} between these are left out"
            shown += [(heading, "", inside[:ends]), ("", gap, inside[-ends:])]
        else:
            shown.append((heading, "", inside))
    axis = axis_around(np.concatenate([np.ravel(columns_of([row for _, row in part])) for *_, part in shown]))
    groups = [
        ItemGroup(tuple(_row(row, place, axis, pairs) for place, row in part), heading, gap)
        for heading, gap, part in shown
    ]
    lost = [row for row in rows if row.score is None]
    if lost:
        heading = f"{some(len(lost), 'items')} without a score"
        groups.append(ItemGroup(tuple(_row(row, None, axis, pairs) for row in lost[:ENDS]), heading))
    return tuple(groups), scale(axis)


def _row(row: ItemScore, place: int | None, axis: Axis, pairs: bool) -> ItemRow:
    name = short_name(row.item, 60)
    if row.score is None:
        return ItemRow(
            place, name, interval_strip(None, None, axis, f"{name}: no score", pairs), "–", "–", row.votes
        )
    form = "{:+.2f}" if pairs else "{:.2f}"
    score, ends = minus(form.format(row.score)), interval(row.ci95, form)
    title = f"{name}: {score}" + (f", 95 % interval {ends}" if row.ci95 else "")
    return ItemRow(
        place, name, interval_strip(row.score, row.ci95, axis, title, pairs), score, ends, row.votes
    )


def interval(ends: tuple[float, float] | None, form: str) -> str:
    """The ends of an interval as text, a dash without one."""
    return "–" if ends is None else minus(f"{form.format(ends[0])} to {form.format(ends[1])}")


def minus(text: str) -> str:
    """The same text with a real minus sign, which is as wide as a plus."""
    return text.replace("-", "−")
