"""Small charts as SVG text, for the report and the dataset card: without scripts, fonts or colours.

Colours come from the page through the classes ``kept``, ``dropped``, ``grid``, ``limit``, ``mark`` and ``dist``;
without a style sheet everything is drawn in the current text colour, so a chart also works alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Side = Literal["below", "above"]

XMLNS = 'xmlns="http://www.w3.org/2000/svg"'

_EQUAL = 1e-9
"""Values with a smaller relative difference than this look equal on a chart."""

_LONG_TAIL = 4.0
"""If one tail is this many times as long as the other, the axis is logarithmic."""


@dataclass(frozen=True)
class Axis:
    """A horizontal axis from ``low`` to ``high``.

    cut_low/cut_high  whether there are values beyond that end; they are counted in the first or last bar
    """

    low: float
    high: float
    log: bool = False
    cut_low: bool = False
    cut_high: bool = False

    def place(self, value: float) -> float:
        """The position of a value: 0 at ``low``, 1 at ``high``, clipped to this range.

        >>> Axis(1, 100, log=True).place(10)
        0.5
        """
        if self.log:
            share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return min(1.0, max(0.0, share))

    def edges(self, bins: int) -> Numbers:
        """The borders of the bins, evenly spaced on this axis."""
        if self.log:
            return np.geomspace(self.low, self.high, bins + 1)
        return np.linspace(self.low, self.high, bins + 1)

    def ticks(self, most: int = 8) -> list[float]:
        """Round numbers on the axis.

        >>> Axis(0, 47).ticks(5)
        [0.0, 10.0, 20.0, 30.0, 40.0]
        """
        if self.log and self.high / self.low >= 10:
            return _log_ticks(self.low, self.high, most)
        return _even_ticks(self.low, self.high, most)


def _even_ticks(low: float, high: float, most: int) -> list[float]:
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    # The tolerance keeps a rounding error from choosing the next larger step.
    step = next(power * nice for nice in (1, 2, 5, 10) if power * nice >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    digits = 3 - math.floor(math.log10(step))
    return [round(index * step, digits) for index in range(first, last + 1)]


def _log_ticks(low: float, high: float, most: int) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for leads in ((1, 2, 5), (1, 3), (1,)):
        ticks = [lead * 10.0**decade for decade in decades for lead in leads]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) <= most:
            return ticks
    return ticks[:: math.ceil(len(ticks) / most)]


def choose_axis(values: Numbers, limits: tuple[float, ...] = ()) -> Axis:
    """An axis that shows most of the values well, even if their tails are long.

    A long upper tail of positive numbers gives a logarithmic axis; otherwise the outermost half per cent is
    cut off if it would take more than a third of the room. ``limits`` are always inside.

    >>> choose_axis(np.array([1.0, 2, 3, 4]))
    Axis(low=1.0, high=4.0, log=False, cut_low=False, cut_high=False)
    >>> choose_axis(np.geomspace(1, 1000, 50)).log
    True
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        finite = np.array([0.0, 1.0])
    log = _has_long_tail(finite) and min(limits, default=1.0) > 0
    # A logarithmic axis has no zero: a few zeros are counted in the first bar.
    low, high = _ends(
        finite[finite >= np.percentile(finite, 1)] if log and finite.min() <= 0 else finite, log
    )
    low, high = min(low, *limits, low), max(high, *limits, high)
    if high - low <= _EQUAL * max(abs(low), abs(high)):
        room = max(0.5, 0.01 * abs(low))
        low, high = (low / 2, high * 2) if log else (low - room, high + room)
    return Axis(low, high, log, cut_low=bool(finite.min() < low), cut_high=bool(finite.max() > high))


def _has_long_tail(finite: Numbers) -> bool:
    """Whether positive numbers reach much further up from their median than down."""
    p1, p50, p99 = (float(q) for q in np.percentile(finite, [1, 50, 99]))
    return p1 > 0 and p99 > 20 * p1 and p99 - p50 > _LONG_TAIL * (p50 - p1)


def _ends(finite: Numbers, log: bool) -> tuple[float, float]:
    """The ends of an axis: the values' own, or the inner 99 % if the rest takes more than a third of the room."""
    scale = np.log if log else np.positive
    least, inner_low, inner_high, most = (float(q) for q in np.percentile(finite, [0, 0.5, 99.5, 100]))
    room = float(scale(inner_high) - scale(inner_low))
    low = inner_low if float(scale(inner_low) - scale(least)) > room / 3 else least
    high = inner_high if float(scale(most) - scale(inner_high)) > room / 3 else most
    return low, high


