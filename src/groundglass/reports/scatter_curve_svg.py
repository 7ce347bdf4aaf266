"""A scatter of scores and MOS with the fitted curves, as SVG text without scripts, fonts or colours.

Colours come from the page through the classes ``points``, ``curve``, ``other`` and ``grid``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

import numpy as np

from groundglass.random_streams import stream
from groundglass.reports.charts_svg import Axis, Numbers, short

WIDTH, HEIGHT = 360, 260
LEFT, RIGHT, TOP, FOOT = 40, 10, 10, 32
MOST_POINTS = 1_500
"""The most images that are drawn; of more, a random sample."""
STEPS = 120
ROOM = 0.03

Curve = Callable[[Numbers], Numbers]


def scatter_with_curves(
    x: Numbers, y: Numbers, curves: Sequence[tuple[str, Curve]], title: str, labels: tuple[str, str]
) -> str:
    """Points (N) with curves through them.

    curves  class name and function of each, drawn over the range of x
    labels  of the axes
    """
    across, up = _axis(x), _axis(y)
    place = stream(0, "points of a scatter").permutation(len(x))[:MOST_POINTS]
    dots = "".join(f"M{_x(across, a):.1f} {_y(up, b):.1f}h0" for a, b in zip(x[place], y[place], strict=True))
    lines = "".join(_line(kind, curve, x, across, up) for kind, curve in curves)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="scatter" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title>{_grid(across, up)}'
        f'<path class="points" d="{dots}" fill="none" stroke="currentColor" stroke-width="{_size(len(place))}" '
        f'stroke-linecap="round" '
        f'stroke-opacity="{_opacity(len(place))}"/>{lines}'
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 4}" text-anchor="end">{escape(labels[0])}</text>'
        f'<text x="2" y="{TOP + 2}">{escape(labels[1])}</text></svg>'
    )


def _axis(values: Numbers) -> Axis:
    low, high = float(values.min()), float(values.max())
    room = ROOM * (high - low) or 0.5
    return Axis(low - room, high + room)


def _x(axis: Axis, value: float) -> float:
    return LEFT + axis.place(value) * (WIDTH - LEFT - RIGHT)


def _y(axis: Axis, value: float) -> float:
    return HEIGHT - FOOT - axis.place(value) * (HEIGHT - FOOT - TOP)


def _opacity(points: int) -> float:
    """Lighter points where there are many, so that dense places look dense."""
    return round(float(np.clip(12 / np.sqrt(max(1, points)), 0.25, 0.9)), 2)


def _size(points: int) -> float:
    return 5.0 if points < 200 else 3.2


def _line(kind: str, curve: Curve, x: Numbers, across: Axis, up: Axis) -> str:
    at = np.linspace(float(x.min()), float(x.max()), STEPS)
    points = " ".join(f"{_x(across, a):.1f},{_y(up, b):.1f}" for a, b in zip(at, curve(at), strict=True))
    return f'<polyline class="{kind}" points="{points}" fill="none" stroke="currentColor"/>'


def _grid(across: Axis, up: Axis) -> str:
    bottom = HEIGHT - FOOT
    parts = [f'<path class="grid" d="M{LEFT} {bottom + 0.5}H{WIDTH - RIGHT}" stroke="currentColor"/>']
    for tick in across.ticks(5):
        at = _x(across, tick)
        parts.append(
            f'<path class="grid" d="M{at:.1f} {bottom}v4" stroke="currentColor"/>'
            f'<text x="{at:.1f}" y="{bottom + 14}" text-anchor="middle">{short(tick)}</text>'
        )
    for tick in up.ticks(5):
        at = _y(up, tick)
        # The word of the axis is above its highest number.
        if at > TOP + 16:
            parts.append(
                f'<path class="grid line" d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" stroke="currentColor"/>'
                f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{short(tick)}</text>'
            )
    return "".join(parts)
