"""The page of a study: scores with their intervals, raters, agreement by stratum, votes per item; one file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from groundglass import __version__
from groundglass.files.atomic import write_text
from groundglass.ratings.pair_methods import JOD
from groundglass.ratings.scores import PAIR_METHODS, RaterFound, Scores
from groundglass.ratings.strata import FEWEST, StratumAgreement
from groundglass.ratings.votes import Comparisons
from groundglass.reports.assets import parts_inside
from groundglass.reports.charts_svg import Numbers, Size, choose_axis, histogram
from groundglass.reports.fill import fill
from groundglass.reports.study_charts import (
    PLOT,
    Dot,
    axis_around,
    axis_from_zero,
    interval_strip,
    ordered_items,
    scale,
    scatter,
    whole_number_bars,
)
from groundglass.reports.study_items import (
    FEW_ITEMS,
    ItemGroup,
    columns_of,
    in_jod,
    interval,
    item_rows,
    minus,
)
from groundglass.reports.study_words import AGREEMENT, best_item, counts, short_name
from groundglass.text.format import some

MATRIX_ITEMS = 16
"""Up to so many items, the page has the matrix of win rates."""
LABELLED = 3
"""The least consistent raters that are named in the plot, besides the rejected ones."""
MOST_BARS = 60
"""Whole numbers up to which each has its own bar."""
SHADES = 10
"""Shades of a cell of the matrix."""
STYLES = (("", "tokens.css"), ("", "report.css"), ("", "study.css"), ("print", "print.css"))


@dataclass(frozen=True)
class RaterRow:
    """A rater's row."""

    name: str
    bias: str
    spread: str
    votes: int
    rejected: bool


@dataclass(frozen=True)
class StratumRow:
    """A stratum's row."""

    name: str
    strip: str
    agreement: str
    interval: str
    srcc: str
    items: int
    raters: int
    votes: int


@dataclass(frozen=True)
class Cell:
    """How often the row's item won against the column's; ``shade`` 0 to 10."""

    text: str
    title: str
    shade: int


@dataclass(frozen=True)
class MatrixRow:
    """A row of the matrix of win rates; None on its diagonal."""

    name: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class StudyView:
    """The content of the page. Charts are "" where there is nothing to draw."""

    title: str
    headline: str
    lead: str
    how: str
    unit: str
    pairs: bool
    tally: tuple[tuple[str, str], ...]
    groups: tuple[ItemGroup, ...]
    scale: str
    histogram: str
    ordered: str
    raters: tuple[RaterRow, ...]
    rater_plot: str
    rejects: bool
    strata: tuple[StratumRow, ...]
    strata_scale: str
    fewest: int
    grouped: str
    votes: str
    votes_said: str
    matrix: tuple[MatrixRow, ...]
    notes: tuple[str, ...]
    foot: str


def write_study(view: StudyView, path: Path) -> None:
    """Write the page as one file without a script of its own, completely or not at all."""
    context = {"study": view, "parts": parts_inside((), styles=STYLES)}
    write_text(fill("study.html.j2", context), path)


