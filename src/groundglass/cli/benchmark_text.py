"""Prints `groundglass benchmark iqa`: the result in a sentence, then tables that fit into 80 columns."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from groundglass.cli.funnel import plain_line, print_next, print_table, print_wrapped, program, shorten
from groundglass.ratings.benchmark_details import QUARTILES
from groundglass.ratings.benchmark_sentences import ceiling_in_words, headline, signed
from groundglass.text.format import duration, some

if TYPE_CHECKING:
    from groundglass.ratings.benchmark import Benchmark
    from groundglass.ratings.challenge import Challenge, Submission
    from groundglass.ratings.score_agreement import ScoreResult

NAME = 18
"""Letters of a score's name in a table."""
COLUMNS = 4
"""Scores in the table of strata: the first by rank."""
WORST = 3
"""Images of each kind that are shown for the best score."""
NONE = "–"


def print_benchmark(found: Benchmark, again: Sequence[str], report: Path | None) -> None:
    """Print a benchmark; ``again`` are the words of its command after `benchmark iqa`."""
    print_wrapped(f"  {headline(found)}", 2)
    click.echo()
    _print_scores(found.scores)
    click.echo()
    print_wrapped(f"  {_meaning(found)}", 2)
    _print_decisions(found.scores)
    _print_measures(found.scores)
    _print_strata(found)
    _print_ceiling(found)
    _print_worst(found)
    if found.notes:
        click.echo()
    for note in found.notes:
        print_wrapped(f"  note: {plain_line(note)}", 4)
    click.echo()
    last = "--json" if report is not None else "--report benchmark.html"
    lines = {"report": str(report)} if report is not None else {}
    print_next(lines | {"next": f"{program()} benchmark iqa {shlex.join(again)} {last}"})


def _print_scores(rows: Sequence[ScoreResult]) -> None:
    head = ("group", "score", "SRCC", "95 % interval", "KRCC", "PLCC", "RMSE", "failed")
    lines = [
        (
            NONE if row.rank_group is None else str(row.rank_group),
            shorten(row.score, NAME),
            signed(row.srcc),
            NONE if row.srcc_ci95 is None else f"{row.srcc_ci95[0]:+.3f}…{row.srcc_ci95[1]:+.3f}",
            signed(row.krcc),
            signed(row.plcc_4),
            NONE if row.rmse_4 is None else f"{row.rmse_4:.3g}",
            f"{row.failed:,}",
        )
        for row in rows
    ]
    print_table(head, lines, right=(2, 3, 4, 5, 6, 7), shrink=1)


def _meaning(found: Benchmark) -> str:
    said = "SRCC and KRCC compare ranks; PLCC and RMSE are after a 4-parameter logistic curve. "
    lower = [f"'{row.score}'" for row in found.scores if row.better == "lower"]
    if lower:
        others = " and others" if len(lower) > 4 else ""
        said += f"Lower is better for {', '.join(lower[:4])}{others}: a negative sign is then right. "
    if any(row.srcc_ci95 for row in found.scores):
        said += f"Intervals are from {found.bootstrap:,} resamples of {some(found.contents, 'contents')}."
    if any(row.rank_group for row in found.scores) and len(found.scores) > 1:
        said += " Scores of a group are not shown to differ from its first one."
    return said.strip()


def _print_decisions(rows: Sequence[ScoreResult]) -> None:
    """Krasula's figures and the accuracy within contents, if there are any."""
    krasula = any(row.auc_bw is not None for row in rows)
    within = any(row.pair_accuracy is not None for row in rows)
    if not krasula and not within:
        return
    head = (
        "pairs of images",
        *(("AUC_DS", "AUC_BW", "CC_0") if krasula else ()),
        *(("same content",) if within else ()),
    )
    lines = [
        (
            shorten(row.score, NAME),
            *((_plain(row.auc_ds), _plain(row.auc_bw), _plain(row.cc_0)) if krasula else ()),
            *((_plain(row.pair_accuracy),) if within else ()),
        )
        for row in rows
        if row.srcc is not None
    ]
    click.echo()
    print_table(head, lines, right=(1, 2, 3, 4), shrink=0)
    click.echo()
    said = (
        "AUC_DS: does the score separate pairs that people see as different from equal ones? AUC_BW and CC_0: does it "
        "find the better image of a pair? .5 is chance."
        if krasula
        else ""
    )
    if within:
        said += " Same content: the share of pairs of one content that it orders as people do."
    print_wrapped(f"  {said.strip()}", 2)


def _print_measures(rows: Sequence[ScoreResult]) -> None:
    known = [row for row in rows if row.licence is not None]
    if known:
        lines = [
            (
                shorten(row.score, 30),
                NONE if row.ms is None else duration(row.ms / 1000) if row.ms >= 1000 else f"{row.ms:.3g} ms",
                shorten(row.licence or "", 34),
            )
            for row in known
        ]
        click.echo()
        print_table(("measure of groundglass", "an image", "weights' licence"), lines, right=(1,), shrink=0)