def count_bins(count: int) -> int:
    """The number of bars for a histogram of ``count`` values: 1.5 times Rice's rule, from 12 to 64.

    >>> count_bins(200), count_bins(10_000)
    (18, 64)
    """
    return max(12, min(64, round(3 * count ** (1 / 3))))


def bin_counts(values: Numbers, axis: Axis, bins: int) -> NDArray[np.int64]:
    """The number of values in each bin; values beyond an end are counted in the outermost bin."""
    finite = values[np.isfinite(values)]
    return np.histogram(np.clip(finite, axis.low, axis.high), axis.edges(bins))[0]


def short(value: float) -> str:
    """A number for a label: four digits at most, no trailing zeros.

    >>> short(12480), short(0.25), short(30.0), short(1234567), short(0.00001)
    ('12,480', '0.25', '30', '1.23M', '1e-5')
    """
    if abs(value) >= 1e6:
        return f"{value / 1e6:.3g}M"
    if 0 < abs(value) < 0.001:
        return f"{value:.3g}".replace("e-0", "e-")
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


@dataclass(frozen=True)
class Size:
    """Width and height of a chart, and the room below the bars for the axis, in px."""

    width: int = 960
    height: int = 200
    foot: int = 24


@dataclass(frozen=True)
class Mark:
    """A value to point out on a histogram: a dashed line with a word next to it, and a longer tooltip."""

    value: float
    label: str
    title: str


def histogram(
    values: Numbers,
    axis: Axis,
    name: str,
    title: str,
    limit: float | None = None,
    keep: Side = "below",
    size: Size = Size(),
    mark: Mark | None = None,
) -> str:
    """A histogram; with a ``limit``, the kept side is filled, the dropped side is hatched, and a line separates them.

    name   unique on its page: clip paths are named after it
    title  a description, for readers who cannot see it
    mark   a second value to point out; it does not move

    If the limit moves, only the elements ``[data-part=kept|dropped|limit]`` have to move.
    """
    counts = bin_counts(values, axis, count_bins(int(np.isfinite(values).sum())))
    plot = size.height - size.foot
    bars = _bars_path(counts, size.width, plot)
    at = None if limit is None else axis.place(limit) * size.width
    body = _plain_bars(bars) if at is None else _split_bars(bars, name, at, keep, size.width, plot)
    line = "" if at is None else _limit_line(at, plot)
    word = ""
    if mark is not None:
        title = f"{title}; {mark.title}"
        line = _mark_line(mark, axis.place(mark.value) * size.width, plot) + line
        word = _mark_word(mark, axis, limit)
    return (
        f'<svg {XMLNS} class="chart histogram" width="{size.width}" height="{size.height}" {named(title)}'
        f"{axis_marks(axis, plot)}{word}"
        f'<svg class="bars" width="100%" height="{plot}" viewBox="0 0 {size.width} {plot}" '
        f'preserveAspectRatio="none" overflow="visible">{body}{line}</svg></svg>'
    )


def named(title: str) -> str:
    """The end of an ``<svg`` tag that names the chart, for people who cannot see it."""
    return f'role="img" aria-label="{escape(title)}"><title>{escape(title)}</title>'


def _bars_path(counts: NDArray[np.int64], width: float, plot: float) -> str:
    """All bars as one path; a bar that is not empty is at least 1.5 px high."""
    tallest = max(1, int(counts.max(initial=0)))
    step = width / len(counts)
    gap = min(1.0, step / 4)
    parts: list[str] = []
    for index, count in enumerate(counts.tolist()):
        if count:
            # A rare value must stay visible next to a bar of ten thousand.
            high = max(1.5, (plot - 16) * count / tallest)
            parts.append(f"M{index * step + gap / 2:.2f} {plot:g}v{-high:.2f}h{step - gap:.2f}V{plot:g}z")
    return "".join(parts)


def _plain_bars(bars: str) -> str:
    return f'<path class="kept" d="{bars}" fill="currentColor"/>'


