"""Charts of a study as SVG text: intervals in rows, items in order, raters as marks, counts as bars.

Places along the width are per cents, so that a chart fits any page and its letters never stretch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from groundglass.reports.charts_svg import XMLNS, Axis, Numbers, axis_marks, named, short

TICKS = 6
ROOM = 0.04
"""Room at both ends of an axis, as a share of its length: a mark at the end must not be cut."""
MOST_POINTS = 480
"""Points of the curve of ordered items: neighbours share one where there are more items."""
LETTER = 0.022
"""The width of a letter of a label as a share of a plot of 360 px, the narrowest page."""
PLOT = 260
"""The height of a plot without its axis, px."""


@dataclass(frozen=True)
class Dot:
    """A mark of a scatter plot. ``label`` is drawn next to it, if there is room; ``title`` is its tooltip."""

    x: float
    y: float
    title: str
    label: str = ""
    crossed: bool = False
    """Drawn as a cross instead of a disc."""


def axis_around(values: Numbers, always: tuple[float, ...] = (), room: float = ROOM) -> Axis:
    """An axis that shows all finite values, and those of ``always``, with ``room`` at both ends.

    >>> axis_around(np.array([1.0, 2.0]))
    Axis(low=0.96, high=2.04, log=False, cut_low=False, cut_high=False)
    """
    finite = np.append(values[np.isfinite(values)], always)
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    beyond = room * (high - low) or 0.5
    return Axis(low - beyond, high + beyond)


def axis_from_zero(values: Numbers) -> Axis:
    """An axis from 0, without room below it, up to the highest finite value.

    >>> axis_from_zero(np.array([1.0, 2.0]))
    Axis(low=0.0, high=2.2, log=False, cut_low=False, cut_high=False)
    """
    top = float(np.nanmax(values, initial=0.0))
    return Axis(0.0, 1.1 * top if top > 0 else 1.0)


def interval_strip(
    value: float | None, ci95: tuple[float, float] | None, axis: Axis, title: str, zero: bool = False
) -> str:
    """A row of a plot: a disc at the value, on a line from end to end of the interval.

    zero  whether the line at 0 is drawn, because a value on its other side means something else
    """
    rules = [_rule(axis, tick, "grid") for tick in axis.ticks(TICKS)]
    rules += [_rule(axis, 0.0, "zero")] if zero else []
    marks: list[str] = []
    if ci95 is not None:
        low, high = (100 * axis.place(end) for end in ci95)
        marks.append(
            f'<line class="whisker" x1="{low:.2f}%" x2="{high:.2f}%" y1="50%" y2="50%" stroke="currentColor"/>'
        )
    if value is not None:
        marks.append(f'<circle class="dot" cx="{100 * axis.place(value):.2f}%" cy="50%" r="4"/>')
    return f'<svg {XMLNS} class="row" width="100%" height="100%" {named(title)}{"".join(rules + marks)}</svg>'


def scale(axis: Axis) -> str:
    """The numbers above the rows of a plot."""
    marks = "".join(
        f'<text x="{100 * axis.place(tick):.2f}%" y="12" text-anchor="middle">{short(tick)}</text>'
        for tick in axis.ticks(TICKS)
        if 0.03 < axis.place(tick) < 0.97
    )
    return f'<svg {XMLNS} class="scale" width="100%" height="16" aria-hidden="true">{marks}</svg>'


def ordered_items(score: Numbers, low: Numbers, high: Numbers, axis: Axis, title: str) -> str:
    """The items from the best to the worst: a curve of their scores in the band of their intervals.

    All (N). ``score`` has no NaN; ``low`` and ``high`` are NaN for an item without an interval, where the band has no
    width.
    """
    order = np.argsort(-score, kind="stable")
    parts = np.array_split(order, min(len(order), MOST_POINTS))
    middle = [float(score[part].mean()) for part in parts]
    ends = [
        [float(np.where(np.isnan(end[part]), score[part], end[part]).mean()) for part in parts]
        for end in (high, low)
    ]
    places = np.linspace(0, 960, len(parts)) if len(parts) > 1 else np.array([480.0])
    top, bottom = (_points(places, values, axis) for values in ends)
    band = f'<path class="band" d="M{" ".join(top)} {" ".join(reversed(bottom))}z"/>'
    curve = " ".join(_points(places, middle, axis))
    line = (
        '<path class="curve" fill="none" stroke="currentColor" vector-effect="non-scaling-stroke" '
        f'd="M{curve}"/>'
    )
    return (
        f'<svg {XMLNS} class="plot-box" width="100%" height="{PLOT + 24}" {named(title)}'
        f"{_levels(axis)}{axis_marks(Axis(1, max(2, len(score))), PLOT)}"
        f'<svg width="100%" height="{PLOT}" viewBox="0 0 960 {PLOT}" preserveAspectRatio="none">'
        f"{band}{line}</svg></svg>"
    )


def scatter(dots: Sequence[Dot], across: Axis, up: Axis, title: str) -> str:
    """Marks by two numbers. Crosses are drawn last, so that no disc hides one."""
    order = sorted(dots, key=lambda dot: dot.crossed)
    marks = "".join(_mark(dot, across, up) for dot in order)
    labels = "".join(_label(*found, across, up) for found in _with_room(order, across, up))
    return (
        f'<svg {XMLNS} class="plot-box scatter" width="100%" height="{PLOT + 24}" {named(title)}'
        f"{_levels(up)}{axis_marks(across, PLOT)}"
        f'<svg width="100%" height="{PLOT}" overflow="visible">{_rule(across, 0.0, "zero")}{marks}{labels}</svg></svg>'
    )


def whole_number_bars(counts: dict[int, int], title: str, height: int = 132) -> str:
    """Bars at whole numbers: how many items have so many votes. Each bar has its count as a tooltip."""
    low, high = min(counts), max(counts)
    step, tallest, plot = 100 / (high - low + 1), max(counts.values()), height - 24
    bars: list[str] = []
    for number, count in sorted(counts.items()):
        # A rare number must stay visible next to a bar of ten thousand.
        tall = max(1.5, (plot - 16) * count / tallest)
        said = f"{number:,} votes: {count:,} {'item' if count == 1 else 'items'}"
        bars.append(
            f'<rect class="kept" x="{(number - low + 0.08) * step:.3f}%" width="{0.84 * step:.3f}%" '
            f'y="{plot - tall:.2f}" height="{tall:.2f}" fill="currentColor"><title>{escape(said)}</title></rect>'
        )
    axis = Axis(low - 0.5, high + 0.5)
    whole = [tick for tick in axis.ticks() if tick == int(tick)]
    return (
        f'<svg {XMLNS} class="chart histogram" width="100%" height="{height}" {named(title)}'
        f"{axis_marks(axis, plot, whole)}{''.join(bars)}</svg>"
    )


def _rule(axis: Axis, value: float, kind: str) -> str:
    at = f"{100 * axis.place(value):.2f}%"
    return f'<line class="{kind}" x1="{at}" x2="{at}" y1="0" y2="100%" stroke="currentColor"/>'


def _levels(axis: Axis) -> str:
    """Horizontal lines with their numbers above them, inside the plot: a margin would cost a phone its width."""
    parts: list[str] = []
    for tick in axis.ticks(TICKS):
        y = PLOT * (1 - axis.place(tick))
        parts.append(
            f'<line class="grid" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}" stroke="currentColor"/>'
            f'<text x="0" y="{y - 4:.1f}" font-size="12" fill="currentColor">{short(tick)}</text>'
            if y > 16
            else ""
        )
    return "".join(parts)


def _points(places: Numbers, values: Sequence[float], axis: Axis) -> list[str]:
    return [f"{x:.1f} {PLOT * (1 - axis.place(value)):.2f}" for x, value in zip(places, values, strict=True)]


def _mark(dot: Dot, across: Axis, up: Axis) -> str:
    shape = '<path d="M-4.5-4.5 4.5 4.5M-4.5 4.5 4.5-4.5"/>' if dot.crossed else '<circle r="4"/>'
    kind = "cross" if dot.crossed else "disc"
    return (
        f'<svg x="{100 * across.place(dot.x):.2f}%" y="{100 * (1 - up.place(dot.y)):.2f}%" overflow="visible">'
        f'<g class="{kind}" fill="currentColor" stroke="currentColor"><title>{escape(dot.title)}</title>'
        f'{shape}<circle class="reach" r="10" fill="none" stroke="none" pointer-events="all"/></g></svg>'
    )


def _with_room(dots: Sequence[Dot], across: Axis, up: Axis) -> list[tuple[Dot, str]]:
    """The labels that have room, and the side of their dot: none covers a dot or another label."""
    places = [(across.place(dot.x), up.place(dot.y)) for dot in dots]
    taken: list[tuple[float, float, float]] = []
    found: list[tuple[Dot, str]] = []
    for dot in sorted((dot for dot in dots if dot.label), key=lambda dot: not dot.crossed):
        x, y = across.place(dot.x), up.place(dot.y)
        wide = 0.02 + LETTER * len(dot.label)
        for side, left, right in (("start", x + 0.015, x + wide), ("end", x - wide, x - 0.015)):
            # The numbers of the levels are at the left edge.
            free = left >= 0.08 and right <= 1
            free &= not any(left <= px <= right and abs(py - y) < 0.05 for px, py in places)
            free &= not any(left < r and right > start and abs(py - y) < 0.07 for start, r, py in taken)
            if free:
                taken.append((left, right, y))
                found.append((dot, side))
                break
    return found


def _label(dot: Dot, side: str, across: Axis, up: Axis) -> str:
    x = 9 if side == "start" else -9
    return (
        f'<svg x="{100 * across.place(dot.x):.2f}%" y="{100 * (1 - up.place(dot.y)):.2f}%" overflow="visible">'
        f'<text x="{x}" y="4" text-anchor="{side}" font-size="12" fill="currentColor">'
        f"{escape(dot.label)}</text></svg>"
    )