def view_study(
    found: Scores,
    title: str,
    notes: Sequence[str] = (),
    strata: Sequence[StratumAgreement] = (),
    grouped: str = "",
    comparisons: Comparisons | None = None,
    sha256: str = "",
) -> StudyView:
    """The page's content.

    title        the name of the table of votes
    notes        all notes, those of the reader first
    grouped      the name of the column that the strata come from
    comparisons  for the matrix of win rates
    sha256       of the table's file
    """
    pairs = found.method in PAIR_METHODS
    shown = [in_jod(row, JOD[found.method]) for row in found.items] if pairs else list(found.items)
    groups, axis_text = item_rows(shown, pairs)
    score, low, high = columns_of(shown)
    # Scores of items in different pieces do not belong on one chart.
    many = len(score) > FEW_ITEMS and found.in_one_piece
    unit = "JOD" if pairs else "0 to 100" if found.method == "zscore" else "on the scale of the votes"
    strata_rows, strata_scale = _strata(strata, pairs)
    votes, votes_said = _votes_per_item([row.votes for row in found.items])
    return StudyView(
        title,
        best_item(found, pairs) or counts(found),
        counts(found) if best_item(found) else "",
        _how(found),
        unit,
        pairs,
        _tally(found),
        groups,
        axis_text,
        _histogram(score) if many else "",
        ordered_items(
            score, low, high, axis_around(np.concatenate([score, low, high])), "Items from best to worst"
        )
        if many
        else "",
        _raters(found.raters, pairs),
        _rater_plot(found.raters, pairs),
        any(rater.rejected for rater in found.raters),
        strata_rows,
        strata_scale,
        FEWEST,
        grouped,
        votes,
        votes_said,
        _matrix(comparisons, found) if comparisons is not None else (),
        tuple(f"{note[:1].upper()}{note[1:]}{'' if note.endswith('.') else '.'}" for note in notes),
        " · ".join(filter(None, [f"groundglass {__version__}", title, f"sha256 {sha256}" if sha256 else ""])),
    )


def _histogram(score: Numbers) -> str:
    title = f"Scores of {some(len(score), 'items')}"
    return histogram(score, choose_axis(score), "scores", title, size=Size(height=PLOT + 24))


def _how(found: Scores) -> str:
    parts = [f"Method {found.method}"]
    if found.method not in PAIR_METHODS:
        parts.append(f"screen {found.screen}" if found.screen != "none" else "no screen of the raters")
    if found.iterations > 1:
        parts.append(some(found.iterations, "rounds"))
    return " · ".join([*parts, "intervals of 95 %"])


def _tally(found: Scores) -> tuple[tuple[str, str], ...]:
    rejected = sum(rater.rejected for rater in found.raters)
    counts = [("items", f"{len(found.items):,}")]
    if found.raters:
        raters = f"{len(found.raters):,}"
        counts += [("raters", f"{raters} ({rejected} rejected)" if rejected else raters)]
        counts += [("votes", f"{sum(rater.votes for rater in found.raters):,}")]
    else:
        counts += [("comparisons", f"{sum(row.votes for row in found.items) // 2:,}")]
    known = ((word, found.agreement.get(key)) for key, word in AGREEMENT.items())
    return (*counts, *((word, f"{value:.3f}") for word, value in known if value is not None))


def _in_order(raters: Sequence[RaterFound]) -> list[RaterFound]:
    """Rejected raters, then the least consistent."""
    return sorted(raters, key=lambda row: (not row.rejected, -(row.inconsistency or 0.0)))


def _raters(raters: Sequence[RaterFound], pairs: bool) -> tuple[RaterRow, ...]:
    return tuple(
        RaterRow(short_name(row.rater), *_rater_numbers(row, pairs), row.votes, row.rejected)
        for row in _in_order(raters)
    )


def _rater_numbers(row: RaterFound, pairs: bool) -> tuple[str, str]:
    bias, spread = ("{:+.0%}", "{:.0%}") if pairs else ("{:+.3f}", "{:.3f}")
    return (
        "–" if row.bias is None else minus(bias.format(row.bias)),
        "–" if row.inconsistency is None else spread.format(row.inconsistency),
    )


def _rater_plot(raters: Sequence[RaterFound], pairs: bool) -> str:
    """Bias across, inconsistency up; in per cent for comparisons. "" with fewer than two raters that have both."""
    known = [row for row in _in_order(raters) if row.bias is not None and row.inconsistency is not None]
    if len(known) < 2:
        return ""
    unit = 100 if pairs else 1
    named = {row.rater for row in known if row.rejected}
    named |= {row.rater for row in known[len(named) : len(named) + LABELLED]}
    dots = [
        Dot(
            unit * (row.bias or 0.0),
            unit * (row.inconsistency or 0.0),
            _rater_title(row, pairs),
            short_name(row.rater, 12) if row.rater in named else "",
            row.rejected,
        )
        for row in known
    ]
    across = axis_around(np.array([dot.x for dot in dots]), (0.0,), room=0.1)
    return scatter(
        dots, across, axis_from_zero(np.array([dot.y for dot in dots])), "Raters by bias and inconsistency"
    )


