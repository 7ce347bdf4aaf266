"""The curve of a threshold search: for each candidate how much better its images train than those of the loosest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from markupsafe import Markup

from groundglass.reports.charts_svg import Axis
from groundglass.text.format import exact, thousands

WIDTH, HEIGHT, FOOT, SIDE = 640, 200, 24, 56
"""Of the chart, of the room below it for its labels, and of the room to its left and right, px."""
HEAD = ("theta", "keeps", "compared at", "picking half", "checking half", "interval", "needed")
SAID = (
    "Each candidate against as many random images of the loosest one, in dB. Rings: the half of the scored images that "
    "picks a candidate. Dots with 95 % intervals: the other half, which checks it. An effect inside the shaded band "
    "would not have been shown. The line marks the threshold that the run used."
)

Plain = Mapping[str, Any]


@dataclass(frozen=True)
class _Frame:
    """Positions on the chart, px."""

    count: int
    axis: Axis

    def across(self, place: int) -> float:
        return SIDE + (WIDTH - 2 * SIDE) * place / max(1, self.count - 1)

    def down(self, effect: float) -> float:
        return (HEIGHT - FOOT) * (1 - self.axis.place(effect))


def theta_curve(facts: Plain) -> Markup:
    """The chart and the table of a step that chose its threshold; empty for any other step.

    ``facts`` are those of the step's record, as `groundglass.proofs.threshold_found.Found.plain` writes them.

    >>> theta_curve({"rule": "where"})
    Markup('')
    """
    found = facts.get("theta")
    if not found:
        return Markup("")
    points: Sequence[Plain] = found["points"]
    chart = _chart(found, points) if any(point["check"] for point in points) else ""
    first, *others = HEAD
    head = f'<th scope="col">{first}</th>' + "".join(
        f'<th scope="col" class="n">{name}</th>' for name in others
    )
    rows = "".join(_row(point, found["theta"]) for point in points)
    return Markup(
        '<figure class="chart-box theta"><figcaption><span class="name">theta</span> '
        f'<span class="muted meaning">{SAID}</span></figcaption>'
        f'{chart}<div class="scroller"><table class="data"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></figure>"
    )


def _row(point: Plain, used: float) -> str:
    pick, check = point["pick"], point["check"]
    name = f"{exact(point['theta'])}{' (used)' if point['theta'] == used else ''}"
    cells = [thousands(point["kept"])]
    if point["left_out"]:
        rest = f'<td colspan="{len(HEAD) - 2}">not compared: {escape(point["left_out"])}</td>'
        return f'<tr><th scope="row">{name}</th><td class="n">{cells[0]}</td>{rest}</tr>'
    cells.append(thousands(point["images"]) if point["images"] else "–")
    if check:
        low, high = check["ci95"]
        cells += [f"{pick['effect']:+.3f}", f"{check['effect']:+.3f}", f"{low:+.3f} to {high:+.3f}"]
        cells.append(f"{check['needed']:.3f}")
    else:
        cells += ["–"] * 4
    numbers = "".join(f'<td class="n">{cell}</td>' for cell in cells)
    return f'<tr><th scope="row">{name}</th>{numbers}</tr>'


def _chart(found: Plain, points: Sequence[Plain]) -> str:
    reach = [0.0]
    for point in points:
        if point["check"]:
            reach += [*point["check"]["ci95"], point["pick"]["effect"], point["check"]["needed"]]
            reach.append(-point["check"]["needed"])
    room = 0.08 * (max(reach) - min(reach)) or 0.01
    frame = _Frame(len(points), Axis(min(reach) - room, max(reach) + room))
    used = next(place for place, point in enumerate(points) if point["theta"] == found["theta"])
    title = f"effect of {len(points)} thresholds in dB; {exact(found['theta'])} is used"
    at = frame.across(used)
    body = "".join(
        [
            _band(points, frame),
            _labels(points, frame),
            f'<path class="limit" d="M{at:.1f} 0V{HEIGHT - FOOT}" stroke="currentColor"/>',
            *(_point(place, point, frame) for place, point in enumerate(points)),
        ]
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart histogram" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="100%" role="img" aria-label="{escape(title)}"><title>{escape(title)}</title>{body}</svg>'
    )


def _band(points: Sequence[Plain], frame: _Frame) -> str:
    """The effects that the check would not have shown."""
    needed = [(frame.across(place), point["check"]) for place, point in enumerate(points) if point["check"]]
    start = frame.across(0), frame.down(0)
    above = "".join(f"L{x:.1f} {frame.down(check['needed']):.1f}" for x, check in needed)
    below = "".join(f"L{x:.1f} {frame.down(-check['needed']):.1f}" for x, check in reversed(needed))
    return f'<path d="M{start[0]:.1f} {start[1]:.1f}{above}{below}z" fill="currentColor" fill-opacity=".08"/>'


def _labels(points: Sequence[Plain], frame: _Frame) -> str:
    ticks = "".join(
        f'<path class="grid" d="M{SIDE - 12} {frame.down(tick):.1f}H{WIDTH - SIDE + 12}" stroke="currentColor" '
        f'stroke-opacity=".4"/><text x="{SIDE - 16}" y="{frame.down(tick) + 4:.1f}" text-anchor="end" font-size="12" '
        f'fill="currentColor">{tick:g}</text>'
        for tick in frame.axis.ticks(5)
    )
    names = "".join(
        f'<text x="{frame.across(place):.1f}" y="{HEIGHT - 6}" text-anchor="middle" font-size="12" '
        f'fill="currentColor">{exact(point["theta"])}</text>'
        for place, point in enumerate(points)
    )
    return ticks + names


def _point(place: int, point: Plain, frame: _Frame) -> str:
    x = frame.across(place)
    if not point["check"]:
        return (
            ""
            if point["left_out"]
            else f'<circle cx="{x:.1f}" cy="{frame.down(0):.1f}" r="4" fill="currentColor"/>'
        )
    low, high = (frame.down(end) for end in point["check"]["ci95"])
    pick, check = (frame.down(point[half]["effect"]) for half in ("pick", "check"))
    return (
        f'<path d="M{x:.1f} {low:.1f}V{high:.1f}" stroke="currentColor"/>'
        f'<circle cx="{x:.1f}" cy="{check:.1f}" r="4" fill="currentColor"/>'
        f'<circle cx="{x - 9:.1f}" cy="{pick:.1f}" r="4" fill="none" stroke="currentColor"/>'
    )
