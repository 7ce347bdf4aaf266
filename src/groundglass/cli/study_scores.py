"""`groundglass study scores`: votes become scores."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from groundglass.cli.funnel import plain_line, print_next, print_table, print_wrapped, program
from groundglass.cli.options import as_json
from groundglass.reports.output_folder import check_file
from groundglass.reports.study_words import agreement_in_words, headline, short_name

if TYPE_CHECKING:
    from groundglass.ratings.scores import ItemScore, RaterFound, Scores
    from groundglass.ratings.strata import StratumAgreement
    from groundglass.ratings.vote_table import Table
    from groundglass.ratings.votes import Comparisons

METHODS = ("map", "mos", "zscore", "p913", "bt500", "ap2", "bradley_terry", "thurstone")
PAIRS = ("bradley_terry", "thurstone")
SHOWN = 10
"""Items shown from each end of the order."""


class Scale(click.ParamType):
    """'1-5', '0-100' or '-3:3'."""

    name = "scale"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        import re

        found = re.fullmatch(r"(-?\d*\.?\d+)[-:](-?\d*\.?\d+)", str(value))
        if not found or float(found[1]) >= float(found[2]):
            self.fail(f"{value!r} is not a scale; write 1-5, 0-100 or -3:3", param, ctx)
        return float(found[1]), float(found[2])


def _column(role: str, note: str = "") -> Any:
    said = f"The column of the {role}{note}.  [default: {role}]"
    return click.option(f"--{role}", metavar="COLUMN", help=said)


@click.command("scores")
@click.argument("votes", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--method",
    type=click.Choice(METHODS),
    help="How votes become scores.  [default: map; for comparisons bradley_terry]",
)
@click.option(
    "--screen",
    type=click.Choice(["correlation", "bt500", "bt500_n", "none"]),
    help="Which raters do not count.  [default: correlation; ap2 and comparisons: none]",
)
@click.option(
    "--scale", type=Scale(), metavar="LOW-HIGH", help="The scale, such as 1-5; refuses votes outside it."
)
@click.option(
    "--bootstrap",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Take the intervals from N resamples of the raters.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Decides every random choice.")
@_column("item", "; a+b joins columns")
@_column("rater")
@_column("score")
@_column("session")
@click.option(
    "--strata",
    metavar="COLUMN",
    help="Also say how far the raters agree in each group of this column.  [default: session]",
)
@_column("left", " item")
@_column("right", " item")
@_column("choice")
@click.option("--left-is", metavar="WORD", help="The word in the column choice for left.")
@click.option("--right-is", metavar="WORD", help="The word in the column choice for right.")
@click.option("--tie-is", metavar="WORD", help="The word in the column choice for a tie.")
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write a page with plots, as one HTML file.",
)
@as_json
def scores(
    votes: Path,
    method: str | None,
    screen: str | None,
    scale: tuple[float, float] | None,
    bootstrap: int,
    seed: int,
    left_is: str | None,
    right_is: str | None,
    tie_is: str | None,
    report: Path | None,
    as_json: bool,
    **columns: str | None,
) -> None:
    """Turn VOTES into one score for each item, with 95 % intervals, and judge the raters.

    \b
    groundglass study scores votes.csv
    groundglass study scores votes.csv --report scores.html
    groundglass study scores pairs.parquet --method thurstone --json

    VOTES is a CSV or Parquet file. Its columns are item, rater, score and perhaps session; or left, right, choice
    (left, right, tie) and rater. Without a header, rows are items and columns are raters; for comparisons, row i and
    column j hold how often i won against j.

    map weighs raters by how consistent they are, also with few votes. mos is the mean; zscore, p913, bt500 and ap2
    are the procedures of the recommendations. bradley_terry and thurstone score comparisons.
    """
    from groundglass.ratings.vote_table import read_table

    if report is not None:
        check_file(report, "--report")
    table = read_table(votes)
    given = {role: name for role, name in columns.items() if name is not None}
    words = {
        word: value for word, value in ((left_is, 1.0), (right_is, 0.0), (tie_is, 0.5)) if word is not None
    }
    study = _scored(table, given, method, screen, scale, words, (bootstrap, seed))
    if report is not None:
        _write_report(study, votes, report)
    if as_json:
        plain = study.found.plain() | {"notes": study.notes}
        strata = {"strata": [row.plain() for row in study.strata]} if study.strata else {}
        page = {"report": str(report)} if report else {}
        click.echo(json.dumps(plain | strata | page, indent=2, ensure_ascii=False))
        return
    said = [(f"--{role.replace('_', '-')}", name) for role, name in given.items()]
    said += [
        (name, word)
        for name, word in (("--left-is", left_is), ("--right-is", right_is), ("--tie-is", tie_is))
        if word
    ]
    context = click.get_current_context()
    for name in ("screen", "scale", "bootstrap", "seed"):
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            value = context.params[name]
            said.append(
                (f"--{name}", f"{value[0]!r}:{value[1]!r}" if isinstance(value, tuple) else str(value))
            )
    _print_scores(votes, study, report, [word for pair in said for word in pair])


@dataclass(frozen=True)
class _Study:
    """Scores, the agreement in each stratum of the column ``grouped``, and all notes, those of the reader first."""

    found: Scores
    notes: list[str]
    strata: tuple[StratumAgreement, ...]
    grouped: str
    comparisons: Comparisons | None = None


def _scored(
    table: Table,
    columns: dict[str, str],
    method: str | None,
    screen: str | None,
    scale: tuple[float, float] | None,
    words: dict[str, float],
    chance: tuple[int, int],
) -> _Study:
    """The scores by the method that fits the table. Raises UsageError if nothing fits."""
    from groundglass.ratings.read_votes import comparisons_of, votes_of
    from groundglass.ratings.scores import score_comparisons, score_votes
    from groundglass.ratings.strata import comparisons_by_stratum, votes_by_stratum
    from groundglass.ratings.vote_columns import holds_comparisons

    pairs = holds_comparisons(table) or bool({"left", "right", "choice"} & columns.keys())
    method = method or ("bradley_terry" if pairs else "map")
    if method in PAIRS:
        if table.header is not None and not pairs:
            raise click.UsageError(
                f"--method {method} needs comparisons: columns left, right, choice and rater"
            )
        for option, value in (("--screen", screen and screen != "none"), ("--scale", scale)):
            if value:
                raise click.UsageError(f"{option} is for votes on a scale, and {method} scores comparisons")
        if unused := {"item", "score", "session"} & columns.keys():
            raise click.UsageError(
                f"--{min(unused)} is for votes on a scale, and {method} scores comparisons"
            )
        read = comparisons_of(table, columns, words)
        found = score_comparisons(read.comparisons, method, *chance)
        strata = comparisons_by_stratum(read.comparisons, read.strata, chance[1])
        return _Study(found, [*read.notes, *found.notes], strata, read.grouped, read.comparisons)
    if pairs:
        raise click.UsageError(
            f"--method {method} needs votes on a scale; for comparisons use {' or '.join(PAIRS)}"
        )
    if words:
        raise click.UsageError("--left-is, --right-is and --tie-is are for comparisons")
    read = votes_of(table, columns, scale)
    found = score_votes(read.votes, method, screen, *chance)
    strata = votes_by_stratum(read.votes, read.strata, [row.rejected for row in found.raters], chance[1])
    return _Study(found, [*read.notes, *found.notes], strata, read.grouped)


def _write_report(study: _Study, votes: Path, report: Path) -> None:
    from hashlib import sha256

    from groundglass.reports.study_page import view_study, write_study

    digest = sha256(votes.read_bytes()).hexdigest()
    write_study(
        view_study(
            study.found, votes.name, study.notes, study.strata, study.grouped, study.comparisons, digest
        ),
        report,
    )


def _print_scores(path: Path, study: _Study, report: Path | None, options: Sequence[str]) -> None:
    """Print the result in a sentence, then items, raters, agreement and notes.

    options  those without which the table cannot be read, or the result would be another one
    """
    found = study.found
    print_wrapped(f"  {headline(found)}", 2)
    click.echo()
    _print_items(found)
    _print_raters(found)
    agreed = agreement_in_words(found)
    if agreed:
        click.echo()
        print_wrapped(f"  {agreed}", 2)
    _print_strata(study)
    if study.notes:
        click.echo()
    for note in study.notes:
        print_wrapped(f"  note: {plain_line(note)}", 4)
    click.echo()
    again = f"{program()} {shlex.join(['study', 'scores', str(path), *options, '--method', found.method])}"
    if report is None:
        print_next({"next": f"{again} --report scores.html"})
    else:
        print_next({"report": str(report), "next": f"{again} --json"})


def _print_items(found: Scores) -> None:
    parts = any(row.part is not None for row in found.items)
    rows = sorted(
        found.items,
        key=lambda row: (row.score is None, row.part or 0, -(row.score if row.score is not None else 0.0)),
    )
    lines = [_item_line(row, parts) for row in rows]
    if len(lines) > 2 * SHOWN + 1:
        gap = ("…", *[""] * (len(lines[0]) - 1))
        lines = [*lines[:SHOWN], gap, *lines[-SHOWN:]]
    head = ("item", "score", "95 % interval", "votes", *(["part"] if parts else []))
    print_table(head, lines, right=(1, 2, 3, 4), shrink=0)
    if len(rows) > 2 * SHOWN + 1:
        click.echo(f"\n  {len(rows) - 2 * SHOWN} more items are in --json")


def _item_line(row: ItemScore, parts: bool) -> tuple[str, ...]:
    return (
        short_name(row.item, 34),
        "–" if row.score is None else f"{row.score:.3f}",
        "–" if row.ci95 is None else f"{row.ci95[0]:.3f} to {row.ci95[1]:.3f}",
        f"{row.votes:,}",
        *([str(row.part)] if parts else []),
    )


def _print_raters(found: Scores) -> None:
    """Rejected raters, then those that agree least with the scores."""
    if not found.raters:
        return
    click.echo()
    rows = sorted(found.raters, key=lambda row: (not row.rejected, -(row.inconsistency or 0.0)))
    pairs = found.method in PAIRS
    head = ("rater", "left bias" if pairs else "bias", "against" if pairs else "inconsistency", "votes", "")
    print_table(head, [_rater_line(row, pairs) for row in rows[:SHOWN]], right=(1, 2, 3), shrink=0)
    if len(rows) > SHOWN:
        click.echo(f"\n  {len(rows) - SHOWN} more raters are in --json")


def _rater_line(row: RaterFound, pairs: bool) -> tuple[str, ...]:
    form = "{:+.0%}" if pairs else "{:+.3f}"
    spread = "{:.0%}" if pairs else "{:.3f}"
    return (
        short_name(row.rater),
        "–" if row.bias is None else form.format(row.bias),
        "–" if row.inconsistency is None else spread.format(row.inconsistency),
        f"{row.votes:,}",
        "rejected" if row.rejected else "",
    )


def _print_strata(study: _Study) -> None:
    """The strata with the least agreement first."""
    if not study.strata:
        return
    click.echo()
    rows = sorted(study.strata, key=lambda row: (row.agreement is None, row.agreement or 0.0))
    word = "κ" if study.found.method in PAIRS else "α"
    head = (study.grouped, word, "95 % interval", "items", "votes")
    print_table(head, [_stratum_line(row) for row in rows[: 2 * SHOWN]], right=(1, 2, 3, 4), shrink=0)
    if len(rows) > 2 * SHOWN:
        click.echo(f"\n  {len(rows) - 2 * SHOWN} more strata are in --json")


def _stratum_line(row: StratumAgreement) -> tuple[str, ...]:
    return (
        short_name(row.stratum),
        "–" if row.agreement is None else f"{row.agreement:.3f}",
        "–" if row.ci95 is None else f"{row.ci95[0]:.3f} to {row.ci95[1]:.3f}",
        f"{row.items:,}",
        f"{row.votes:,}",
    )