def _rater_title(row: RaterFound, pairs: bool) -> str:
    bias, spread = _rater_numbers(row, pairs)
    words = ("left bias", "against the scores") if pairs else ("bias", "inconsistency")
    said = f"{short_name(row.rater)}: {words[0]} {bias}, {words[1]} {spread}, {some(row.votes, 'votes')}"
    return f"{said}, rejected" if row.rejected else said


def _strata(strata: Sequence[StratumAgreement], pairs: bool) -> tuple[tuple[StratumRow, ...], str]:
    """A row for each stratum, the one where raters agree least first, and the numbers above the plot."""
    if not strata:
        return (), ""
    known = [(row.agreement, *(row.ci95 or ())) for row in strata if row.agreement is not None]
    axis = axis_around(np.array([end for row in known for end in row]), (0.0, 1.0))
    word = "κ" if pairs else "α"
    rows = tuple(
        StratumRow(
            short_name(row.stratum, 60),
            interval_strip(
                row.agreement,
                row.ci95,
                axis,
                f"{short_name(row.stratum, 60)}: {word} {_decimal(row.agreement)}",
                zero=True,
            ),
            _decimal(row.agreement),
            interval(row.ci95, "{:.2f}"),
            _decimal(row.split_half_srcc),
            row.items,
            row.raters,
            row.votes,
        )
        for row in sorted(strata, key=lambda row: (row.agreement is None, row.agreement or 0.0))
    )
    return rows, scale(axis)


def _decimal(value: float | None) -> str:
    return "–" if value is None else minus(f"{value:.3f}")


def _votes_per_item(votes: Sequence[int]) -> tuple[str, str]:
    """The chart of votes per item, and the same in a sentence."""
    counts = Counter(votes)
    if len(counts) == 1:
        return "", f"Every item has {some(votes[0], 'votes')}." if len(votes) > 1 else ""
    said = f"An item has {min(votes):,} to {max(votes):,} votes; the median item has {np.median(votes):g}."
    title = f"Votes per item of {some(len(votes), 'items')}"
    if len(votes) <= FEW_ITEMS and max(votes) - min(votes) >= len(votes):
        # Nearly every item has a number of its own: each is in the table, and the chart would be a row of equal bars.
        return "", said
    if max(votes) - min(votes) < MOST_BARS:
        return whole_number_bars(counts, title), said
    values = np.array(votes, np.float64)
    return histogram(values, choose_axis(values), "votes", title, size=Size(height=132)), said


def _matrix(comparisons: Comparisons, found: Scores) -> tuple[MatrixRow, ...]:
    """How often each item won against each other, in the order of the scores; () with too many items."""
    if len(found.items) > MATRIX_ITEMS:
        return ()
    wins = comparisons.wins()
    rank = [row.score if row.score is not None else -np.inf for row in found.items]
    order = sorted(range(len(rank)), key=lambda at: -rank[at])
    names = [short_name(name) for name in comparisons.items]
    return tuple(
        MatrixRow(
            names[row],
            tuple(
                None
                if row == column
                else _cell(wins[row, column], wins[column, row], names[row], names[column])
                for column in order
            ),
        )
        for row in order
    )


def _cell(won: float, lost: float, name: str, other: str) -> Cell:
    both = won + lost
    if not both:
        return Cell("–", f"{name} and {other} were never compared", 0)
    share = won / both
    return Cell(
        f"{100 * share:.0f}", f"{name} won {won:g} of {both:g} against {other}", round(SHADES * share)
    )