def _split_bars(bars: str, name: str, at: float, keep: Side, width: float, plot: float) -> str:
    boxes = {"below": (0.0, at), "above": (at, width - at)}
    drop: Side = "above" if keep == "below" else "below"
    return (
        f'<defs><pattern id="{name}-hatch" width="5" height="5" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><path class="hatch" d="M0 0V5" stroke="currentColor" stroke-width="2"/>'
        "</pattern>"
        f"{_clip(name, 'kept', boxes[keep], plot)}{_clip(name, 'dropped', boxes[drop], plot)}</defs>"
        f'<path class="dropped" d="{bars}" fill="url(#{name}-hatch)" clip-path="url(#{name}-dropped)"/>'
        f'<path class="kept" d="{bars}" fill="currentColor" clip-path="url(#{name}-kept)"/>'
    )


def _clip(name: str, part: str, box: tuple[float, float], plot: float) -> str:
    x, width = box
    return (
        f'<clipPath id="{name}-{part}"><rect data-part="{part}" x="{x:.2f}" y="0" '
        f'width="{max(0.0, width):.2f}" height="{plot:g}"/></clipPath>'
    )


def _limit_line(at: float, plot: float) -> str:
    return (
        f'<path class="limit" data-part="limit" vector-effect="non-scaling-stroke" d="M0 0V{plot:g}" '
        f'transform="translate({at:.2f} 0)" stroke="currentColor"/>'
    )


def axis_marks(axis: Axis, plot: float, ticks: Sequence[float] | None = None) -> str:
    """Ticks and labels in per cent of the width, so that stretching a chart does not stretch its letters."""
    marks = [f'<path class="grid" d="M0 {plot + 0.5:g}h9999" stroke="currentColor"/>']
    for tick in axis.ticks() if ticks is None else ticks:
        share = 100 * axis.place(tick)
        anchor = "start" if share < 2 else "end" if share > 98 else "middle"
        marks.append(
            f'<svg class="tick" x="{share:.3f}%" y="{plot:g}" overflow="visible">'
            f'<path class="grid" d="M0 0V4" stroke="currentColor"/>'
            f'<text y="18" text-anchor="{anchor}" font-size="12" fill="currentColor">{short(tick)}</text></svg>'
        )
    return "".join(marks)


def _mark_line(mark: Mark, at: float, plot: float) -> str:
    """A dashed line on a solid one. A page can give that its background's colour, so that dashes show on bars too."""
    return (
        f'<g class="mark" transform="translate({at:.2f} 0)"><title>{escape(mark.title)}</title>'
        f'<path class="under" vector-effect="non-scaling-stroke" d="M0 0V{plot:g}" stroke="none"/>'
        f'<path vector-effect="non-scaling-stroke" d="M0 0V{plot:g}" stroke="currentColor" stroke-dasharray="3 3"/></g>'
    )


def _mark_word(mark: Mark, axis: Axis, limit: float | None) -> str:
    """The word of a mark, on the side with room and away from the limit's line; it does not stretch with the bars."""
    share = axis.place(mark.value)
    left = share > 0.9 or (share > 0.1 and limit is not None and axis.place(limit) > share)
    x, anchor = (-5, "end") if left else (5, "start")
    return (
        f'<svg class="mark" x="{100 * share:.3f}%" overflow="visible"><text x="{x}" y="10" '
        f'text-anchor="{anchor}" font-size="12" fill="currentColor">{escape(mark.label)}</text></svg>'
    )


def distribution(values: Numbers, axis: Axis, width: int = 120, height: int = 16) -> str:
    """The outline of a distribution as an SVG path (``d``), on which a page draws a mark."""
    counts = bin_counts(values, axis, min(24, count_bins(values.size))).astype(float)
    tops = height - (height - 1) * counts / max(1.0, counts.max(initial=0))
    step = width / len(tops)
    points = "".join(f"V{top:.1f}h{step:.2f}" for top in tops)
    return f"M0 {height}{points}V{height}z"


def funnel_bar(whole: int, rows_in: int, rows_out: int, title: str, width: int = 240, height: int = 4) -> str:
    """A thin bar: as long as the share of ``whole`` that came in, filled as far as rows went on."""
    scale = width / max(1, whole, rows_in, rows_out)
    return (
        f'<svg {XMLNS} class="chart funnel" viewBox="0 0 {width} {height}" preserveAspectRatio="none" {named(title)}'
        f'<rect class="dropped" width="{rows_in * scale:.2f}" height="{height}" fill="currentColor" fill-opacity=".3"/>'
        f'<rect class="kept" width="{rows_out * scale:.2f}" height="{height}" fill="currentColor"/></svg>'
    )
