"""The page of a benchmark of measures: one file with the ranking, differences, curves and worst disagreements."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from groundglass.files.atomic import write_text
from groundglass.ratings.benchmark import Benchmark, PairOfScores
from groundglass.ratings.benchmark_details import QUARTILES
from groundglass.ratings.benchmark_sentences import ceiling_in_words, headline
from groundglass.ratings.score_agreement import ScoreResult
from groundglass.reports.assets import static_text
from groundglass.reports.charts_svg import Axis
from groundglass.reports.fill import fill, signed
from groundglass.reports.output_folder import check_file
from groundglass.reports.scatter_curve_svg import scatter_with_curves
from groundglass.text.format import some

STYLES = ("tokens.css", "report.css", "proof.css", "benchmark.css")
TICKS = 5
SHAPES = {"higher": '<circle r="5"/>', "lower": '<path d="M0-6 6 0 0 6-6 0z"/>'}
NONE = "–"
MOST_BESIDE = 5
"""Scores up to which two tables fit next to each other."""
SHOWN = 4
"""Images of each kind for each score."""


@dataclass(frozen=True)
class RowView:
    """One score in the table: its part of the plot as SVG, and its numbers as text."""

    score: str
    group: str
    first: bool
    strip: str
    numbers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ImageView:
    """One image of the gallery; ``source`` is its thumbnail as a data URI, or "" if there is none."""

    image: str
    source: str
    value: str
    mos: str
    score_rank: str
    mos_rank: str


@dataclass(frozen=True)
class ScoreView:
    """The details of one score: its scatter, and the images on which it and people differ most."""

    score: str
    scatter: str
    overrated: tuple[ImageView, ...]
    underrated: tuple[ImageView, ...]


def write_benchmark_page(
    found: Benchmark, source: str, sha256: str, thumbnails: Mapping[str, bytes], path: Path
) -> None:
    """Write the page to ``path``. It loads nothing, so it can be sent.

    thumbnails  encoded images by name, for the gallery
    Raises RecipeError if something else than a page of groundglass is there, UnreachableError if it cannot be written.
    """
    check_file(path, "--report")
    write_text(benchmark_page(found, _title(PurePath(source)), sha256, thumbnails), path)


def benchmark_page(
    found: Benchmark, title: str, sha256: str, thumbnails: Mapping[str, bytes], report: str = ""
) -> str:
    """The text of the page. Everything that comes from the table is escaped.

    report  the address of the report that it belongs to, or ""
    """
    theme, styles = static_text("theme.js"), [static_text(name) for name in STYLES]
    ceiling = _ceiling(found)
    axis = axis_of(found)
    ranked = [row for row in found.scores if row.srcc is not None]
    return fill(
        "benchmark.html.j2",
        {
            "policy": _policy([theme], styles),
            "theme": theme,
            "styles": styles,
            "title": title,
            "report": report,
            "headline": headline(found).replace(" -", " −"),
            "found": found,
            "sha256": sha256,
            "rows": _rows(found.scores, axis, ceiling),
            "heads": [name for name, _ in _numbers(found.scores[0], found.scores)],
            "scale": _scale(axis),
            "ceiling": ceiling_in_words(found.ceiling, len(found.images.mos)),
            "has_ceiling": ceiling is not None,
            "wide": len(ranked) > MOST_BESIDE,
            "unranked": [row for row in found.scores if row.srcc is None],
            "matrix": _matrix(ranked, found.pairs),
            "strata": _strata(found, ranked),
            "splits": _splits(found, ranked),
            "details": [_details(found, row, thumbnails) for row in ranked],
            "measures": [row for row in found.scores if row.licence is not None],
        },
    )


def _title(source: PurePath) -> str:
    """A table's name, or a run's with that of its recipe."""
    return f"{source.parent.name} {source.name}" if source.name.isdigit() else source.name


def _ceiling(found: Benchmark) -> float | None:
    """The SRCC of two halves of the raters, if they rated all these images: others may be easier or harder."""
    covered = found.ceiling.get("items") == len(found.images.mos)
    return found.ceiling.get("split_half_srcc") if covered else None


def axis_of(found: Benchmark) -> Axis:
    """One axis for all scores: it holds 0, every interval in its better direction, and the ceiling."""
    ends = [0.0, _ceiling(found) or 0.0]
    for row in found.scores:
        if row.strength is not None:
            ends += [row.strength, *_directed(row)]
    low, high = min(ends), max(ends)
    room = 0.04 * (high - low) or 0.1
    return Axis(low - (room if low < 0 else 0.0), high + room)


def _directed(row: ScoreResult) -> tuple[float, ...]:
    """The interval of the SRCC in the direction that is better."""
    if row.srcc_ci95 is None:
        return ()
    low, high = row.srcc_ci95
    return (low, high) if row.better == "higher" else (-high, -low)


def _rows(rows: Sequence[ScoreResult], axis: Axis, ceiling: float | None) -> list[RowView]:
    views: list[RowView] = []
    for row in rows:
        if row.srcc is None:
            continue
        group = NONE if row.rank_group is None else str(row.rank_group)
        first = not views or views[-1].group != group
        views.append(RowView(row.score, group, first, _strip(row, axis, ceiling), _numbers(row, rows)))
    return views


def _numbers(row: ScoreResult, rows: Sequence[ScoreResult]) -> tuple[tuple[str, str], ...]:
    """Heading and text of each number; columns that no score has are left out."""
    interval = NONE if row.srcc_ci95 is None else " to ".join(map(signed, row.srcc_ci95))
    every = [
        ("SRCC", signed(row.srcc), True),
        ("95 % interval", interval, True),
        ("KRCC", signed(row.krcc), True),
        ("PLCC", signed(row.plcc_4), True),
        ("RMSE", plain(row.rmse_4), True),
        ("AUC DS", plain(row.auc_ds), any(one.auc_ds is not None for one in rows)),
        ("AUC BW", plain(row.auc_bw), any(one.auc_bw is not None for one in rows)),
        ("CC 0", plain(row.cc_0), any(one.cc_0 is not None for one in rows)),
        ("same content", plain(row.pair_accuracy), any(one.pair_accuracy is not None for one in rows)),
        ("failed", f"{row.failed:,}", True),
    ]
    return tuple((name, text) for name, text, shown in every if shown)


def _strip(row: ScoreResult, axis: Axis, ceiling: float | None) -> str:
    """A score's part of the plot: its interval and its SRCC, in per cents, so that strips of any width line up."""
    title = f"{row.score}: SRCC {signed(row.srcc)}"
    title += f", 95 % interval {' to '.join(map(signed, row.srcc_ci95))}" if row.srcc_ci95 else ""
    parts = [_rule(axis, tick, "zero" if tick == 0 else "grid") for tick in axis.ticks(TICKS)]
    if ceiling is not None:
        parts.append(_rule(axis, ceiling, "ceiling"))
    ends = [100 * axis.place(end) for end in _directed(row)]
    if ends:
        parts.append(f'<line class="range" x1="{ends[0]:.2f}%" x2="{ends[1]:.2f}%" y1="50%" y2="50%"/>')
    at = 100 * axis.place(row.strength or 0.0)
    mark = f'<svg x="{at:.2f}%" y="50%" overflow="visible">{SHAPES[row.better]}</svg>'
    lead = "best" if row.rank_group == 1 else "rest"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="strip {lead}" width="100%" height="100%" role="img" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title>{"".join(parts)}{mark}</svg>'
    )