def _print_strata(found: Benchmark) -> None:
    names = [row.score for row in found.scores if row.srcc is not None][:COLUMNS]
    for by in dict.fromkeys(row["by"] for row in found.strata):
        rows = [row for row in found.strata if row["by"] == by]
        if not names or len(rows) < 2:
            continue
        lines = [
            (
                shorten(
                    f"{row['stratum']} ({row['mos'][0]:.3g} to {row['mos'][1]:.3g})"
                    if by == QUARTILES
                    else str(row["stratum"]) or "(empty)",
                    22,
                ),
                f"{row['n']:,}",
                *(
                    signed(next((one["srcc"] for one in row["scores"] if one["score"] == name), None))
                    for name in names
                ),
            )
            for row in rows
        ]
        title = "quarter of the MOS" if by == QUARTILES else f"SRCC by {shorten(by, 14)}"
        click.echo()
        print_table(
            (title, "images", *(shorten(name, 10) for name in names)),
            lines,
            right=range(1, 2 + len(names)),
            shrink=0,
        )
        if by == QUARTILES:
            click.echo()
            print_wrapped(
                "  Within a quarter the MOS differ little: correlations are lower than over all images.", 2
            )


def _print_ceiling(found: Benchmark) -> None:
    said = ceiling_in_words(found.ceiling, len(found.images.mos))
    if said:
        click.echo()
        print_wrapped(f"  People: {said}", 2)


def _print_worst(found: Benchmark) -> None:
    """The images on which the best score and people differ most."""
    if not found.gallery:
        return
    best = found.gallery[0]
    lines = [
        (
            kind,
            shorten(row["image"], 30),
            f"{row['value']:.4g}",
            f"{row['mos']:.3g}",
            f"{row['score_rank']:.0f}",
            f"{row['mos_rank']:.0f}",
        )
        for kind in ("overrated", "underrated")
        for row in best[kind][:WORST]
    ]
    if lines:
        click.echo()
        click.echo(
            f"  '{shorten(best['score'], 30)}' and people differ most on (ranks: 0 worst, 100 best):\n"
        )
        print_table(
            ("", "image", "score", "MOS", "its rank", "people's"), lines, right=(2, 3, 4, 5), shrink=1
        )


def print_challenge(found: Challenge, again: Sequence[str]) -> None:
    """Print a ranking, and every file that is not in it with its reason; ``again`` as in `print_benchmark`."""
    scored = sum(one.state == "scored" for one in found.submissions)
    said = f"{some(len(found.submissions), 'submissions')}, {scored} scored on {some(found.images, 'hidden images')}"
    if found.ranking:
        first = found.ranking[0]
        equal = [one.team for one in found.ranking[1:] if one.rank_group == 1]
        said += f". '{shorten(first.team, 30)}' leads with {signed(first.score)}"
        if equal:
            names = ", ".join(f"'{shorten(name, 20)}'" for name in equal[:3])
            others = " and others" if len(equal) > 3 else ""
            said += f"; {names}{others} {'is' if len(equal) == 1 else 'are'} not shown to be worse"
    print_wrapped(f"  {said}.", 2)
    if found.ranking:
        click.echo()
        print_table(
            ("rank", "team", "score", "95 % interval", "SRCC", "PLCC", "group", "file"),
            [_ranked_line(one) for one in found.ranking],
            right=(0, 2, 3, 4, 5, 6),
            shrink=1,
        )
        click.echo()
        said = "  score: (SRCC + PLCC) / 2 of a team's best submission, with signs."
        if any(one.rank_group for one in found.submissions):
            said += " Teams of a group are not shown to differ from its first one."
        print_wrapped(said, 2)
    others = [one for one in found.submissions if one.state != "scored"]
    if others:
        click.echo()
    for one in others:
        where = f", {one.line}" if one.line else ""
        print_wrapped(f"  ✕ {plain_line(one.file)}{where}: {one.state}: {plain_line(one.reason or '')}", 4)
    if found.notes:
        click.echo()
    for note in found.notes:
        print_wrapped(f"  note: {plain_line(note)}", 4)
    click.echo()
    print_next({"next": f"{program()} benchmark iqa {shlex.join(again)} --json"})


def _ranked_line(one: Submission) -> tuple[str, ...]:
    return (
        str(one.rank),
        shorten(one.team, NAME),
        signed(one.score),
        NONE if one.ci95 is None else f"{one.ci95[0]:+.3f}…{one.ci95[1]:+.3f}",
        signed(one.srcc),
        signed(one.plcc),
        NONE if one.rank_group is None else str(one.rank_group),
        shorten(one.file, 24),
    )


def _plain(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"