def _rule(axis: Axis, value: float, kind: str) -> str:
    at = f"{100 * axis.place(value):.2f}%"
    return f'<line class="{kind}" x1="{at}" x2="{at}" y1="0" y2="100%"/>'


def _scale(axis: Axis) -> str:
    anchors = {True: "start", False: "middle"}
    marks = "".join(
        f'<text x="{100 * axis.place(tick):.2f}%" y="12" text-anchor="{anchors[axis.place(tick) < 0.03]}">'
        f"{_minus(f'{tick:.3g}')}</text>"
        for tick in axis.ticks(TICKS)
        if axis.place(tick) < 0.97
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" class="scale" width="100%" height="16" aria-hidden="true">'
        f"{marks}</svg>"
    )


def _matrix(ranked: Sequence[ScoreResult], pairs: Sequence[PairOfScores]) -> list[dict[str, Any]]:
    """Each score against those below it: whether it is shown to be better."""
    known = {(pair.a, pair.b): pair for pair in pairs}
    names = [row.score for row in ranked]
    return [
        {"score": one, "cells": [_cell(known.get((one, other)), one == other) for other in names]}
        for one in names[:-1]
    ]


def _cell(pair: PairOfScores | None, same: bool) -> dict[str, str]:
    if pair is None:
        return {"glyph": "·" if same else "", "tone": "muted", "title": ""}
    if pair.different is None:
        return {"glyph": "?", "tone": "muted", "title": f"{pair.a} and {pair.b}: not tested"}
    ci95 = " to ".join(map(signed, pair.ci95)) if pair.ci95 else "unknown"
    title = (
        f"{pair.a} − {pair.b}: {signed(pair.difference)} (95 % interval {ci95}; p {pair.p_holm:.2g} after Holm), "
        f"on {some(pair.n, 'images')}"
    )
    return {"glyph": "●", "tone": "kept", "title": title} if pair.different else {
        "glyph": "○", "tone": "unknown", "title": title
    }  # fmt: skip


def _strata(found: Benchmark, ranked: Sequence[ScoreResult]) -> list[dict[str, Any]]:
    """A table of SRCC for each grouping."""
    tables: list[dict[str, Any]] = []
    for by in dict.fromkeys(row["by"] for row in found.strata):
        rows = [row for row in found.strata if row["by"] == by]
        if len(rows) < 2:
            continue
        shown = [
            {
                "stratum": f"{row['stratum']} ({row['mos'][0]:.3g} to {row['mos'][1]:.3g})"
                if by == QUARTILES
                else row["stratum"] or "(empty)",
                "n": row["n"],
                "cells": [
                    next((signed(one["srcc"]) for one in row["scores"] if one["score"] == score.score), NONE)
                    for score in ranked
                ],
            }
            for row in rows
        ]
        tables.append(
            {"by": "quarter of the MOS" if by == QUARTILES else by, "narrow": by == QUARTILES, "rows": shown}
        )
    return tables


def _splits(found: Benchmark, ranked: Sequence[ScoreResult]) -> list[dict[str, str]]:
    by_score = {row["score"]: row for row in found.splits}
    rows: list[dict[str, str]] = []
    for one in ranked:
        row = by_score[one.score]
        rows.append({"score": one.score} | {key: _spread(row[key]) for key in ("srcc", "plcc_4", "rmse_4")})
    return rows if any(row["srcc"] != NONE for row in rows) else []


def _spread(value: Mapping[str, float] | None) -> str:
    return NONE if value is None else f"{value['median']:.3f} ± {value['sd']:.3f}".replace("-", "−")


def _details(found: Benchmark, row: ScoreResult, thumbnails: Mapping[str, bytes]) -> ScoreView:
    values = found.images.scores[row.score]
    here = np.isfinite(values)
    curves = [
        (kind, fit) for kind, fit in (("other", row.curve_5), ("curve", row.curve_4)) if fit is not None
    ]
    title = f"{row.score} and MOS of {some(row.n, 'images')}: SRCC {signed(row.srcc)}"
    worst = next(one for one in found.gallery if one["score"] == row.score)
    return ScoreView(
        row.score,
        scatter_with_curves(values[here], found.images.mos[here], curves, title, (row.score, "MOS")),
        *(
            tuple(_image(one, thumbnails) for one in worst[kind][:SHOWN])
            for kind in ("overrated", "underrated")
        ),
    )


def _image(row: Mapping[str, Any], thumbnails: Mapping[str, bytes]) -> ImageView:
    encoded = thumbnails.get(row["image"], b"")
    kind = "png" if encoded.startswith(b"\x89PNG") else "webp" if encoded[8:12] == b"WEBP" else "jpeg"
    source = f"data:image/{kind};base64,{base64.b64encode(encoded).decode('ascii')}" if encoded else ""
    return ImageView(
        row["image"], source, f"{row['value']:.4g}", f"{row['mos']:.3g}", f"{row['score_rank']:.0f}",
        f"{row['mos_rank']:.0f}",
    )  # fmt: skip


def _policy(scripts: Sequence[str], styles: Sequence[str]) -> str:
    # The page allows exactly its own script and styles, so that markup in a name could not run another one.
    def hashes(texts: Sequence[str]) -> str:
        digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts)
        return " ".join(f"'sha256-{digest}'" for digest in digests)

    return f"default-src 'none'; img-src data:; script-src {hashes(scripts)}; style-src {hashes(styles)}"


def _minus(text: str) -> str:
    return text.replace("-", "−")


def plain(value: float | None) -> str:
    """A number of three digits behind the point.

    >>> plain(0.5)
    '0.500'
    """
    return NONE if value is None else f"{value:.3f}"
